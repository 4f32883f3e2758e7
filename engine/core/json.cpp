#include "engine/core/json.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "engine/core/text.h"

namespace kiln {
namespace {

struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
};

struct Index {
  std::unordered_map<std::string, Position> positions;
  std::unordered_map<std::string, std::vector<std::string>> order;  ///< keys as written
  std::optional<std::string> duplicate;                             ///< pointer of a repeated key
  bool too_deep = false;
};

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

/// Walks a text that nlohmann has already accepted and notes where each value starts. Because the
/// text is known to be valid, the walk only has to find the structure, not to check it.
class Indexer {
 public:
  static constexpr int kMaxDepth = 128;

  explicit Indexer(std::string_view text) : text_(text) {}

  Index run() {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
    value("", 0);
    return std::move(index_);
  }

 private:
  void advance() {
    if (text_[at_] == '\n') {
      ++here_.line;
      here_.column = 1;
    } else {
      ++here_.column;
    }
    ++at_;
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      advance();
    }
  }

  std::string string() {
    const auto begin = at_;
    advance();
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') advance();
      advance();
    }
    advance();
    const auto parsed = nlohmann::json::parse(
        text_.substr(begin, at_ - begin), nullptr, /*allow_exceptions=*/false);
    return parsed.is_string() ? parsed.get<std::string>() : std::string();
  }

  void value(const std::string& pointer, int depth) {
    skip_space();
    if (at_ >= text_.size() || index_.too_deep) return;
    index_.positions.emplace(pointer, here_);
    if (depth > kMaxDepth) {
      index_.too_deep = true;
    } else if (text_[at_] == '{') {
      object(pointer, depth);
    } else if (text_[at_] == '[') {
      array(pointer, depth);
    } else if (text_[at_] == '"') {
      string();
    } else {
      while (at_ < text_.size() &&
             std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) {
        advance();
      }
    }
  }

  void object(const std::string& pointer, int depth) {
    advance();
    for (skip_space(); !index_.too_deep && at_ < text_.size() && text_[at_] != '}'; skip_space()) {
      if (text_[at_] == ',') {
        advance();
        continue;
      }
      const auto key_position = here_;
      auto key = string();
      auto child = pointer + "/" + escape_token(key);
      if (index_.positions.contains(child)) {
        index_.duplicate = child;
        index_.positions[child] = key_position;
      }
      index_.order[pointer].push_back(std::move(key));
      skip_space();
      advance();  // the colon
      value(child, depth + 1);
    }
    if (at_ < text_.size()) advance();
  }

  void array(const std::string& pointer, int depth) {
    advance();
    std::size_t count = 0;
    for (skip_space(); !index_.too_deep && at_ < text_.size() && text_[at_] != ']'; skip_space()) {
      if (text_[at_] == ',') {
        advance();
        continue;
      }
      value(pointer + "/" + std::to_string(count++), depth + 1);
    }
    if (at_ < text_.size()) advance();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Position here_;
  Index index_;
};

std::string_view type_name(const nlohmann::json& value) {
  if (value.is_boolean()) return "true or false";
  if (value.is_number_integer()) return "an integer";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  return "null";
}

Position position_of_byte(std::string_view text, std::size_t byte) {
  Position position;
  for (std::size_t i = 0; i < std::min(byte, text.size()); ++i) {
    if (text[i] == '\n') {
      ++position.line;
      position.column = 1;
    } else {
      ++position.column;
    }
  }
  return position;
}

/// nlohmann reports what it expected, but only as text of an exception; this is the one place where
/// that exception is caught.
Result<nlohmann::json> parse_text(const std::string& text, const std::string& name) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const auto position = position_of_byte(text, error.byte > 0 ? error.byte - 1 : 0);
    std::string_view what = error.what();
    if (const auto detail = what.find(": "); detail != std::string_view::npos) {
      what.remove_prefix(detail + 2);
    }
    return fail(ErrorKind::kInvalidTemplate, "Json:Syntax", "not valid JSON: {}", what)
        .at(fmt::format("{}:{}:{}", name, position.line, position.column));
  }
}

/// nlohmann parses recursively when it destroys; so depth is checked on the raw text first.
bool nested_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > Indexer::kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

struct JsonReader::Document {
  std::string name;
  nlohmann::json root;
  Index index;
};

Result<JsonReader> JsonReader::parse(std::string text, std::string name) {
  if (nested_too_deep(text)) {
    return fail(ErrorKind::kInvalidTemplate,
                "Json:TooDeep",
                "nested deeper than {} levels",
                Indexer::kMaxDepth)
        .at(std::move(name));
  }
  KILN_TRY_ASSIGN(auto root, parse_text(text, name));
  auto document = std::make_shared<Document>();
  document->name = std::move(name);
  document->root = std::move(root);
  document->index = Indexer(text).run();
  const auto* value = &document->root;
  const auto duplicate = document->index.duplicate;
  JsonReader reader(std::move(document), value, "");
  if (duplicate) {
    reader.pointer_ = *duplicate;
    return reader.error("Json:DuplicateKey", "this key appears twice in its object");
  }
  return reader;
}

