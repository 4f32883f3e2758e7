#include "engine/core/json.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "engine/core/text.h"

namespace kiln {
namespace {

struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
};

/// Where a value and everything inside it stands. A tree and not a table of pointers, because the
/// memory that a long key with many values below it takes must stay in proportion to the text.
struct Node {
  Position position;
  std::vector<std::string> keys;  ///< of an object, as written; parallel to `children`
  std::vector<Node> children;
};

struct Duplicate {
  std::string pointer;
  Position position;
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

void step(Position& position, char c) {
  if (c == '\n') {
    ++position.line;
    position.column = 1;
  } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
    ++position.column;  // columns count characters, as editors do, so UTF-8 continuations are free
  }
}

constexpr int kMaxDepth = 128;

/// Walks a text that nlohmann has already accepted and notes where each value starts. Because the
/// text is known to be valid, the walk only has to find the structure, not to check it.
class Indexer {
 public:
  explicit Indexer(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  }

  Node run() { return value(); }
  /// The first key that its object already has.
  std::optional<Duplicate> take_duplicate() { return std::move(duplicate_); }

 private:
  void advance() { step(here_, text_[at_++]); }

  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
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

  void scalar() {
    if (text_[at_] == '"') {
      string();
      return;
    }
    while (at_ < text_.size() &&
           std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) {
      advance();
    }
  }

  Node value() {
    skip_space();
    Node node;
    node.position = here_;
    if (at_ >= text_.size()) return node;
    if (text_[at_] == '{') {
      object(node);
    } else if (text_[at_] == '[') {
      array(node);
    } else {
      scalar();
    }
    return node;
  }

  /// Skips to the next member; false, and past the bracket, at the end.
  bool next(char end) {
    for (skip_space(); at_ < text_.size(); skip_space()) {
      const char c = text_[at_];
      if (c == ',' || c == end) advance();
      if (c != ',') return c != end;
    }
    return false;
  }

  void object(Node& node) {
    std::unordered_set<std::string> seen;
    advance();
    while (next('}')) {
      const auto key_position = here_;
      auto key = string();
      path_.push_back(key);
      if (!seen.insert(key).second && !duplicate_) duplicate_ = {pointer(), key_position};
      node.keys.push_back(std::move(key));
      skip_space();
      advance();  // the colon
      node.children.push_back(value());
      path_.pop_back();
    }
  }

  void array(Node& node) {
    advance();
    while (next(']')) {
      path_.push_back(std::to_string(node.children.size()));
      node.children.push_back(value());
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
  Position here_;
  std::vector<std::string> path_;
  std::optional<Duplicate> duplicate_;
};

const Node* find_child(const Node& node, std::string_view escaped_token) {
  if (node.keys.empty()) {
    std::size_t index = 0;
    const auto* end = escaped_token.data() + escaped_token.size();
    const auto parsed = std::from_chars(escaped_token.data(), end, index);
    const bool valid = parsed.ec == std::errc() && parsed.ptr == end;
    return valid && index < node.children.size() ? &node.children[index] : nullptr;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (escape_token(node.keys[i]) == escaped_token) return &node.children[i];
  }
  return nullptr;
}

/// The node at an RFC 6901 pointer, or null.
const Node* find_node(const Node* node, std::string_view pointer) {
  while (node != nullptr && !pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const auto token = pointer.substr(0, pointer.find('/'));
    node = find_child(*node, token);
    pointer.remove_prefix(token.size());
  }
  return node;
}

std::string describe(std::string_view name, Position position, std::string_view pointer) {
  return fmt::format("{}:{}:{}{}{}",
                     name,
                     position.line,
                     position.column,
                     pointer.empty() ? "" : " ",
                     printable(pointer));
}

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
  for (const char c : text.substr(0, byte)) step(position, c);
  return position;
}

/// nlohmann says what is wrong only in an exception's text; this is the one place where that is
/// caught. The base class, because a number too large for a double is not a parse_error to it.
Result<nlohmann::json> parse_text(const std::string& text, const std::string& name) {
  std::optional<std::size_t> byte;  // where, if it said so
  std::string what;
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    byte = error.byte > 0 ? error.byte - 1 : 0;
    what = error.what();
  } catch (const nlohmann::json::exception& error) {
    what = error.what();
  }
  // "[json.exception.parse_error.101] parse error at line 1, column 2: what is of interest"
  const std::string_view separator = byte ? ": " : "] ";
  if (const auto detail = what.find(separator); detail != std::string::npos) {
    what.erase(0, detail + separator.size());
  }
  const auto where = byte ? describe(name, position_of_byte(text, *byte), "") : name;
  return fail(
             ErrorKind::kInvalidTemplate, "Json:Syntax", "not valid JSON: {}", printable(what, 200))
      .at(where)
      .cure("correct the text there; JSON knows no comments and no comma after the last member");
}

/// The walk and its users recurse, so depth is checked on the raw text first.
/// Returns the byte where it goes too far.
std::optional<std::size_t> nested_too_deep(std::string_view text) {
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
      if (++depth > kMaxDepth) return i;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return std::nullopt;
}

}  // namespace

