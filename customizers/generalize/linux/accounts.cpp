#include "customizers/generalize/linux/accounts.h"

#include <algorithm>
#include <charconv>

#include "engine/core/text.h"

namespace kiln {
namespace {

/// UID_MIN in every current distribution's login.defs.
constexpr int kFirstOrdinaryUid = 1000;
constexpr int kNobody = 65534;
constexpr std::size_t kLongestName = 32;  ///< useradd's limit

bool is_user_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= kLongestName && plain(name.front()) &&
         std::all_of(
             name.begin(), name.end(), [&](char c) { return plain(c) || c == '-' || c == '.'; });
}

/// The colon-separated fields of `name`'s line in a file like /etc/passwd.
std::vector<std::string> account_line(std::string_view file, std::string_view name) {
  for (const auto& line : split_lines(file)) {
    auto fields = split(line, ':');
    if (fields.front() == name) return fields;
  }
  return {};
}

}  // namespace

std::string provisioned_user(std::string_view ovf_env) {
  // <UserName> or <ns1:UserName>; the document is small and machine-written, and what is found must
  // look like an account's name, so this needs no XML parser.
  constexpr std::string_view kTag = "UserName>";
  const auto tag = ovf_env.find(kTag);
  if (tag == std::string_view::npos) return {};
  ovf_env.remove_prefix(tag + kTag.size());
  const auto name = trim(ovf_env.substr(0, ovf_env.find('<')));
  return is_user_name(name) ? std::string(name) : std::string();
}

bool is_ordinary_account(std::string_view passwd, std::string_view user) {
  const auto fields = account_line(passwd, user);
  if (fields.size() < 3) return false;
  int uid = 0;
  const auto& text = fields[2];
  std::from_chars(text.data(), text.data() + text.size(), uid);
  return uid >= kFirstOrdinaryUid && uid != kNobody;
}

bool root_password_usable(std::string_view shadow) {
  const auto fields = account_line(shadow, "root");
  if (fields.size() < 2) return false;
  // Neither `!` nor `*` can be the result of crypt(3); an empty field needs no password at all.
  return !fields[1].starts_with('!') && !fields[1].starts_with('*');
}

}  // namespace kiln
