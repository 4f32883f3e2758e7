#pragma once

#include <map>
#include <string>
#include <string_view>

namespace kiln {

/// `.treeinfo`: values by `section/key`, both in small letters. Lines that are neither a section,
/// a value nor a comment are passed over; of two values with one name the first counts.
using TreeInfo = std::map<std::string, std::string>;

TreeInfo parse_treeinfo(std::string_view text);

/// The value, or an empty text.
std::string treeinfo_value(const TreeInfo& tree, const std::string& name);

}  // namespace kiln
