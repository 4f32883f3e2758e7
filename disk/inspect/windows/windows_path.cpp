#include "disk/inspect/windows/windows_path.h"

#include <algorithm>

#include "engine/core/text.h"

namespace kiln {

Result<std::optional<std::string>> windows_path(FileTree& files, std::string_view path) {
  std::string found;
  for (const auto& name : split(path.substr(1), '/')) {
    KILN_TRY_ASSIGN(const auto kind, files.kind(fmt::format("{}/{}", found, name)));
    if (kind != FileTree::Kind::kAbsent) {
      // A link would lead the next look elsewhere; none of these paths has one in Windows.
      if (kind == FileTree::Kind::kSymlink) return std::optional<std::string>();
      found += "/" + name;
      continue;
    }
    KILN_TRY_ASSIGN(const auto names, files.list(found.empty() ? "/" : found));
    const auto same = std::find_if(names.begin(), names.end(), [&](const std::string& each) {
      return equal_ignoring_case(each, name);
    });
    if (same == names.end()) return std::optional<std::string>();
    found += "/" + *same;
    KILN_TRY_ASSIGN(const auto other, files.kind(found));
    if (other == FileTree::Kind::kSymlink) return std::optional<std::string>();
  }
  return std::optional(std::move(found));
}

}  // namespace kiln
