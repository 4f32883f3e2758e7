#include "disk/inspect/windows/refuse_windows.h"

#include "engine/core/text.h"

namespace kiln {
namespace {

std::string generation(const WindowsFacts& facts) {
  if (facts.bios && facts.uefi) return "generations 1 and 2";
  if (facts.bios) return "generation 1";
  return facts.uefi ? "generation 2" : "no boot loader";
}

}  // namespace

std::string describe(const WindowsFacts& facts) {
  return printable(fmt::format("{}{}{} ({}, {}, {})",
                               facts.product,
                               facts.release.empty() ? "" : " ",
                               facts.release,
                               facts.version,
                               facts.edition,
                               generation(facts)));
}

Error refuse_windows(ImageSession& session,
                     const std::vector<FileSystem>& file_systems,
                     Error refusal) {
  if (refusal.code() != "Inspect:WindowsRoot" || session.hives() == nullptr) return refusal;
  auto facts = inspect_windows(session, file_systems);
  if (!facts) return std::move(facts).error();
  if (!*facts) return refusal;
  std::vector<std::string> more;
  for (const auto& each : (*facts)->refusals) more.push_back(each.summary());
  return fail(refusal.kind(),
              refusal.code(),
              "the disk holds {}, and the template does not say so",
              describe(**facts))
      .at((*facts)->device)
      .quoting(std::move(more))
      .cure(
          "say osType Windows in the catalog (`kiln catalog add --os-type Windows`) or in the "
          "source");
}

}  // namespace kiln
