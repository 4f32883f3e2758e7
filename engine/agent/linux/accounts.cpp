#include "engine/agent/linux/accounts.h"

#include <algorithm>
#include <charconv>

#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> fields;
  for (;;) {
    const auto end = text.find(separator);
    fields.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return fields;
    text.remove_prefix(end + 1);
  }
}

/// The records of a file such as /etc/passwd with at least `fields` fields.
std::vector<std::vector<std::string_view>> records(std::string_view text, std::size_t fields) {
  std::vector<std::vector<std::string_view>> found;
  for (const auto line : split(text, '\n')) {
    auto record = split(line, ':');
    if (record.size() >= fields) found.push_back(std::move(record));
  }
  return found;
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

constexpr std::size_t kIdField = 2;

bool names(std::string_view wanted, const std::vector<std::string_view>& record) {
  if (wanted.substr(0, 1) != "#") return wanted == record[0];
  const auto id = number(wanted.substr(1));
  return id && id == number(record[kIdField]);
}

}  // namespace

std::optional<Account> find_account(std::string_view name) {
  const auto text = read_small_file("/etc/passwd");
  for (const auto& record : records(text, 7)) {
    const auto uid = number(record[kIdField]);
    const auto gid = number(record[3]);
    if (!names(name, record) || !uid || !gid) continue;
    Account account{std::string(record[0]), *uid, *gid};
    if (!record[5].empty()) account.home = record[5];
    if (!record[6].empty()) account.shell = record[6];
    return account;
  }
  // Root is there also in an image whose files are not.
  if (name == "root" || name == "#0") return Account{"root", 0, 0, "/root"};
  return std::nullopt;
}

std::optional<gid_t> find_group(std::string_view name) {
  const auto text = read_small_file("/etc/group");
  for (const auto& record : records(text, 3)) {
    if (names(name, record)) return number(record[kIdField]);
  }
  if (name.substr(0, 1) == "#") return number(name.substr(1));
  return std::nullopt;
}

std::vector<gid_t> groups_of(const Account& account) {
  std::vector<gid_t> groups = {account.gid};
  const auto text = read_small_file("/etc/group");
  for (const auto& record : records(text, 4)) {
    const auto members = split(record[3], ',');
    const auto gid = number(record[kIdField]);
    if (gid && *gid != account.gid &&
        std::find(members.begin(), members.end(), account.name) != members.end()) {
      groups.push_back(*gid);
    }
  }
  return groups;
}

}  // namespace kiln::agent
