#include "engine/core/json_text.h"

#include "engine/core/json_fault.h"
#include "engine/core/json_place.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr int kMaxDepth = 128;

struct SyntaxFault {
  std::string what;
  std::optional<std::size_t> byte;  ///< where, if the parser said so
};

/// nlohmann says what is wrong only in an exception's text; this is the one place where that is
/// caught. The base class, because a number too large for a double is not a parse_error to it.
std::optional<SyntaxFault> parse_text(const std::string& text, nlohmann::json& root) {
  SyntaxFault fault;
  try {
    root = nlohmann::json::parse(text);
    // To nlohmann it is the end of the text, whatever follows.
    const auto zero = text.find('\0');
    if (zero == std::string::npos) return std::nullopt;
    return SyntaxFault{"a zero byte", zero};
  } catch (const nlohmann::json::parse_error& error) {
    fault.byte = error.byte > 0 ? error.byte - 1 : 0;
    fault.what = error.what();
  } catch (const nlohmann::json::exception& error) {
    fault.what = error.what();
  }
  // "[json.exception.parse_error.101] parse error at line 1, column 2: what is of interest"
  const std::string_view separator = fault.byte ? ": " : "] ";
  if (const auto detail = fault.what.find(separator); detail != std::string::npos) {
    fault.what.erase(0, detail + separator.size());
  }
  return fault;
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

/// What Windows PowerShell writes when it is not asked for UTF-8.
bool is_utf16(std::string_view text) {
  const bool every_other =
      text.size() >= 4 && ((text[0] == 0 && text[2] == 0) || (text[1] == 0 && text[3] == 0));
  return every_other || text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

/// The error for what the parser refused, in our words where we know the cure.
Error syntax_error(const std::string& text,
                   const RelaxedJson& strict,
                   const std::string& name,
                   const SyntaxFault& refused) {
  const auto refuse = [&](std::size_t byte, std::string_view what, std::string cure) {
    return fail(ErrorKind::kInvalidTemplate, "Json:Syntax", "not valid JSON: {}", what)
        .at(describe_byte(name, text, byte))
        .cure(std::move(cure));
  };
  if (strict.unclosed_comment) {
    return refuse(*strict.unclosed_comment, "the comment that begins here is not closed", "add */");
  }
  if (auto fault = find_json_fault(strict.text, strict.breaks)) {
    if (fault->begun) {
      const auto [line, column] = line_and_column(text, strict.original(*fault->begun));
      const auto place = fmt::format("line {}, column {}", line, column);
      fault->what.replace(fault->what.find("{}"), 2, place);
    }
    return refuse(strict.original(fault->byte), fault->what, std::move(fault->cure));
  }
  auto byte = strict.original(refused.byte.value_or(0));
  if (refused.what.find("UTF-8") != std::string::npos) {
    // The parser stops past the character's first byte.
    const auto bits = [&](std::size_t at) { return static_cast<unsigned char>(text[at]) & 0xC0U; };
    while (byte > 0 && bits(byte - 1) == 0x80U) --byte;
    if (byte > 0 && bits(byte - 1) == 0xC0U) --byte;
    return refuse(byte, "this byte is not UTF-8", "save the file as UTF-8");
  }
  return refuse(byte, printable(refused.what, 200), "correct the text there");
}

}  // namespace

std::string describe_byte(const std::string& name, std::string_view text, std::size_t byte) {
  const auto [line, column] = line_and_column(text, byte);
  return describe_place(name, line, column, "");
}

Result<nlohmann::json> parse_json_text(const std::string& text,
                                       const RelaxedJson& strict,
                                       const std::string& name) {
  if (is_utf16(text)) {
    return fail(
               ErrorKind::kInvalidTemplate, "Json:Utf16", "the file is in UTF-16, JSON is in UTF-8")
        .at(name)
        .cure("save it as UTF-8; in PowerShell: Out-File -Encoding utf8");
  }
  if (trim(text).empty()) {
    return fail(ErrorKind::kInvalidTemplate, "Json:Empty", "the file is empty")
        .at(name)
        .cure("pass a file that holds a JSON document");
  }
  if (const auto byte = nested_too_deep(strict.text)) {
    return fail(ErrorKind::kInvalidTemplate,
                "Json:TooDeep",
                "nested deeper than {} levels",
                kMaxDepth)
        .at(describe_byte(name, text, strict.original(*byte)))
        .cure("flatten the document");
  }
  nlohmann::json root;
  if (const auto refused = parse_text(strict.text, root)) {
    return syntax_error(text, strict, name, *refused);
  }
  return root;
}

}  // namespace kiln
