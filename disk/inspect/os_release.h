#pragma once

#include <map>
#include <string>
#include <string_view>

namespace kiln {

/// Variables of an os-release(5) file, unquoted. What is not an assignment is passed over.
std::map<std::string, std::string> parse_os_release(std::string_view text);

}  // namespace kiln
