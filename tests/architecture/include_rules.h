#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln::test {

/// What a folder may include besides itself, and why not more.
struct FolderRule {
  std::string_view folder;
  std::vector<std::string_view> may_include;
  std::string_view reason;
};

/// A third-party header that one folder wraps for all others.
struct ConfinedHeader {
  std::string_view prefix;  ///< of what stands between the angle brackets
  std::string_view folder;
  std::string_view reason;
};

/// From the bottom upward.
const std::vector<FolderRule>& folder_rules();
const std::vector<ConfinedHeader>& confined_headers();

/// The rule for a file or folder, by its path from the repository's root; null where none holds.
const FolderRule* rule_for(std::string_view path);

/// What the `#include` lines of a file break, as messages for a person; empty where nothing.
std::vector<std::string> check_includes(std::string_view path, std::string_view text);

}  // namespace kiln::test
