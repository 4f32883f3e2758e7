#include "engine/core/json_fault.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/core/json_relaxed.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

bool is_utf8_tail(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// What an editor's or a word processor's quotation mark looks like in UTF-8.
bool is_other_quote(std::string_view text) {
  return text.starts_with('\'') || text.starts_with('`') || text.starts_with("\xE2\x80\x9C") ||
         text.starts_with("\xE2\x80\x9D") || text.starts_with("\xE2\x80\x98") ||
         text.starts_with("\xE2\x80\x99");
}

constexpr const char* kQuotes = "put it between \" and \", instead of other quotation marks";

/// Goes through the text token by token and keeps what is open.
class FaultFinder {
 public:
  FaultFinder(std::string_view text, std::span<const std::size_t> breaks)
      : text_(text), breaks_(breaks) {}

  std::optional<JsonFault> run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark
    while (!fault_) {
      skip_blanks();
      if (at_ == text_.size()) {
        if (next_ != Next::kEnd) at_end();
        break;
      }
      step();
    }
    return std::move(fault_);
  }

 private:
  enum class Next { kValue, kItemOrClose, kKeyOrClose, kKey, kColon, kCommaOrClose, kEnd };

  void step() {
    for (const std::string_view mark : {"<<<<<<<", "=======", ">>>>>>>"}) {
      if (!text_.substr(at_).starts_with(mark)) continue;
      return tell("this is the mark of a merge conflict", "resolve the conflict");
    }
    if (text_[at_] == '/' && end_of_comment(text_, at_) != at_) {
      return tell("JSON has no comments", "remove the comment");
    }
    switch (next_) {
      case Next::kItemOrClose:
        if (text_[at_] == ']') return close();
        return value();
      case Next::kValue:
        return value();
      case Next::kKeyOrClose:
        if (text_[at_] == '}') return close();
        return key();
      case Next::kKey:
        return key();
      case Next::kColon:
        return colon();
      case Next::kCommaOrClose:
        return comma_or_close();
      case Next::kEnd:
        return tell("something follows the end of the document",
                    "remove it, or the bracket before it that closes too early");
    }
  }

  void tell(std::string what,
            std::string cure,
            std::optional<std::size_t> begun = std::nullopt,
            std::optional<std::size_t> byte = std::nullopt) {
    fault_ = JsonFault{byte.value_or(at_), std::move(what), std::move(cure), begun};
  }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  [[nodiscard]] std::string shown() const {
    auto end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    while (end == at_ || (end < text_.size() && is_utf8_tail(text_[end]))) ++end;
    return printable(text_.substr(at_, end - at_), 40);
  }

  void at_end() {
    if (open_.empty()) return tell("the text ends before a value", "write the value");
    tell(fmt::format("the text ends, and the {} at {{}} is not closed", text_[open_.back()]),
         fmt::format("add the closing {}", closing()),
         open_.back());
  }

  [[nodiscard]] char closing() const { return text_[open_.back()] == '{' ? '}' : ']'; }

  void after_value() { next_ = open_.empty() ? Next::kEnd : Next::kCommaOrClose; }

  void close() {
    open_.pop_back();
    ++at_;
    after_value();
  }

  void value() {
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      open_.push_back(at_++);
      next_ = c == '{' ? Next::kKeyOrClose : Next::kItemOrClose;
    } else if (c == '"') {
      if (string()) after_value();
    } else if (c == '-' || std::isdigit(static_cast<unsigned char>(c)) != 0) {
      number();
    } else if (is_other_quote(text_.substr(at_))) {
      tell("this string is not in double quotation marks", kQuotes);
    } else if (c == '}' || c == ']' || c == ',') {
      tell(fmt::format("a value is missing before this {}", c),
           !open_.empty() && text_[open_.back()] == '['
               ? "write the value, or remove the comma that is too many"
               : "write the value");
    } else {
      word();
    }
  }

  void word() {
    for (const std::string_view literal : {"true", "false", "null"}) {
      if (!text_.substr(at_).starts_with(literal)) continue;
      if (at_ + literal.size() < text_.size() && is_word(text_[at_ + literal.size()])) continue;
      at_ += literal.size();
      return after_value();
    }
    const auto text = shown();
    constexpr std::array<std::string_view, 3> kLiterals = {"true", "false", "null"};
    const auto near =
        text == "None" || text == "undefined" ? "null" : nearest_word(text, kLiterals);
    if (text == "+" || text == ".") {
      return tell("this is not how JSON writes a number", "write it as in -1 or 0.5");
    }
    tell(fmt::format("\"{}\" is no value", text),
         near.empty() ? "put a text into double quotation marks" : fmt::format("write {}", near));
  }

  void number() {
    const auto start = at_;
    while (at_ < text_.size() && std::string_view("0123456789.eE+-").find(text_[at_]) != text_.npos)
      ++at_;
    const std::string token(text_.substr(start, at_ - start));
    if (nlohmann::json::accept(token)) return after_value();
    const auto digits = token[0] == '-' ? 1U : 0U;
    const bool leading_zero = token.size() > digits + 1 && token[digits] == '0';
    if (std::isinf(std::strtod(token.c_str(), nullptr))) {
      tell("this number is too large", "write a smaller one", std::nullopt, start);
    } else {
      tell("this is not how JSON writes a number",
           leading_zero ? "write it without the leading 0" : "write it as in -1 or 0.5",
           std::nullopt,
           start);
    }
  }

  void key() {
    const char c = text_[at_];
    if (c == '"') {
      if (string()) next_ = Next::kColon;
    } else if (c == ',') {
      tell("this comma is one too many", "remove it");
    } else if (is_word(c) || is_other_quote(text_.substr(at_))) {
      tell("the name of this member is not in double quotation marks", kQuotes);
    } else if (c == '}') {
      tell("a comma stands before this }", "remove the comma");
    } else {
      tell(fmt::format("a member's name is missing before \"{}\"", shown()),
           "write \"name\": value, or close the object with }");
    }
  }

  void colon() {
    if (text_[at_] == ':') {
      ++at_;
      next_ = Next::kValue;
      return;
    }
    tell("a colon is missing after the member's name",
         "write \"name\": value",
         std::nullopt,
         after_token_);
  }

  void comma_or_close() {
    const char c = text_[at_];
    const bool object = text_[open_.back()] == '{';
    if (c == ',') {
      ++at_;
      next_ = object ? Next::kKey : Next::kValue;
    } else if (c == closing()) {
      close();
    } else if (c == '}' || c == ']') {
      tell(fmt::format("this {} does not close the {} at {{}}", c, text_[open_.back()]),
           fmt::format("close that with {} first", closing()),
           open_.back());
    } else if (broken_string_) {
      tell("the string that begins at {} goes on over the end of its line, and ends here",
           "write its closing quotation mark",
           broken_string_);
    } else if (at_ == after_token_ && is_word(c)) {
      tell("text goes on right after the string's closing quotation mark",
           "write a quotation mark inside of a string as \\\"");
    } else if (c == ':') {
      tell("a colon stands where a comma or a closing bracket should",
           object ? "put the name before it into double quotation marks"
                  : "write {\"name\": value}");
    } else if (c == ';' || c == '=') {
      tell(fmt::format("a {} stands where a comma should", c), "write a comma");
    } else {
      tell(fmt::format("a comma is missing before {}", c == '"' ? "this string" : shown()),
           "write a comma between the two");
    }
  }

  /// Past the string; false where it is at fault.
  bool string() {
    const auto start = at_++;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (const auto byte = static_cast<unsigned char>(text_[at_]); byte < 0x20) {
        tell("a string holds a line break or another control character",
             byte == '\n' ? "write it as \\n, or the closing quotation mark before it"
                          : fmt::format("write it as \\u{:04x}", byte));
        return false;
      }
      if (text_[at_] == '\\' && !escape()) return false;
      ++at_;
    }
    if (at_ == text_.size()) {
      tell("the string that begins here is not closed",
           "write its closing quotation mark",
           std::nullopt,
           start);
      return false;
    }
    after_token_ = ++at_;
    const auto broken = std::lower_bound(breaks_.begin(), breaks_.end(), start);
    broken_string_.reset();
    if (broken != breaks_.end() && *broken < at_) broken_string_ = start;
    return true;
  }

  /// At the escape's last character; false where it is none.
  bool escape() {
    const auto start = at_++;
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    bool sound = c != '\0' && std::string_view("\"\\/bfnrtu").find(c) != std::string_view::npos;
    if (c == 'u') {
      for (int i = 0; i < 4 && sound; ++i) {
        ++at_;
        sound = at_ < text_.size() && std::isxdigit(static_cast<unsigned char>(text_[at_])) != 0;
      }
    }
    if (!sound) {
      tell(c == 'u' ? "\\u is not followed by four hexadecimal digits"
                    : "JSON has no such character after a backslash",
           c == 'u' ? "write four digits, e.g. \\u00e9" : "write a backslash itself as \\\\",
           std::nullopt,
           start);
    }
    return sound;
  }

  std::string_view text_;
  std::span<const std::size_t> breaks_;
  std::size_t at_ = 0;
  std::size_t after_token_ = 0;  ///< past the last string
  Next next_ = Next::kValue;
  std::vector<std::size_t> open_;             ///< bytes of the brackets that are open
  std::optional<std::size_t> broken_string_;  ///< the last string, where it holds a break
  std::optional<JsonFault> fault_;
};

}  // namespace

std::optional<JsonFault> find_json_fault(std::string_view text,
                                         std::span<const std::size_t> breaks) {
  return FaultFinder(text, breaks).run();
}

}  // namespace kiln
