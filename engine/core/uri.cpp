#include "engine/core/uri.h"

#include <algorithm>
#include <cctype>

namespace kiln {

std::string_view uri_scheme(std::string_view uri) {
  const auto colon = uri.find(':');
  if (colon == std::string_view::npos || colon < 2) return {};
  const auto scheme = uri.substr(0, colon);
  const bool sound = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  });
  return sound ? scheme : std::string_view();
}

}  // namespace kiln
