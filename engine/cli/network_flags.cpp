#include "engine/cli/network_flags.h"

namespace kiln {
namespace {

/// What CLI11 makes of a flag without a value.
constexpr const char* kPlain = "true";

}  // namespace

void NetworkFlags::add_to(CLI::App& command) {
  command.add_flag("--network",
                   values,
                   "Alone: a user-mode network card, which reaches whatever this host reaches.\n"
                   "--network=HOST:PORT, again for each: no card, and these servers only");
}

void add_connect_option(CLI::App& command, SandboxOptions& options) {
  command
      .add_option("--connect",
                  options.connect,
                  "URI of the libvirt that boots images, such as qemu:///session; without it Kiln\n"
                  "needs no daemon")
      ->envname("KILN_CONNECT");
}

Result<void> NetworkFlags::apply(SandboxOptions& options) const {
  for (const auto& value : values) {
    if (value == kPlain) {
      options.network = true;
      continue;
    }
    KILN_TRY_ASSIGN(options.destinations.emplace_back(), parse_destination(value));
  }
  if (!options.network || options.destinations.empty()) return {};
  return fail(ErrorKind::kInvalidTemplate,
              "Network:Both",
              "--network alone allows every server, and --network=HOST:PORT only some")
      .cure("leave one of them out");
}

}  // namespace kiln
