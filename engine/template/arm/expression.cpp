#include "engine/template/arm/expression.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "engine/core/text.h"

namespace kiln::arm {
namespace {

constexpr int kMaxDepth = 64;

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

/// Recursive descent, in the order in which the characters stand.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), end_(text.size() - 1) {}

  Result<Expression> run() {
    KILN_TRY_ASSIGN(auto expression, value());
    if (peek() != '\0') return error("nothing more is expected here");
    return expression;
  }

 private:
  [[nodiscard]] Error error(std::string_view what, std::string cure = {}) const {
    return fail(ErrorKind::kInvalidTemplate,
                "Arm:Syntax",
                "this is no template expression: {} (character {}: {})",
                what,
                character_at(text_, at_),
                excerpt(text_, at_))
        .cure(!cure.empty()
                  ? std::move(cure)
                  : "correct the expression; if the brackets are meant literally, double the "
                    "first one: \"[[…]\"");
  }

  /// The next character that is no blank; NUL at the end.
  char peek() {
    while (at_ < end_ && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < end_ ? text_[at_] : '\0';
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  Result<void> expect(char c) {
    if (take(c)) return {};
    if (at_ < end_ && string_end_ == at_) {
      at_ = string_begin_;
      return error(
          "the string that begins here ends too early",
          fmt::format("write '{}' or ',' behind it; a quotation mark inside of a string is "
                      "written twice",
                      c));
    }
    return error(fmt::format("'{}' is expected here", c));
  }

  Result<std::string> name() {
    if (!starts_name(peek())) return error("a name is expected here");
    const auto begin = at_;
    while (at_ < end_ && in_name(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  Result<Expression> value() {
    if (++depth_ > kMaxDepth) return error(fmt::format("nested deeper than {}", kMaxDepth));
    KILN_TRY_ASSIGN(auto expression, primary());
    for (int links = 0;; ++links) {
      const char c = peek();
      if (c != '.' && c != '[') break;
      if (links > kMaxDepth) return error(fmt::format("more than {} accesses", kMaxDepth));
      KILN_TRY_ASSIGN(expression, access(std::move(expression)));
    }
    --depth_;
    return expression;
  }

  Result<Expression> primary() {
    const char c = peek();
    if (c == '\'') return string();
    if (c == '-' || c == '+' || std::isdigit(static_cast<unsigned char>(c)) != 0) return integer();
    if (starts_name(c)) return call();
    return error("a function call, a string in single quotes or an integer is expected here");
  }

  Result<Expression> string() {
    Expression expression;
    expression.at = at_++;
    while (at_ < end_) {
      if (text_[at_] != '\'') {
        expression.text += text_[at_++];
      } else if (at_ + 1 < end_ && text_[at_ + 1] == '\'') {
        expression.text += '\'';
        at_ += 2;
      } else {
        string_begin_ = expression.at;
        string_end_ = ++at_;
        return expression;
      }
    }
    at_ = expression.at;
    return error("this string does not end",
                 "end it with a quotation mark ('); one inside of it is written twice");
  }

  Result<Expression> integer() {
    Expression expression;
    expression.kind = Expression::Kind::kInteger;
    expression.at = at_;
    const auto begin = at_ + (text_[at_] == '+' ? 1U : 0U);
    const auto* first = text_.data() + begin;
    const auto [last, fault] = std::from_chars(first, text_.data() + end_, expression.number);
    if (fault != std::errc()) return error("this is no 64-bit integer");
    at_ = begin + static_cast<std::size_t>(last - first);
    if (at_ < end_ && (text_[at_] == '.' || in_name(text_[at_]))) {
      return error("only integers can be written here; use json('1.5') for other numbers");
    }
    return expression;
  }

  Result<Expression> call() {
    Expression expression;
    expression.kind = Expression::Kind::kCall;
    peek();
    expression.at = at_;
    KILN_TRY_ASSIGN(expression.text, name());
    while (take('.')) {
      KILN_TRY_ASSIGN(const auto member, name());
      expression.text += "." + member;
    }
    if (!take('(')) {
      const auto lower = to_lower(expression.text);
      if (lower == "true" || lower == "false" || lower == "null") {
        at_ = expression.at;
        return error(fmt::format("{} is a function of templates", lower),
                     fmt::format("write {}()", lower));
      }
      return error(fmt::format("'(' is expected after the function's name \"{}\"",
                               printable(expression.text, 60)));
    }
    if (take(')')) return expression;
    do {
      KILN_TRY_ASSIGN(auto argument, value());
      expression.parts.push_back(std::move(argument));
    } while (take(','));
    KILN_TRY(expect(')'));
    return expression;
  }

  Result<Expression> access(Expression object) {
    Expression expression;
    expression.at = at_;
    if (take('.')) {
      expression.kind = Expression::Kind::kMember;
      expression.safe = take('?');
      KILN_TRY_ASSIGN(expression.text, name());
      expression.parts.push_back(std::move(object));
      return expression;
    }
    ++at_;  // the bracket
    expression.kind = Expression::Kind::kIndex;
    expression.safe = take('?');
    KILN_TRY_ASSIGN(auto index, value());
    KILN_TRY(expect(']'));
    expression.parts.push_back(std::move(object));
    expression.parts.push_back(std::move(index));
    return expression;
  }

  std::string_view text_;
  std::size_t end_;     ///< of the closing bracket
  std::size_t at_ = 1;  ///< past the opening bracket
  int depth_ = 0;
  std::size_t string_begin_ = 0;  ///< of the last string
  std::size_t string_end_ = 0;    ///< past its end
};

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

bool in_brackets(std::string_view text) {
  return text.size() >= 2 && text.front() == '[' && text.back() == ']';
}

}  // namespace

bool is_expression(std::string_view text) {
  return in_brackets(text) && text[1] != '[';
}

bool is_escaped(std::string_view text) {
  return in_brackets(text) && text[1] == '[';
}

Result<Expression> parse_expression(std::string_view text) {
  return Parser(text).run();
}

std::size_t character_at(std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  return 1 + before.size() -
         static_cast<std::size_t>(std::count_if(before.begin(), before.end(), continues_character));
}

std::string excerpt(std::string_view text, std::size_t at) {
  constexpr std::size_t kAround = 24;
  auto begin = at > kAround ? at - kAround : 0;
  while (begin > 0 && continues_character(text[begin])) --begin;
  auto end = std::min(text.size(), begin + 2 * kAround);
  while (end < text.size() && continues_character(text[end])) ++end;
  const auto piece = text.substr(begin, end - begin);
  return fmt::format("{}{}{}",
                     begin > 0 ? "…" : "",
                     printable(piece, 4 * kAround),
                     begin + piece.size() < text.size() ? "…" : "");
}

}  // namespace kiln::arm
