#include "engine/agent/windows/wildcard.h"

#include <cstddef>

namespace kiln::agent {
namespace {

wchar_t folded(wchar_t c) {
  return c >= L'a' && c <= L'z' ? static_cast<wchar_t>(c - L'a' + L'A') : c;
}

/// Takes `[abc]`, `[a-z]` or `[!a]` off the front of the pattern; one that is not closed is an
/// ordinary character.
/// @return whether the character is in it
bool take_set(std::wstring_view& pattern, wchar_t c) {
  const bool inverted = pattern.size() > 1 && (pattern[1] == L'!' || pattern[1] == L'^');
  const std::size_t first = inverted ? 2 : 1;
  const auto end = pattern.find(L']', first + 1);  // the first may be a bracket itself
  if (end == std::wstring_view::npos) {
    pattern.remove_prefix(1);
    return c == L'[';
  }
  bool found = false;
  for (auto i = first; i < end; ++i) {
    const bool range = i + 2 < end && pattern[i + 1] == L'-';
    const auto from = folded(pattern[i]);
    const auto to = range ? folded(pattern[i + 2]) : from;
    found = found || (from <= folded(c) && folded(c) <= to);
    if (range) i += 2;
  }
  pattern.remove_prefix(end + 1);
  return found != inverted;
}

}  // namespace

bool is_wild(std::wstring_view pattern) {
  return pattern.find_first_of(L"*?[") != std::wstring_view::npos;
}

bool matches(std::wstring_view pattern, std::wstring_view name) {
  // Where to go on when what follows the last asterisk does not fit: one character further.
  std::wstring_view after_asterisk;
  std::wstring_view retry;
  bool asterisk = false;
  while (!name.empty() || !pattern.empty()) {
    if (!pattern.empty() && pattern[0] == L'*') {
      pattern.remove_prefix(1);
      after_asterisk = pattern;
      retry = name;
      asterisk = true;
      continue;
    }
    bool fits = !pattern.empty() && !name.empty();
    if (fits) {
      const wchar_t c = name[0];
      name.remove_prefix(1);
      if (pattern[0] == L'[') {
        fits = take_set(pattern, c);
      } else {
        fits = pattern[0] == L'?' || folded(pattern[0]) == folded(c);
        pattern.remove_prefix(1);
      }
    }
    if (fits) continue;
    if (!asterisk || retry.empty()) return false;
    retry.remove_prefix(1);
    name = retry;
    pattern = after_asterisk;
  }
  return true;
}

}  // namespace kiln::agent
