#include "engine/cli/layer_flags.h"

namespace kiln {

void LayerFlags::add_to(CLI::App& command) {
  auto* off = command.add_flag_callback(
      "--no-cache",
      [this] { policy.enabled = false; },
      "Use no layer of an earlier build, and keep none");
  command
      .add_option("--from",
                  policy.from,
                  "The first step that runs although nothing changed: an id, a number, a name, or\n"
                  "generalize")
      ->type_name("STEP")
      ->excludes(off);
  command
      .add_flag("--cache-network",
                policy.network,
                "Also reuse what steps made that could reach the network")
      ->envname("KILN_CACHE_NETWORK");
  add_cache_limit(command, policy.limit);
}

void add_cache_limit(CLI::App& command, std::uint64_t& bytes) {
  command
      .add_option_function<double>(
          "--cache-limit",
          [&bytes](double gib) { bytes = static_cast<std::uint64_t>(gib * kGiB); },
          "GiB that all layers may have; the least recently used go first")
      ->envname("KILN_CACHE_LIMIT")
      ->check(CLI::NonNegativeNumber)
      ->default_str(std::to_string(bytes / kGiB))
      ->type_name("GIB");
}

}  // namespace kiln
