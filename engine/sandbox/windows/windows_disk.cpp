#include "engine/sandbox/windows/windows_disk.h"

#include "disk/inspect/windows/refuse_windows.h"
#include "disk/servicing/windows_agent.h"
#include "disk/servicing/windows_answers.h"
#include "engine/agent/guest_agent.h"
#include "engine/sandbox/appliance/mounted_image.h"
#include "engine/sandbox/timed.h"

namespace kiln {
namespace {

Result<WindowsFacts> look(ImageSession& session) {
  KILN_TRY_ASSIGN(const auto file_systems, session.file_systems());
  KILN_TRY_ASSIGN(auto facts, inspect_windows(session, file_systems));
  if (facts) return *std::move(facts);
  return fail(ErrorKind::kUnsupported,
              "Windows:NotFound",
              "the source is said to hold Windows, and there is none on its disk")
      .cure("say osType Linux in the catalog or in the source, or use another image");
}

}  // namespace

Result<WindowsDisk> open_windows_disk(const WorkDisk& disk,
                                      const SandboxOptions& options,
                                      const SandboxContext& context) {
  if (options.appliance == ApplianceChoice::kMicro) {
    return fail(ErrorKind::kUnsupported,
                "Windows:NoHives",
                "the micro-appliance cannot read the registry of Windows")
        .cure("leave --sandbox out, or write --sandbox appliance");
  }
  WindowsDisk windows;
  KILN_TRY_ASSIGN(windows.session, launch_unmounted(disk, options, context));
  const auto start = std::chrono::steady_clock::now();
  KILN_TRY_ASSIGN(windows.facts, look(*windows.session));
  tell_time(context.events, TimedKind::kDisk, describe(windows.facts) + " found", start);
  return windows;
}

Result<void> refresh(WindowsDisk& windows) {
  KILN_TRY_ASSIGN(windows.facts, look(*windows.session));
  return {};
}

Result<Firmware> choose_windows_firmware(Firmware asked, const WindowsFacts& facts) {
  if (asked == Firmware::kAny) return facts.uefi ? Firmware::kUefi : Firmware::kBios;
  const bool uefi = asked == Firmware::kUefi;
  if (uefi ? facts.uefi : facts.bios) return asked;
  return fail(ErrorKind::kUnsupported,
              uefi ? "Windows:NoUefi" : "Windows:NoBios",
              "the image is said to be of generation {}, but Windows has no boot loader for {} on "
              "its disk",
              uefi ? 2 : 1,
              uefi ? "UEFI" : "BIOS")
      .at(facts.device)
      .cure(fmt::format("say generation V{} in the catalog or in the source's hyperVGeneration{}",
                        uefi ? 1 : 2,
                        uefi ? ", and leave security type TrustedLaunch out" : ""));
}

Result<bool> prepare_windows(WindowsDisk& windows) {
  auto& session = *windows.session;
  KILN_TRY(check_serviceable(windows.facts));
  const bool setup = needs_answers(windows.facts);
  if (setup) KILN_TRY(place_windows_answers(session, windows.facts));
  KILN_TRY(place_windows_agent(session, windows.facts, embedded_windows_agent()));
  return setup;
}

Result<void> clean_windows(WindowsDisk& windows) {
  KILN_TRY(remove_windows_agent(*windows.session, windows.facts));
  return remove_windows_answers(*windows.session, windows.facts);
}

}  // namespace kiln
