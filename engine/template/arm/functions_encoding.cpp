// base64, data URIs, URIs, JSON in texts.
#include <array>
#include <cctype>

#include "engine/core/text.h"
#include "engine/template/arm/encoding.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

Result<Value> base64(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  return made(encode_base64(text));
}

Result<std::string> decoded(const Call& call, std::string_view text) {
  auto bytes = decode_base64(text);
  if (!bytes) return call.error("the text is not valid base64");
  if (!is_utf8(*bytes)) return call.error("what the base64 text holds is not UTF-8");
  return *std::move(bytes);
}

Result<Value> base64_to_string(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  KILN_TRY_ASSIGN(auto result, decoded(call, text));
  return made(std::move(result));
}

/// ARM's reader takes strings in single quotes too, and Microsoft's own examples have them.
std::string in_double_quotes(std::string_view text) {
  std::string result;
  char quote = '\0';  // of the string that `i` is in
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0' && c == '\\' && i + 1 < text.size()) {
      ++i;
      if (text[i] != '\'') result += c;  // JSON has no such escape, and needs none
      result += text[i];
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
      result += '"';
    } else if (c == quote) {
      quote = '\0';
      result += '"';
    } else if (c == '"') {
      result += "\\\"";
    } else {
      result += c;
    }
  }
  return result;
}

Result<Value> parsed(const Call& call, const std::string& text) {
  std::vector<std::string> notices;
  auto reader = JsonReader::parse_relaxed(text, "the text", notices);
  if (!reader && text.find('\'') != std::string::npos) {
    reader = JsonReader::parse_relaxed(in_double_quotes(text), "the text", notices);
  }
  if (!reader) return call.error("the text is not valid JSON");  // the text may be a secret
  return made(reader->value());
}

Result<Value> base64_to_json(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  KILN_TRY_ASSIGN(const auto json, decoded(call, text));
  return parsed(call, json);
}

Result<Value> json(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  return parsed(call, text);
}

Result<Value> data_uri(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  return made("data:text/plain;charset=utf8;base64," + encode_base64(text));
}

std::string unescape_uri(std::string_view text) {
  const auto digit = [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0 ? c - '0' : std::toupper(c) - 'A' + 10;
  };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
                        std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0;
    if (!escape) {
      result += text[i];
      continue;
    }
    result += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return result;
}

Result<Value> data_uri_to_string(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  const auto comma = text.find(',');
  if (!to_lower(text).starts_with("data:") || comma == std::string::npos) {
    return call.error("the text is no data URI (\"data:…,…\")");
  }
  const auto content = std::string_view(text).substr(comma + 1);
  if (!to_lower(text.substr(0, comma)).ends_with(";base64")) {
    auto plain = unescape_uri(content);
    if (!is_utf8(plain)) return call.error("what the data URI holds is not UTF-8");
    return made(std::move(plain));
  }
  KILN_TRY_ASSIGN(auto result, decoded(call, content));
  return made(std::move(result));
}

Result<Value> uri_component(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 ||
                                       std::string_view("-_.~").find(c) != std::string_view::npos);
    escaped += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return made(std::move(escaped));
}

Result<Value> uri_component_to_string(const Call& call) {
  KILN_TRY_ASSIGN(const auto text, call.string(0));
  auto result = unescape_uri(text);
  if (!is_utf8(result)) return call.error("what the text holds is not UTF-8");
  return made(std::move(result));
}

/// `.` and `..` taken out of a path that begins with a slash.
std::string normal_path(std::string_view path) {
  std::vector<std::string> kept;
  const auto segments = split(path.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool dots = segments[i] == "." || segments[i] == "..";
    if (segments[i] == ".." && !kept.empty()) kept.pop_back();
    if (!dots) kept.push_back(segments[i]);
    if (dots && i + 1 == segments.size()) kept.emplace_back();
  }
  return "/" + fmt::format("{}", fmt::join(kept, "/"));
}

Result<Value> uri(const Call& call) {
  KILN_TRY_ASSIGN(const auto base, call.string(0));
  KILN_TRY_ASSIGN(const auto relative, call.string(1));
  const auto scheme = base.find("://");
  if (scheme == std::string::npos || scheme == 0) {
    return call.error("the first argument is no absolute URI");
  }
  if (relative.find("://") < relative.find_first_of("/?#")) return made(relative);
  if (relative.starts_with("//")) return made(base.substr(0, scheme + 1) + relative);
  const auto path_begin = std::min(base.find_first_of("/?#", scheme + 3), base.size());
  const auto authority = base.substr(0, path_begin);
  const auto path_end = std::min(base.find_first_of("?#", path_begin), base.size());
  const auto path = base.substr(path_begin, path_end - path_begin);
  if (relative.empty())
    return made(authority + (path.empty() ? "/" : path) + base.substr(path_end));
  const auto query = std::min(relative.find_first_of("?#"), relative.size());
  const auto wanted = relative.substr(0, query);
  const auto folder = path.empty() ? "/" : path.substr(0, path.rfind('/') + 1);
  const auto joined = wanted.empty() ? path : wanted.starts_with('/') ? wanted : folder + wanted;
  return made(authority + normal_path(joined.empty() ? "/" : joined) + relative.substr(query));
}

constexpr std::array kFunctions = {
    Function{"base64", 1, 1, base64},
    Function{"base64ToJson", 1, 1, base64_to_json},
    Function{"base64ToString", 1, 1, base64_to_string},
    Function{"dataUri", 1, 1, data_uri},
    Function{"dataUriToString", 1, 1, data_uri_to_string},
    Function{"json", 1, 1, json},
    Function{"uri", 2, 2, uri},
    Function{"uriComponent", 1, 1, uri_component},
    Function{"uriComponentToString", 1, 1, uri_component_to_string},
};

}  // namespace

std::span<const Function> encoding_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
