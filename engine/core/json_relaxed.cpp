#include "engine/core/json_relaxed.h"

#include <algorithm>
#include <cctype>

namespace kiln {
namespace {

/// One pass over the text, so that a large template stays quick.
class Relaxer {
 public:
  explicit Relaxer(std::string_view text) : text_(text) { result_.text.reserve(text.size()); }

  RelaxedJson run() {
    while (at_ < text_.size()) {
      if (text_[at_] == '"') {
        string();
      } else if (const auto end = end_of_comment(text_, at_); end != at_) {
        comment(end);
      } else if (const auto past = end_of_placeholder(); past != at_) {
        placeholder(past);
      } else {
        structure();
      }
    }
    return std::move(result_);
  }

 private:
  void found(std::string_view kind, std::size_t at) {
    result_.first = std::min(at, result_.first.value_or(at));
    const auto& kinds = result_.kinds;
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) result_.kinds.push_back(kind);
  }

  void copy() { result_.text += text_[at_++]; }

  void string() {
    comma_.reset();
    copy();
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_];
      if (c == '\n' || c == '\r' || c == '\t') {
        found("line breaks or tabs in strings", at_++);
        result_.breaks.push_back(result_.text.size());
        result_.inserted.push_back(result_.text.size());
        result_.text += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
        continue;
      }
      copy();
      if (c == '\\' && at_ < text_.size() && text_[at_] != '\n') copy();
    }
    if (at_ < text_.size()) copy();
  }

  /// Line breaks stay, so that messages about what follows name the right line.
  void comment(std::size_t end) {
    found("comments", at_);
    const auto inside = text_.substr(at_ + 2, end - at_ - 2);
    if (text_[at_ + 1] == '*' && !inside.ends_with("*/")) result_.unclosed_comment = at_;
    for (; at_ < end; ++at_) result_.text += text_[at_] == '\n' ? '\n' : ' ';
  }

  /// Past the `<name>` that starts here, or `at_` where none does.
  [[nodiscard]] std::size_t end_of_placeholder() const {
    if (text_[at_] != '<') return at_;
    auto end = at_ + 1;
    const auto in_name = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
    };
    while (end < text_.size() && in_name(text_[end])) ++end;
    const bool closed = end > at_ + 1 && end < text_.size() && text_[end] == '>';
    return closed ? end + 1 : at_;
  }

  void placeholder(std::size_t end) {
    found("placeholders without quotation marks", at_);
    comma_.reset();
    result_.inserted.push_back(result_.text.size());
    result_.text += '"';
    while (at_ < end) copy();
    result_.inserted.push_back(result_.text.size());
    result_.text += '"';
  }

  void structure() {
    const char c = text_[at_];
    const bool blank = std::string_view(" \t\r\n").find(c) != std::string_view::npos;
    if ((c == ']' || c == '}') && comma_) {
      result_.text[comma_->second] = ' ';
      found("commas after the last member", comma_->first);
    }
    if (!blank) comma_.reset();
    if (c == ',') comma_ = {at_, result_.text.size()};
    copy();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  RelaxedJson result_;
  /// The comma that nothing but blanks follows so far: where it was, and where it is now.
  std::optional<std::pair<std::size_t, std::size_t>> comma_;
};

}  // namespace

std::size_t RelaxedJson::original(std::size_t byte) const {
  const auto before = std::upper_bound(inserted.begin(), inserted.end(), byte) - inserted.begin();
  return byte - std::min(byte, static_cast<std::size_t>(before));
}

RelaxedJson relax_json(std::string_view text) {
  return Relaxer(text).run();
}

std::size_t end_of_comment(std::string_view text, std::size_t at) {
  const auto opening = text.substr(at, 2);
  if (opening == "//") return std::min(text.find('\n', at), text.size());
  if (opening != "/*") return at;
  const auto closing = text.find("*/", at + 2);
  return closing == std::string_view::npos ? text.size() : closing + 2;
}

}  // namespace kiln
