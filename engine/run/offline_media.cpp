#include "engine/run/offline_media.h"

#include "disk/media/write_media.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// A disc's drive is found by its model: /dev/disk has no names where no udev runs, and Linux asks
/// drives for no serial number. Where udev does run, it may only be about to load their driver.
constexpr std::string_view kScript = R"(set -e
wanted=$1 folder=$2
if grep -qsF " $folder " /proc/mounts; then exit 0; fi
tries=100
while [ $tries -gt 0 ]; do
  for model in /sys/block/sr*/device/model; do
    if read -r found 2>/dev/null <"$model" && [ "$found" = "$wanted" ]; then
      drive=${model#/sys/block/}
      mkdir -p "$folder"
      exec mount -t iso9660 -o ro,nosuid,nodev "/dev/${drive%%/*}" "$folder"
    fi
  done
  tries=$((tries - 1))
  sleep 0.2
done
echo "no drive is called $wanted" >&2
exit 1
)";

Result<void> mount_one(const RunContext& context,
                       GuestAgent& agent,
                       const std::string& name,
                       const std::string& drive) {
  constexpr auto kPatience = std::chrono::minutes(2);
  const auto folder = fmt::format("{}/{}", kMediaFolder, name);
  GuestCommand command;
  command.argv = {"/bin/sh", "-c", std::string(kScript), "sh", drive, folder};
  command.time_limit = kPatience;
  std::string said;
  const auto output = [&](GuestStream, std::string_view data) {
    constexpr std::size_t kMost = 4096;
    said.append(data.substr(0, kMost - std::min(kMost, said.size())));
  };
  KILN_TRY_ASSIGN(const auto exit, agent.run(command, output, context.cancel));
  if (exit.ok()) return {};
  return fail(ErrorKind::kGuestFailed,
              "Media:NotMounted",
              "the medium {} cannot be mounted in {}",
              name,
              folder)
      .quoting(split_lines(said))
      .cure("leave out the medium, or use an image whose kernel knows ISO 9660");
}

}  // namespace

Result<std::vector<OfflineMedium>> make_discs(std::vector<OfflineMedium> media,
                                              std::string_view use,
                                              const RunContext& context) {
  for (auto& medium : media) {
    std::error_code error;
    if (!std::filesystem::is_directory(medium.iso, error)) continue;
    const auto disc = context.folder.work() / fmt::format("{}-{}.iso", use, medium.name);
    if (!std::filesystem::exists(disc, error)) {
      KILN_TRY_WHILE(write_media(medium.iso, medium.name, disc, context.cancel),
                     "making a disc of {}",
                     medium.iso.string());
    }
    medium.iso = disc;
  }
  return media;
}

Result<void> mount_media(const RunContext& context, GuestAgent& agent) {
  if (context.plan.is_windows()) return {};  // which gives discs letters by itself
  std::size_t number = 0;
  for (const auto& medium : context.plan.options.sandbox.media) {
    KILN_TRY(mount_one(context, agent, medium.name, drive_of_medium(++number)));
  }
  return {};
}

}  // namespace kiln
