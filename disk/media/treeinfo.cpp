#include "disk/media/treeinfo.h"

#include "engine/core/text.h"

namespace kiln {

TreeInfo parse_treeinfo(std::string_view text) {
  TreeInfo tree;
  std::string section;
  for (const auto& whole : split_lines(text)) {
    const auto line = trim(whole);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      section = to_lower(line.substr(1, line.find(']') - 1));
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    tree.emplace(section + "/" + to_lower(trim(line.substr(0, equals))),
                 trim(line.substr(equals + 1)));
  }
  return tree;
}

std::string treeinfo_value(const TreeInfo& tree, const std::string& name) {
  const auto found = tree.find(name);
  return found == tree.end() ? std::string() : found->second;
}

}  // namespace kiln
