#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/c_handle.h"

namespace kiln {

/// Takes over a NULL-terminated list as libguestfs returns it.
inline std::vector<std::string> take_strings(char** list) {
  std::vector<std::string> strings;
  for (char** item = list; *item != nullptr; ++item) {
    strings.emplace_back(*item);
    std::free(*item);
  }
  std::free(list);
  return strings;
}

/// Takes over a string as libguestfs returns it.
inline std::string take_string(char* text) {
  const CHandle<char, std::free> owner(text);
  return text;
}

}  // namespace kiln
