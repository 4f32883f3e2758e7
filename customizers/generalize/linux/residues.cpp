#include "customizers/generalize/residues.h"

#include <algorithm>
#include <array>

#include "customizers/generalize/generalize.h"
#include "customizers/generalize/linux/accounts.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// What no Kiln may leave in a guest, whichever sandbox it used.
constexpr std::array<std::string_view, 6> kOwnFiles = {"/.kiln*",
                                                       "/tmp/.kiln*",
                                                       "/run/kiln*",
                                                       "/var/tmp/.kiln*",
                                                       "/etc/systemd/system/kiln-agent*",
                                                       "/etc/systemd/system/*/kiln-agent*"};
/// An image may have one of its own, so ours is known by what it says.
constexpr std::array<std::string_view, 2> kOwnByContents = {"/usr/sbin/policy-rc.d",
                                                            "/etc/cloud/cloud-init.disabled"};
constexpr std::string_view kOwnMark = "kiln";
/// Logs of who logged in when; the others hold what the steps themselves printed.
constexpr std::array<std::string_view, 3> kLoginLogs = {
    "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog"};

class Search {
 public:
  Search(FileTree& tree, const ResidueContext& context) : tree_(tree), context_(context) {}

  Result<std::vector<Residue>> run() {
    KILN_TRY(check_removed());
    KILN_TRY(check_users());
    KILN_TRY(check_machine_id());
    KILN_TRY(check_resolv_conf());
    KILN_TRY(check_root_password());
    KILN_TRY(check_login_logs());
    KILN_TRY(check_own_files());
    return std::move(found_);
  }

 private:
  void add(std::string path, std::string_view what, std::string_view operation) {
    found_.push_back({std::move(path), std::string(what), std::string(operation)});
  }

  Result<void> check_removed() {
    std::vector<std::string> patterns;
    std::vector<const GeneralizeOperation*> operations;
    for (const auto& operation : generalize_operations()) {
      if (!operation.on_by_default) continue;
      patterns.insert(patterns.end(), operation.removes.begin(), operation.removes.end());
      operations.insert(operations.end(), operation.removes.size(), &operation);
    }
    KILN_TRY_ASSIGN(auto found, tree_.glob_each(patterns));
    for (std::size_t i = 0; i < found.size(); ++i) {
      for (auto& path : found[i]) add(std::move(path), operations[i]->residue, operations[i]->name);
    }
    return {};
  }

  /// A file's contents, or nothing where there is no such file.
  Result<std::string> contents(const std::string& path) {
    KILN_TRY_ASSIGN(const auto kind, tree_.kind(path));
    if (kind != FileTree::Kind::kFile) return std::string();
    return tree_.read(path);
  }

  Result<void> check_users() {
    KILN_TRY_ASSIGN(const auto ovf_env, contents("/var/lib/waagent/ovf-env.xml"));
    auto users = context_.build_users;
    users.push_back(provisioned_user(ovf_env));
    std::sort(users.begin(), users.end());
    users.erase(std::unique(users.begin(), users.end()), users.end());
    KILN_TRY_ASSIGN(const auto passwd, contents("/etc/passwd"));
    for (const auto& user : users) {
      if (user.empty() || !is_ordinary_account(passwd, user)) continue;
      add("/etc/passwd", fmt::format("account {} made by provisioning", user), "provisioned-user");
    }
    return {};
  }

  Result<void> check_machine_id() {
    constexpr std::string_view kWhat = "identity of the machine";
    KILN_TRY_ASSIGN(const auto id, contents("/etc/machine-id"));
    if (!trim(id).empty() && trim(id) != "uninitialized") {
      add("/etc/machine-id", kWhat, "machine-id");
    }
    KILN_TRY_ASSIGN(const auto dbus, contents("/var/lib/dbus/machine-id"));
    if (!trim(dbus).empty()) add("/var/lib/dbus/machine-id", kWhat, "machine-id");
    return {};
  }

  Result<void> check_resolv_conf() {
    KILN_TRY_ASSIGN(const auto kind, tree_.kind("/etc/resolv.conf"));
    if (kind == FileTree::Kind::kFile) {
      add("/etc/resolv.conf", "name servers of the machine", "resolv-conf");
    }
    return {};
  }

  Result<void> check_root_password() {
    KILN_TRY_ASSIGN(const auto shadow, contents("/etc/shadow"));
    if (root_password_usable(shadow)) {
      add("/etc/shadow", "usable password of root", "root-password");
    }
    return {};
  }

  Result<void> check_login_logs() {
    for (const auto log : kLoginLogs) {
      const std::string path(log);
      KILN_TRY_ASSIGN(const auto kind, tree_.kind(path));
      if (kind != FileTree::Kind::kFile) continue;
      KILN_TRY_ASSIGN(const auto size, tree_.file_size(path));
      if (size > 0) add(path, "record of logins", "logs");
    }
    return {};
  }

  Result<void> check_own_files() {
    constexpr std::string_view kWhat = "file of Kiln itself";
    std::vector<std::string> patterns(kOwnFiles.begin(), kOwnFiles.end());
    patterns.insert(patterns.end(), context_.own_files.begin(), context_.own_files.end());
    KILN_TRY_ASSIGN(auto found, tree_.glob_each(patterns));
    for (auto& paths : found) {
      for (auto& path : paths) add(std::move(path), kWhat, {});
    }
    for (const auto path : kOwnByContents) {
      KILN_TRY_ASSIGN(const auto text, contents(std::string(path)));
      if (text.find(kOwnMark) != std::string::npos) add(std::string(path), kWhat, {});
    }
    return {};
  }

  FileTree& tree_;
  const ResidueContext& context_;
  std::vector<Residue> found_;
};

bool was_skipped(const Residue& residue, std::span<const std::string> skip) {
  return !residue.operation.empty() &&
         std::find(skip.begin(), skip.end(), residue.operation) != skip.end();
}

}  // namespace

Result<std::vector<Residue>> find_residues(FileTree& tree, const ResidueContext& context) {
  auto found = Search(tree, context).run();
  if (!found) {
    return std::move(found).error().while_doing("looking for residues on the finished disk");
  }
  return found;
}

Result<void> judge_residues(std::span<const Residue> residues,
                            std::span<const std::string> skip,
                            EventSink& events) {
  std::vector<std::string> lines;
  for (const auto& residue : residues) {
    auto line = fmt::format("{}: {}", printable(residue.path), residue.what);
    if (was_skipped(residue, skip)) {
      notice(events, fmt::format("{} ({} was switched off)", line, residue.operation), "check");
      continue;
    }
    if (!residue.operation.empty()) line += fmt::format(" ({})", residue.operation);
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return {};
  return fail(ErrorKind::kGuestFailed,
              "Generalize:Residue",
              "the image is not general: {} residue{} after generalization",
              lines.size(),
              lines.size() == 1 ? "" : "s")
      .quoting(std::move(lines))
      .cure(
          "find the step that brings it back; if it is meant to stay, --generalize-skip with the "
          "name in brackets allows it");
}

}  // namespace kiln
