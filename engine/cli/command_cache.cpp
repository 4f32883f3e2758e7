// `kiln cache list|show|gc|verify`
#include <fmt/format.h>

#include "engine/cli/layer_flags.h"
#include "engine/cli/services.h"
#include "engine/core/text.h"
#include "engine/run/layers/layer_store.h"

namespace kiln {
namespace {

constexpr std::size_t kShownKey = 12;

LayerStore store_of(const Settings& settings) {
  return LayerStore(std::filesystem::absolute(settings.state_folder));
}

nlohmann::json layer_json(const Layer& layer) {
  auto below = nlohmann::json::array();
  for (std::size_t i = 1; i < layer.files.size(); ++i) below.push_back(layer.files[i].key);
  return {{"key", layer.key()},
          {"file", layer.files.front().id + ".qcow2"},
          {"below", below},
          {"source", layer.source},
          {"what", layer.what},
          {"run", layer.run},
          {"made", layer.made},
          {"bytes", layer.bytes},
          {"milliseconds", layer.took.count()},
          {"finished", !layer.finished.is_null()}};
}

std::string describe_all(const std::vector<Layer>& layers) {
  auto text = fmt::format(
      "{:<12} {:>5} {:>10} {:>10}  {:<25} {}\n", "LAYER", "DEPTH", "SIZE", "TOOK", "RUN", "WHAT");
  for (const auto& layer : layers) {
    text += fmt::format("{:<12} {:>5} {:>10} {:>10}  {:<25} {}\n",
                        layer.key().substr(0, kShownKey),
                        layer.files.size(),
                        format_bytes(layer.bytes),
                        format_duration(layer.took),
                        layer.run,
                        printable(layer.what));
  }
  return text;
}

Result<ExitCode> list(const Settings& settings) {
  const auto store = store_of(settings);
  const auto layers = store.list();
  auto json = nlohmann::json::array();
  for (const auto& layer : layers) json.push_back(layer_json(layer));
  print_result(settings,
               describe_all(layers) + fmt::format("{} in {}, the least recently used first\n",
                                                  format_bytes(store.bytes()),
                                                  store.folder().string()),
               json);
  return ExitCode::kOk;
}

Result<Layer> named_layer(const LayerStore& store, const std::string& beginning) {
  std::vector<Layer> found;
  for (auto& layer : store.list()) {
    if (layer.key().starts_with(beginning)) found.push_back(std::move(layer));
  }
  if (found.size() == 1) return std::move(found.front());
  return fail(ErrorKind::kNotFound,
              found.empty() ? "Layer:NotFound" : "Layer:Ambiguous",
              "{} layers have a key that starts with \"{}\"",
              found.empty() ? "no" : std::to_string(found.size()),
              printable(beginning))
      .cure("`kiln cache list` shows them");
}

Result<ExitCode> show(const std::string& key, const Settings& settings) {
  const auto store = store_of(settings);
  KILN_TRY_ASSIGN(const auto layer, named_layer(store, key));
  auto text = fmt::format(
      "Layer      {}\nWhat       {}\nMade       {} in {} by run {}\nSize       {}\nFile       {}\n",
      layer.key(),
      printable(layer.what),
      layer.made,
      format_duration(layer.took),
      layer.run,
      format_bytes(layer.bytes),
      (store.folder() / (layer.files.front().id + ".qcow2")).string());
  for (std::size_t i = 1; i < layer.files.size(); ++i) {
    text += fmt::format("Over       {}\n", layer.files[i].key);
  }
  print_result(
      settings, text + fmt::format("Source     {}\n", printable(layer.source)), layer_json(layer));
  return ExitCode::kOk;
}

struct GcFlags {
  std::uint64_t limit = LayerPolicy().limit;
  bool all = false;
  bool dry_run = false;
};

Result<ExitCode> gc(const GcFlags& flags, const Settings& settings) {
  const auto store = store_of(settings);
  KILN_TRY_ASSIGN(const auto removed, store.shrink(flags.all ? 0 : flags.limit, flags.dry_run));
  std::string text;
  std::uint64_t bytes = 0;
  auto json = nlohmann::json::array();
  for (const auto& layer : removed) {
    bytes += layer.bytes;
    json.push_back(layer_json(layer));
    text += fmt::format("{} {} ({})\n",
                        flags.dry_run ? "would remove" : "removed",
                        layer.key().substr(0, kShownKey),
                        printable(layer.what));
  }
  text += fmt::format("{} {}\n", format_bytes(bytes), flags.dry_run ? "to free" : "freed");
  print_result(settings, text, {{"removed", json}, {"bytes", bytes}, {"dryRun", flags.dry_run}});
  return ExitCode::kOk;
}

Result<ExitCode> verify(const Services& services) {
  const auto store = store_of(services.settings);
  const auto count = store.list().size();
  KILN_TRY_ASSIGN(const auto found, store.verify(services.cancel));
  std::string text;
  auto json = nlohmann::json::array();
  for (const auto& trouble : found) {
    text +=
        fmt::format("removed {}: {}\n", trouble.key.substr(0, kShownKey), printable(trouble.what));
    json.push_back({{"key", trouble.key}, {"what", trouble.what}});
  }
  text += fmt::format("{} of {} layers are sound\n", count - found.size(), count);
  print_result(services.settings, text, {{"layers", count}, {"removed", json}});
  return found.empty() ? ExitCode::kOk : ExitCode::kBuildFailed;
}

}  // namespace

void add_cache_command(CLI::App& app, Services& services) {
  auto* cache = app.add_subcommand("cache", "Look at the layers of earlier builds");
  cache->require_subcommand(1);
  cache->add_subcommand("list", "All layers, the least recently used first")->callback([&services] {
    services.command = [&services] { return list(services.settings); };
  });
  auto key = std::make_shared<std::string>();
  auto* show_command = cache->add_subcommand("show", "One layer, and what it lies over");
  show_command->add_option("layer", *key, "A layer's key, or the beginning of one")->required();
  show_command->callback([&services, key] {
    services.command = [&services, key] { return show(*key, services.settings); };
  });
  auto flags = std::make_shared<GcFlags>();
  auto* gc_command = cache->add_subcommand("gc", "Remove the least recently used layers");
  add_cache_limit(*gc_command, flags->limit);
  gc_command->add_flag("--all", flags->all, "Remove every layer; runs keep what they use");
  gc_command->add_flag("--dry-run", flags->dry_run, "Only show what would be removed");
  gc_command->callback([&services, flags] {
    services.command = [&services, flags] { return gc(*flags, services.settings); };
  });
  cache->add_subcommand("verify", "Read every layer, and remove damaged ones")
      ->callback([&services] { services.command = [&services] { return verify(services); }; });
}

}  // namespace kiln