struct JsonReader::Document {
  std::string name;
  nlohmann::json root;
  std::shared_ptr<const Node> positions;  ///< null for a value computed elsewhere
};

Result<JsonReader> JsonReader::parse(const std::string& text, std::string name) {
  if (const auto byte = nested_too_deep(text)) {
    return fail(ErrorKind::kInvalidTemplate,
                "Json:TooDeep",
                "nested deeper than {} levels",
                kMaxDepth)
        .at(describe(name, position_of_byte(text, *byte), ""))
        .cure("flatten the document");
  }
  KILN_TRY_ASSIGN(auto root, parse_text(text, name));
  Indexer indexer(text);
  auto positions = std::make_shared<const Node>(indexer.run());
  if (const auto duplicate = indexer.take_duplicate()) {
    return fail(ErrorKind::kInvalidTemplate,
                "Json:DuplicateKey",
                "this key appears twice in its object")
        .at(describe(name, duplicate->position, duplicate->pointer))
        .cure("remove one of the two");
  }
  auto document =
      std::make_shared<Document>(Document{std::move(name), std::move(root), std::move(positions)});
  const auto* value = &document->root;
  return JsonReader(std::move(document), value, "");
}

JsonReader JsonReader::of(nlohmann::json value, std::string name) {
  auto document = std::make_shared<Document>(Document{std::move(name), std::move(value), nullptr});
  const auto* root = &document->root;
  return {std::move(document), root, ""};
}

JsonReader JsonReader::with_value(nlohmann::json value) const {
  auto document =
      std::make_shared<Document>(Document{document_->name, std::move(value), document_->positions});
  const auto* root = &document->root;
  return {std::move(document), root, pointer_};
}

std::string JsonReader::where() const {
  const auto* node = find_node(document_->positions.get(), pointer_);
  if (node != nullptr) return describe(document_->name, node->position, pointer_);
  return fmt::format("{} {}", document_->name, printable(pointer_));
}

JsonReader JsonReader::child(std::string_view token, const nlohmann::json& value) const {
  return {document_, &value, pointer_ + "/" + escape_token(token)};
}

Error JsonReader::error(std::string code, std::string message) const {
  return Error(ErrorKind::kInvalidTemplate, std::move(code), std::move(message)).at(where());
}

Error JsonReader::type_error(std::string_view wanted) const {
  return error("Json:WrongType",
               fmt::format("{} is expected here, this is {}", wanted, type_name(*value_)))
      .cure(fmt::format("write {} in its place", wanted));
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
  return error("Json:MissingField", fmt::format("the field \"{}\" is missing here", name))
      .cure(fmt::format("add \"{}\" to this object", name));
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
  const auto* node = find_node(document_->positions.get(), pointer_);
  if (node != nullptr && node->keys.size() == value_->size()) {
    for (const auto& key : node->keys) {
      if (const auto found = value_->find(key); found != value_->end()) {
        readers.emplace_back(key, child(key, *found));
      }
    }
  }
  if (readers.size() == value_->size()) return readers;
  readers.clear();  // the value was replaced by one of another shape, so there is no order to keep
  for (const auto& [key, member] : value_->items()) readers.emplace_back(key, child(key, member));
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
    return error("Json:OutOfRange",
                 fmt::format("{} is not between {} and {}", value_->dump(), minimum, maximum))
        .cure(fmt::format("choose a number from {} to {}", minimum, maximum));
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
    return member
        .error("Json:UnknownField", fmt::format("unknown field \"{}\"", printable(name, 60)))
        .cure(near.empty()
                  ? fmt::format("remove it; the fields known here are {}", fmt::join(known, ", "))
                  : fmt::format("did you mean \"{}\"?", near));
  }
  return {};
}

Error unknown_type(const JsonReader& field,
                   std::string_view what,
                   std::span<const std::string_view> known) {
  const auto name = field.value().is_string() ? field.value().get<std::string>() : std::string();
  const auto near = nearest_word(name, known);
  auto message = fmt::format("\"{}\" is not a type of {}", printable(name, 60), what);
  if (!near.empty() && equal_ignoring_case(name, near)) message += "; types are case-sensitive";
  return field.error("Template:UnknownType", std::move(message))
      .cure(near.empty() ? fmt::format("use one of {}", fmt::join(known, ", "))
                         : fmt::format("did you mean \"{}\"?", near));
}

Error not_yet_supported(const JsonReader& place, std::string_view what, std::string cure) {
  return fail(ErrorKind::kUnsupported,
              "Template:NotYetSupported",
              "{} is part of the template contract, but this version of Kiln cannot honour it yet",
              what)
      .at(place.where())
      .cure(std::move(cure));
}

std::string dump_json(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace kiln
