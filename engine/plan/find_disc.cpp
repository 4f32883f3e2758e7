#include "engine/plan/find_disc.h"

#include "engine/core/file.h"
#include "engine/plan/choose_sandbox.h"
#include "engine/plan/find_media.h"
#include "uploaders/transport/fetcher.h"

namespace kiln {
namespace {

constexpr std::uint64_t kLinuxDisk = 30 * kGiB;  // as Azure's own images
constexpr std::uint64_t kWindowsDisk = 127 * kGiB;
constexpr std::uint64_t kLargestAnswers = kMiB;
/// q35 has six SATA ports, and the disk, the disc and the answers may take three.
constexpr std::size_t kMostInstallerMedia = 3;

/// Fills `plan.source.path`, or says in `install` from where it will be fetched.
Result<void> locate(Plan& plan, PlannedInstall& install) {
  auto& source = plan.source;
  if (!source.path.empty()) return {};  // the catalog knew
  const auto& disc = *source.disc;
  const auto stand_in = plan.options.uri_map.find(disc.uri);
  if (!stand_in && is_remote(disc.uri)) {
    if (plan.options.offline) return refused_offline(disc.uri).at(disc.where);
    install.fetch = disc.uri;
    return {};
  }
  auto path = stand_in ? Result<std::filesystem::path>(*stand_in)
                       : local_path(disc.uri, plan.options.template_folder);
  if (!path) return std::move(path).error().at(disc.where);
  std::error_code error;
  source.path = std::filesystem::absolute(*path, error).lexically_normal();
  if (std::filesystem::is_regular_file(source.path, error)) return {};
  const auto missing = std::exchange(source.path, {});
  return fail(ErrorKind::kNotFound,
              "Source:DiscMissing",
              "the disc image {} cannot be used: {}",
              missing.string(),
              error ? error.message() : "it is not a regular file")
      .at(disc.where)
      .cure("correct sourceUri, or register the disc with `kiln catalog add`");
}

Result<void> read_answers(const DiscSource& disc, InstallOrder& order) {
  const auto read = [&](const std::filesystem::path& path) -> Result<std::string> {
    auto text = read_file(path, kLargestAnswers);
    if (text) return text;
    return std::move(text).error().at(disc.where).while_doing("reading the installer's answers");
  };
  if (!disc.answers.empty()) {
    KILN_TRY_ASSIGN(order.answers, read(disc.answers));
  }
  if (!disc.additional_answers.empty()) {
    KILN_TRY_ASSIGN(order.additional_answers, read(disc.additional_answers));
  }
  return {};
}

Result<void> find_installer_media(const DiscSource& disc, PlannedInstall& install) {
  for (const auto& path : disc.media) {
    auto added = add_medium(path, install.media, kMostInstallerMedia);
    if (!added) return std::move(added).error().at(disc.where);
  }
  return {};
}

/// Everything that a recipe refuses is told before the build.
Result<void> look_at_disc(Plan& plan, InstallOrder& order) {
  KILN_TRY_ASSIGN(order.media, inspect_media(plan.source.path));
  const bool windows = order.media.family == InstallerFamily::kWindows;
  if (order.media.family != InstallerFamily::kUnknown) {
    plan.source.os_type = windows ? OsType::kWindows : OsType::kLinux;
  }
  if (!plan.checked.image_template.disk_size) {
    order.disk_bytes = windows ? kWindowsDisk : kLinuxDisk;
  }
  KILN_TRY(make_install_recipe(order));
  return {};
}

}  // namespace

void find_disc(Plan& plan) {
  const auto& disc = *plan.source.disc;
  PlannedInstall install;
  auto& order = install.order;
  const auto& wanted = plan.checked.image_template.disk_size;
  order.firmware = firmware_of(plan.source.hyper_v_generation);
  order.disk_bytes = wanted ? static_cast<std::uint64_t>(wanted->gib) * kGiB : kLinuxDisk;
  order.edition = disc.edition;
  const auto find = [&]() -> Result<void> {
    KILN_TRY(locate(plan, install));
    KILN_TRY(read_answers(disc, order));
    KILN_TRY(find_installer_media(disc, install));
    if (!plan.source_found()) return {};
    auto looked = look_at_disc(plan, order);
    if (!looked) return std::move(looked).error().at(disc.where);
    return {};
  };
  if (auto found = find(); !found) plan.blockers.push_back(std::move(found).error());
  plan.source_image.path = plan.source.path;
  plan.source_image.virtual_size = order.disk_bytes;
  plan.install = std::move(install);
}

}  // namespace kiln
