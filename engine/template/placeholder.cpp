#include "engine/template/placeholder.h"

#include <cctype>

#include "engine/core/text.h"

namespace kiln {
namespace {

/// `<name>` with a name of letters, digits, `_` and `-`; empty where there is none.
std::string_view find_placeholder(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  for (auto open = text.find('<'); open != std::string_view::npos;
       open = text.find('<', open + 1)) {
    auto end = open + 1;
    const auto in_name = [&] {
      const auto c = static_cast<unsigned char>(text[end]);
      return std::isalnum(c) != 0 || c == '_' || c == '-';
    };
    while (end < text.size() && end - open <= kLongest && in_name()) ++end;
    if (end > open + 1 && end < text.size() && text[end] == '>') {
      return text.substr(open, end + 1 - open);
    }
  }
  return {};
}

}  // namespace

Result<void> refuse_placeholder(const JsonReader& text) {
  if (!text.value().is_string()) return {};
  const auto placeholder = find_placeholder(text.value().get_ref<const std::string&>());
  if (placeholder.empty()) return {};
  return text
      .error("Template:Placeholder",
             fmt::format("\"{}\" still holds the placeholder {}",
                         printable(text.value().get_ref<const std::string&>(), 120),
                         placeholder))
      .cure(fmt::format("replace {} by its value, in an editor or with sed", placeholder));
}

}  // namespace kiln
