#include "engine/run/install/install.h"

#include "disk/image/probe.h"
#include "engine/core/text.h"
#include "engine/run/install/installed_base.h"
#include "engine/run/media_digest.h"
#include "engine/run/offline_media.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

Result<BaseIdentity> identify(const InstallOrder& order,
                              const InstallRecipe& recipe,
                              const RunContext& context) {
  const auto& plan = context.plan;
  BaseIdentity identity;
  identity.iso_sha256 = plan.source.expected_sha256.value_or("");
  for (const auto& file : recipe.answers) {
    identity.answers += fmt::format("{} {}\n{}\n", file.name, file.text.size(), file.text);
  }
  identity.answers += recipe.installation.arguments;
  identity.generation = order.firmware == Firmware::kUefi ? "V2" : "V1";
  identity.disk_bytes = order.disk_bytes;
  if (plan.install->media.empty()) return identity;
  KILN_TRY_ASSIGN(auto contents,
                  media_contents(plan.install->media, context.cache_folder, context.cancel));
  identity.media.push_back(std::move(contents));
  return identity;
}

Result<void> install_now(const InstallOrder& order,
                         const fs::path& disk,
                         const RunContext& context) {
  auto& events = context.events;
  KILN_TRY_ASSIGN(auto installation,
                  prepare_installation(order, context.folder.work(), context.cancel));
  KILN_TRY_ASSIGN(const auto discs, make_discs(context.plan.install->media, "installer", context));
  for (const auto& disc : discs) installation.media.push_back(disc.iso);
  notice(events,
         fmt::format("installing {} by {} on a disk of {}",
                     installation.system,
                     order.firmware == Firmware::kUefi ? "UEFI" : "BIOS",
                     format_bytes(order.disk_bytes)));
  auto sandbox = context.plan.options.sandbox;
  sandbox.media.clear();  // they are for steps
  return run_installation(
      installation,
      disk,
      sandbox,
      {context.runner, events, context.cancel, context.folder.work(), context.cache_folder});
}

}  // namespace

Result<ImageInfo> install_from_disc(const InstallOrder& order, const RunContext& context) {
  KILN_TRY_ASSIGN(const auto recipe, make_install_recipe(order));
  KILN_TRY_ASSIGN(const auto identity, identify(order, recipe, context));
  const InstalledBases bases(context.cache_folder);
  bool installed = false;
  const auto install = [&](const fs::path& disk) {
    installed = true;
    return install_now(order, disk, context);
  };
  context.record.set_partial_files({bases.partial_path_of(identity)});
  KILN_TRY(context.record.save());
  auto base = bases.obtain(identity, context.reinstall, install, context.events, context.cancel);
  context.record.set_partial_files({});
  if (!base) return std::move(base).error();
  if (!installed) {
    notice(context.events,
           fmt::format("{} was installed before with these answers, and is taken from {}",
                       order.media.title(),
                       base->string()));
  }
  return probe_image(*base);
}

}  // namespace kiln
