#include "engine/core/json_place.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/core/json_relaxed.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// The root and the name that all its nodes point to.
struct PlaceTree {
  std::string document;
  JsonPlace root;
};

void link(JsonPlace& place, const JsonPlace* parent, const std::string* document) {
  place.parent = parent;
  place.document = document;
  for (auto& child : place.children) link(child, &place, document);
}

PlacePtr share(std::string document, JsonPlace root) {
  auto tree = std::make_shared<PlaceTree>(PlaceTree{std::move(document), std::move(root)});
  link(tree->root, nullptr, &tree->document);
  const auto* place = &tree->root;
  return {std::move(tree), place};
}

void step(std::uint32_t& line, std::uint32_t& column, char c) {
  if (c == '\n') {
    ++line;
    column = 1;
  } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
    ++column;  // UTF-8 continuation bytes are no characters of their own
  }
}

class Indexer {
 public:
  explicit Indexer(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  }

  JsonPlace run() { return value(); }
  std::optional<DuplicateKey> take_duplicate() { return std::move(duplicate_); }

 private:
  void advance() { step(line_, column_, text_[at_++]); }

  void skip_to(std::size_t end) {
    while (at_ < std::min(end, text_.size())) advance();
  }

  void skip_space() {
    while (at_ < text_.size()) {
      if (const auto end = end_of_comment(text_, at_); end != at_) {
        skip_to(end);
      } else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
        advance();
      } else {
        return;
      }
    }
  }

  std::string_view string() {
    const auto begin = at_;
    advance();
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') advance();
      if (at_ < text_.size()) advance();
    }
    if (at_ < text_.size()) advance();
    return text_.substr(begin, at_ - begin);
  }

  std::string key() {
    const auto written = string();
    const auto inner = written.substr(1, written.size() - 2);
    if (inner.find_first_of("\\\n\r\t") == std::string_view::npos) return std::string(inner);
    const auto parsed =
        nlohmann::json::parse(relax_json(written).text, nullptr, /*allow_exceptions=*/false);
    return parsed.is_string() ? parsed.get<std::string>() : std::string();
  }

  void scalar() {
    if (text_[at_] == '"') {
      string();
      return;
    }
    while (at_ < text_.size() &&
           std::string_view(",]} \t\r\n/").find(text_[at_]) == std::string_view::npos) {
      advance();
    }
  }

  JsonPlace value() {
    skip_space();
    JsonPlace place;
    place.line = line_;
    place.column = column_;
    if (at_ >= text_.size()) return place;
    if (text_[at_] == '{') {
      object(place);
    } else if (text_[at_] == '[') {
      array(place);
    } else {
      scalar();
    }
    return place;
  }

  /// Skips to the next member; false, and past the bracket, at the end.
  bool next(char end) {
    for (skip_space(); at_ < text_.size(); skip_space()) {
      const char c = text_[at_];
      if (c != ',' && c != end) return true;
      advance();
      if (c == end) return false;
    }
    return false;
  }

  void object(JsonPlace& place) {
    std::unordered_map<std::string, std::size_t> seen;
    advance();
    while (next('}')) {
      const auto line = line_;
      const auto column = column_;
      auto name = key();
      path_.push_back(name);
      const auto [found, is_new] = seen.emplace(name, place.children.size());
      if (!is_new && !duplicate_) duplicate_ = DuplicateKey{pointer(), line, column};
      if (is_new) place.keys.push_back(std::move(name));
      skip_space();
      if (at_ < text_.size()) advance();  // the colon
      auto child = value();
      if (is_new) {
        place.children.push_back(std::move(child));
      } else {
        place.children[found->second] = std::move(child);  // the last one counts
      }
      path_.pop_back();
    }
  }

  void array(JsonPlace& place) {
    advance();
    while (next(']')) {
      path_.push_back(std::to_string(place.children.size()));
      place.children.push_back(value());
      path_.pop_back();
    }
  }

  [[nodiscard]] std::string pointer() const {
    std::string text;
    for (const auto& token : path_) text += "/" + escape_token(token);
    return text;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  std::uint32_t column_ = 1;
  std::vector<std::string> path_;
  std::optional<DuplicateKey> duplicate_;
};

}  // namespace

std::string escape_token(std::string_view token) {
  std::string escaped;
  for (const char c : token) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string pointer_of(const JsonPlace& place) {
  std::vector<std::string> tokens;
  for (const auto* at = &place; at->parent != nullptr; at = at->parent) {
    const auto index = static_cast<std::size_t>(at - at->parent->children.data());
    const auto& keys = at->parent->keys;
    tokens.push_back(index < keys.size() ? escape_token(keys[index]) : std::to_string(index));
  }
  std::reverse(tokens.begin(), tokens.end());
  std::string pointer;
  for (const auto& token : tokens) pointer += "/" + token;
  return pointer;
}

std::string describe_place(std::string_view document,
                           std::uint32_t line,
                           std::uint32_t column,
                           std::string_view pointer) {
  const auto separator = pointer.empty() ? "" : " ";
  if (line == 0) return fmt::format("{}{}{}", document, separator, printable(pointer));
  return fmt::format("{}:{}:{}{}{}", document, line, column, separator, printable(pointer));
}

std::string describe_place(const JsonPlace& place) {
  const auto* at = &place;
  while (at->origin != nullptr) at = at->origin.get();
  const std::string_view document = at->document == nullptr ? "" : std::string_view(*at->document);
  return describe_place(document, at->line, at->column, pointer_of(*at));
}

PlacePtr place_of_key(const PlacePtr& place, std::string_view key) {
  for (auto at = place; at != nullptr; at = at->origin) {
    const auto found = std::find(at->keys.begin(), at->keys.end(), key);
    if (found == at->keys.end()) continue;
    const auto index = static_cast<std::size_t>(found - at->keys.begin());
    return {at, &at->children[index]};
  }
  return nullptr;
}

PlacePtr place_of_item(const PlacePtr& place, std::size_t index) {
  for (auto at = place; at != nullptr; at = at->origin) {
    if (at->keys.empty() && index < at->children.size()) return {at, &at->children[index]};
    if (!at->children.empty()) return nullptr;
  }
  return nullptr;
}

PlacePtr place_of_written_key(const PlacePtr& place, std::size_t index) {
  auto at = place;
  while (at->children.empty() && at->origin != nullptr) at = at->origin;
  return {at, &at->children[index]};
}

const std::vector<std::string>& keys_of(const JsonPlace& place) {
  const auto* at = &place;
  while (at->children.empty() && at->origin != nullptr) at = at->origin.get();
  return at->keys;
}

JsonPlace place_from(PlacePtr origin) {
  while (origin != nullptr && origin->children.empty() && origin->origin != nullptr) {
    origin = origin->origin;
  }
  JsonPlace place;
  place.origin = std::move(origin);
  return place;
}

PlacePtr place_named(std::string document) {
  JsonPlace place;
  place.line = 0;
  return share(std::move(document), std::move(place));
}

IndexedJson index_json(std::string_view text, std::string document) {
  Indexer indexer(text);
  auto root = share(std::move(document), indexer.run());
  return {std::move(root), indexer.take_duplicate()};
}

std::pair<std::uint32_t, std::uint32_t> line_and_column(std::string_view text, std::size_t byte) {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  for (const char c : text.substr(0, byte)) step(line, column, c);
  return {line, column};
}

}  // namespace kiln
