#include "engine/cli/media_flags.h"

#include "engine/plan/find_media.h"

namespace kiln {

void MediaFlags::add_to(CLI::App& command) {
  command
      .add_option("--media",
                  paths,
                  "An ISO, or a folder, that steps read in /run/kiln/media/NAME; can be repeated")
      ->allow_extra_args(false);
}

Result<void> MediaFlags::apply(SandboxOptions& options) const {
  for (const auto& path : paths) {
    auto added = add_medium(path, options.media);
    if (!added) return std::move(added).error().at("--media");
  }
  return {};
}

}  // namespace kiln