JsonReader JsonReader::of(nlohmann::json value, std::string name) {
  auto document = std::make_shared<Document>();
  document->name = std::move(name);
  document->root = std::move(value);
  const auto* root = &document->root;
  return {std::move(document), root, ""};
}

std::string JsonReader::where() const {
  const auto found = document_->index.positions.find(pointer_);
  if (found == document_->index.positions.end()) {
    return fmt::format("{} {}", document_->name, pointer_);
  }
  return fmt::format("{}:{}:{}{}{}",
                     document_->name,
                     found->second.line,
                     found->second.column,
                     pointer_.empty() ? "" : " ",
                     pointer_);
}

JsonReader JsonReader::child(std::string_view token, const nlohmann::json& value) const {
  return {document_, &value, pointer_ + "/" + escape_token(token)};
}

Error JsonReader::error(std::string code, std::string message) const {
  return Error(ErrorKind::kInvalidTemplate, std::move(code), std::move(message)).at(where());
}

Error JsonReader::type_error(std::string_view wanted) const {
  return error("Json:WrongType",
               fmt::format("{} is expected here, this is {}", wanted, type_name(*value_)));
}

std::optional<JsonReader> JsonReader::find(std::string_view name) const {
  if (!value_->is_object()) return std::nullopt;
  const auto found = value_->find(std::string(name));
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return child(name, *found);
}

Result<JsonReader> JsonReader::require(std::string_view name) const {
  if (!value_->is_object()) return type_error("an object");
  if (auto found = find(name)) return *std::move(found);
  return error("Json:MissingField", fmt::format("the field \"{}\" is missing here", name));
}

Result<std::vector<JsonReader>> JsonReader::items() const {
  if (!value_->is_array()) return type_error("an array");
  std::vector<JsonReader> readers;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    readers.push_back(child(std::to_string(i), (*value_)[i]));
  }
  return readers;
}

Result<std::vector<std::pair<std::string, JsonReader>>> JsonReader::members() const {
  if (!value_->is_object()) return type_error("an object");
  std::vector<std::pair<std::string, JsonReader>> readers;
  const auto order = document_->index.order.find(pointer_);
  if (order != document_->index.order.end()) {
    for (const auto& key : order->second) readers.emplace_back(key, child(key, (*value_)[key]));
  } else {
    for (const auto& [key, member] : value_->items()) readers.emplace_back(key, child(key, member));
  }
  return readers;
}

Result<std::string> JsonReader::as_string() const {
  if (!value_->is_string()) return type_error("a string");
  return value_->get<std::string>();
}

Result<bool> JsonReader::as_bool() const {
  if (!value_->is_boolean()) return type_error("true or false");
  return value_->get<bool>();
}

Result<std::int64_t> JsonReader::as_integer(std::int64_t minimum, std::int64_t maximum) const {
  if (!value_->is_number_integer()) return type_error("an integer");
  const bool too_large = value_->is_number_unsigned() &&
                         value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  const auto number = too_large ? INT64_MAX : value_->get<std::int64_t>();
  if (too_large || number < minimum || number > maximum) {
    return error("Json:OutOfRange", fmt::format("must be between {} and {}", minimum, maximum));
  }
  return number;
}

Result<std::vector<std::string>> JsonReader::as_strings() const {
  KILN_TRY_ASSIGN(const auto readers, items());
  std::vector<std::string> strings;
  for (const auto& reader : readers) {
    KILN_TRY_ASSIGN(auto text, reader.as_string());
    strings.push_back(std::move(text));
  }
  return strings;
}

Result<std::string> JsonReader::string(std::string_view name) const {
  KILN_TRY_ASSIGN(const auto member, require(name));
  return member.as_string();
}

Result<std::optional<std::string>> JsonReader::optional_string(std::string_view name) const {
  const auto member = find(name);
  if (!member) return std::optional<std::string>();
  KILN_TRY_ASSIGN(auto text, member->as_string());
  return std::optional<std::string>(std::move(text));
}

Result<bool> JsonReader::bool_or(std::string_view name, bool otherwise) const {
  const auto member = find(name);
  if (!member) return otherwise;
  return member->as_bool();
}

Result<void> JsonReader::refuse_unknown(std::initializer_list<std::string_view> known) const {
  KILN_TRY_ASSIGN(const auto all, members());
  for (const auto& [name, member] : all) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = nearest_word(name, std::span(known.begin(), known.size()));
    auto error = member.error("Json:UnknownField", fmt::format("unknown field \"{}\"", name));
    if (near.empty()) return error;
    return std::move(error).cure(fmt::format("did you mean \"{}\"?", near));
  }
  return {};
}

std::string dump_json(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace kiln
