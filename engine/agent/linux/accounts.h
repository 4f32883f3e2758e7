#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace kiln::agent {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home = "/";
  std::string shell = "/bin/sh";
};

// These read /etc/passwd and /etc/group themselves: the C library's functions need its shared
// objects, which a static program must not depend on.

/// @param name or `#` and a number
std::optional<Account> find_account(std::string_view name);
/// @param name or `#` and a number
std::optional<gid_t> find_group(std::string_view name);
/// The account's own group and those that list it as a member.
std::vector<gid_t> groups_of(const Account& account);

}  // namespace kiln::agent
