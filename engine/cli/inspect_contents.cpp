#include "engine/cli/inspect_contents.h"

#include "disk/inspect/windows/refuse_windows.h"
#include "disk/workspace/work_disk.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "engine/sandbox/windows/windows_disk.h"

namespace kiln {
namespace {

std::string in_one_line(const std::vector<std::string>& texts) {
  return printable(fmt::format("{}", fmt::join(texts, ", ")));
}

std::string to_text(const WindowsFacts& facts) {
  auto text = fmt::format(
      "Windows    {}\nKind       {}, {}\nComputer   {}\nImage      state {}, {} on {}\n",
      describe(facts),
      printable(facts.installation),
      printable(facts.architecture),
      printable(facts.computer_name),
      printable(facts.image_state),
      printable(facts.control_set),
      facts.device);
  if (!facts.page_files.empty()) {
    text += fmt::format("Page file  {}\n", in_one_line(facts.page_files));
  }
  if (!facts.pending_restart.empty()) {
    text += fmt::format("Restart    wanted by Windows: {}\n", in_one_line(facts.pending_restart));
  }
  for (const auto& refusal : facts.refusals) {
    text += fmt::format("Refused    {}\n           cure: {}\n", refusal.summary(), refusal.cure());
  }
  if (facts.refusals.empty()) text += "Build      possible: say osType Windows\n";
  return text;
}

nlohmann::json to_json(const WindowsFacts& facts) {
  auto refusals = nlohmann::json::array();
  for (const auto& each : facts.refusals) {
    refusals.push_back({{"code", each.code()}, {"message", each.message()}, {"cure", each.cure()}});
  }
  return {{"product", facts.product},
          {"version", facts.version},
          {"release", facts.release},
          {"edition", facts.edition},
          {"installationType", facts.installation},
          {"architecture", facts.architecture},
          {"bios", facts.bios},
          {"uefi", facts.uefi},
          {"bootStores", facts.boot_stores},
          {"device", facts.device},
          {"controlSet", facts.control_set},
          {"computerName", facts.computer_name},
          {"imageState", facts.image_state},
          {"pageFiles", facts.page_files},
          {"hibernation", facts.hibernation},
          {"fastStartUp", facts.fast_start_up},
          {"pendingRestart", facts.pending_restart},
          {"refusals", refusals}};
}

}  // namespace

Result<DiskContents> inspect_contents(const ImageInfo& image, Services& services) {
  KILN_TRY_ASSIGN(const auto folder, TempDir::create());
  KILN_TRY_ASSIGN(
      const auto disk,
      WorkDisk::create(*services.runner, image, folder.path() / "overlay.qcow2", services.cancel));
  const auto display = make_display(services.settings);
  KILN_TRY_ASSIGN(auto windows,
                  open_windows_disk(disk,
                                    {},
                                    {*services.runner,
                                     *display,
                                     services.cancel,
                                     folder.path(),
                                     services.settings.cache_folder}));
  KILN_TRY(windows.session->finish());
  return DiskContents{to_text(windows.facts), to_json(windows.facts)};
}

}  // namespace kiln
