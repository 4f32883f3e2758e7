#include <algorithm>
#include <array>

#include "customizers/generalize/generalize.h"
#include "customizers/generalize/linux/accounts.h"
#include "customizers/generalize/linux/selinux_labels.h"
#include "customizers/step_command.h"
#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

using Patterns = std::span<const std::string_view>;

constexpr std::array<std::string_view, 1> kSshHostKeys = {"/etc/ssh/ssh_host_*key*"};
constexpr std::array<std::string_view, 6> kWaagentState = {
    "/var/lib/waagent/*",
    "/var/lib/waagent/.[!.]*",
    "/var/log/azure/*",
    "/var/log/waagent.log*",
    // The agent writes this unit on a running machine; it runs a program from /var/lib/waagent.
    "/usr/lib/systemd/system/w*agent-network-setup.service",
    "/lib/systemd/system/w*agent-network-setup.service"};
/// As `cloud-init clean --logs --seed`, but sparing scripts/per-* and handlers, which are where an
/// image's maker puts things that must run on the new machine.
constexpr std::array<std::string_view, 7> kCloudInitState = {"/var/lib/cloud/instance",
                                                             "/var/lib/cloud/instances/*",
                                                             "/var/lib/cloud/data/*",
                                                             "/var/lib/cloud/sem/*",
                                                             "/var/lib/cloud/seed/*",
                                                             "/var/lib/cloud/scripts/vendor/*",
                                                             "/var/log/cloud-init*.log*"};
constexpr std::array<std::string_view, 3> kDhcpLeases = {
    "/var/lib/dhcp/*", "/var/lib/dhclient/*", "/var/lib/dhcpcd/*"};
/// secret_key is what NetworkManager derives a machine's stable addresses from.
constexpr std::array<std::string_view, 3> kNetworkManagerState = {
    "/var/lib/NetworkManager/*.lease",
    "/var/lib/NetworkManager/secret_key",
    "/var/lib/NetworkManager/timestamps"};
/// systemd's "Building Images Safely" names these beside the machine-id.
constexpr std::array<std::string_view, 4> kRandomSeeds = {"/var/lib/systemd/random-seed",
                                                          "/var/lib/systemd/credential.secret",
                                                          "/var/lib/urandom/random-seed",
                                                          "/var/lib/random-seed"};
constexpr std::array<std::string_view, 1> kPersistentNet = {
    "/etc/udev/rules.d/70-persistent-net.rules"};
constexpr std::array<std::string_view, 6> kAccountBackups = {
    "/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-"};
constexpr std::array<std::string_view, 4> kHistories = {
    "/root/.*_history", "/root/.lesshst", "/home/*/.*_history", "/home/*/.lesshst"};
constexpr std::array<std::string_view, 1> kJournal = {"/var/log/journal/*"};
constexpr std::array<std::string_view, 6> kPackageCaches = {"/var/cache/apt/archives/*.deb",
                                                            "/var/cache/apt/*.bin",
                                                            "/var/lib/apt/lists/*_*",
                                                            "/var/cache/dnf/*",
                                                            "/var/cache/yum/*",
                                                            "/var/cache/zypp/*"};
constexpr std::array<std::string_view, 4> kTemporaryFiles = {
    "/tmp/*", "/tmp/.[!.]*", "/var/tmp/*", "/var/tmp/.[!.]*"};
/// The Shell customizer's names have one to four digits.
constexpr std::array<std::string_view, 5> kBuildFiles = {kDeprovisionScriptPath,
                                                         "/tmp/script_[0-9].sh",
                                                         "/tmp/script_[0-9][0-9].sh",
                                                         "/tmp/script_[0-9][0-9][0-9].sh",
                                                         "/tmp/script_[0-9][0-9][0-9][0-9].sh"};

Result<std::string> nothing_more(const Generalizing& /*guest*/) {
  return std::string();
}

/// Runs a few lines in the guest that print what they did.
Result<std::string> in_guest(const Generalizing& guest,
                             std::string_view script,
                             std::vector<std::string> arguments = {}) {
  KILN_TRY_ASSIGN(const auto answer,
                  ask_guest(guest.agent, script, std::move(arguments), guest.cancel));
  if (answer.code != 0) {
    return fail(ErrorKind::kGuestFailed,
                "Generalize:GuestCommand",
                "a command in the guest ended with exit code {}",
                answer.code)
        .quoting(split_lines(answer.out));
  }
  return fmt::format("{}", fmt::join(split_lines(answer.out), ", "));
}

/// Deprovisioning by the agent does this too, where there is an agent.
Result<std::string> remove_provisioned_users(const Generalizing& guest) {
  std::vector<std::string> removed;
  for (const auto& user : guest.build_users) {
    KILN_TRY_ASSIGN(const auto passwd, guest.agent.get("/etc/passwd", kMiB, guest.cancel));
    if (is_ordinary_account(passwd, user)) {
      KILN_TRY(in_guest(guest, R"sh(userdel -f -r "$1")sh", {user}));
      removed.push_back("removed user " + user);
    }
    KILN_TRY(in_guest(guest,
                      R"sh(for f in /etc/sudoers.d/waagent /etc/sudoers.d/90-cloud-init-users; do
  if [ -f "$f" ]; then sed -i "/^$1[[:space:]]/d" "$f"; fi
done)sh",
                      {user}));
  }
  return fmt::format("{}", fmt::join(removed, ", "));
}

/// The files stay, with owner, mode and security label: an empty /etc/machine-id is what makes
/// systemd draw a new one, also where / is mounted read-only early in boot.
Result<std::string> empty_machine_id(const Generalizing& guest) {
  return in_guest(guest, R"sh(
if [ -s /etc/machine-id ] && { read -r id < /etc/machine-id; [ "$id" != uninitialized ]; }; then
  : > /etc/machine-id && echo 'emptied /etc/machine-id' || exit 1
fi
if [ -e /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then
  rm -f /var/lib/dbus/machine-id && echo 'removed /var/lib/dbus/machine-id' || exit 1
fi)sh");
}

Result<std::string> reset_hostname(const Generalizing& guest) {
  return in_guest(guest, R"sh(
[ -f /etc/hostname ] || exit 0
read -r name < /etc/hostname
if [ "$name" != localhost.localdomain ]; then
  echo localhost.localdomain > /etc/hostname && echo 'set localhost.localdomain' || exit 1
fi)sh");
}

/// A symbolic link is the distribution's own and leads to what exists only on a running machine.
Result<std::string> remove_resolv_conf(const Generalizing& guest) {
  const std::string path = "/etc/resolv.conf";
  KILN_TRY_ASSIGN(
      const auto is_file,
      ask_guest(guest.agent, R"sh([ -f "$1" ] && [ ! -L "$1" ])sh", {path}, guest.cancel));
  if (is_file.code != 0) return std::string();
  KILN_TRY_ASSIGN(const auto removed, guest.agent.remove(path, guest.cancel));
  return removed.empty() ? std::string() : "removed " + path;
}

/// By the guest's own tools, which keep the file's group, mode and security label. `*` rather than
/// `!`, because sshd without PAM refuses even keys for an account that `!` locks.
Result<std::string> lock_root_password(const Generalizing& guest) {
  const auto shadow = guest.agent.get("/etc/shadow", kMiB, guest.cancel);
  if (!shadow && shadow.error().kind() == ErrorKind::kNotFound) return std::string();
  KILN_TRY(shadow);
  if (!root_password_usable(*shadow)) return std::string();
  return in_guest(guest, R"sh(
if command -v usermod >/dev/null; then usermod -p '*' root; else passwd -l root >/dev/null; fi ||
  exit 1
echo 'locked the password of root')sh");
}

/// Rotated copies go; a log itself is emptied rather than removed, because programs count on its
/// owner and mode, and on its folder. In one search: starting a program takes 25 ms under
/// emulation.
Result<std::string> empty_logs(const Generalizing& guest) {
  return in_guest(guest, R"sh(
[ -d /var/log ] || exit 0
emptied=$(find /var/log -xdev \
  -type f \( -name '*.[0-9]' -o -name '*.[0-9][0-9]' -o -name '*.old' \
  -o -name '*.gz' -o -name '*.xz' -o -name '*.bz2' -o -name '*.zst' \
  -o -name '*-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]' \) -exec rm -f {} + \
  -o -type f -size +0 -exec sh -c 'for f; do : > "$f" && echo emptied; done; :' sh {} +) || exit 1
set -- $emptied
[ $# -eq 0 ] || echo "emptied $# logs")sh");
}

Result<std::string> label_files(const Generalizing& guest) {
  return in_guest(guest, selinux_labels_script());
}

constexpr std::array kOperations = {
    GeneralizeOperation{"provisioned-user",
                        "remove the account that Azure's provisioning made, with its home",
                        true,
                        "account made by provisioning",
                        {},
                        remove_provisioned_users},
    GeneralizeOperation{"ssh-host-keys",
                        "remove the SSH server's host keys",
                        true,
                        "SSH host key",
                        kSshHostKeys,
                        nothing_more},
    GeneralizeOperation{"waagent",
                        "remove the state and logs of the Azure Linux agent",
                        true,
                        "state of the Azure Linux agent",
                        kWaagentState,
                        nothing_more},
    GeneralizeOperation{"cloud-init",
                        "remove the instance, seed, semaphores and logs of cloud-init",
                        true,
                        "state of cloud-init",
                        kCloudInitState,
                        nothing_more},
    GeneralizeOperation{
        "dhcp-leases", "remove DHCP leases", true, "DHCP lease", kDhcpLeases, nothing_more},
    GeneralizeOperation{"network-manager",
                        "remove NetworkManager's leases and secret key",
                        true,
                        "state of NetworkManager",
                        kNetworkManagerState,
                        nothing_more},
    GeneralizeOperation{"persistent-net",
                        "remove the udev rules that tie interface names to MAC addresses",
                        true,
                        "interface names tied to MAC addresses",
                        kPersistentNet,
                        nothing_more},
    GeneralizeOperation{"machine-id",
                        "empty /etc/machine-id",
                        true,
                        "identity of the machine",
                        {},
                        empty_machine_id},
    GeneralizeOperation{"random-seed",
                        "remove saved random seeds and the secret of systemd's credentials",
                        true,
                        "random seed",
                        kRandomSeeds,
                        nothing_more},
    GeneralizeOperation{"hostname",
                        "set the host name to localhost.localdomain",
                        true,
                        "host name",
                        {},
                        reset_hostname},
    GeneralizeOperation{"resolv-conf",
                        "remove /etc/resolv.conf unless it is a symbolic link",
                        true,
                        "name servers of the machine",
                        {},
                        remove_resolv_conf},
    GeneralizeOperation{"root-password",
                        "lock the password of root",
                        true,
                        "usable password of root",
                        {},
                        lock_root_password},
    GeneralizeOperation{"account-backups",
                        "remove the backups of passwd, shadow and group files",
                        true,
                        "backup of an account file",
                        kAccountBackups,
                        nothing_more},
    GeneralizeOperation{"histories",
                        "remove the histories of shells and similar programs",
                        true,
                        "command history",
                        kHistories,
                        nothing_more},
    GeneralizeOperation{"logs",
                        "remove the journal and rotated logs, empty the others",
                        true,
                        "journal of systemd",
                        kJournal,
                        empty_logs},
    GeneralizeOperation{"package-caches",
                        "remove downloaded packages and package lists",
                        false,
                        "package cache",
                        kPackageCaches,
                        nothing_more},
    GeneralizeOperation{"temporary-files",
                        "remove everything in /tmp and /var/tmp",
                        false,
                        "temporary file",
                        kTemporaryFiles,
                        nothing_more},
    GeneralizeOperation{"build-files",
                        "remove what the build itself put into /tmp",
                        true,
                        "script of the build",
                        kBuildFiles,
                        nothing_more},
    // The last, because all others write.
    GeneralizeOperation{"selinux-labels",
                        "label files as SELinux's policy says, in an image that has one",
                        true,
                        "file without SELinux's label",
                        {},
                        label_files},
};

}  // namespace

std::span<const GeneralizeOperation> generalize_operations() {
  return kOperations;
}

Result<void> check_generalize_operation(const std::string& name) {
  std::vector<std::string_view> names;
  names.reserve(kOperations.size());
  for (const auto& operation : kOperations) names.push_back(operation.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  const auto near = nearest_word(name, names);
  return fail(ErrorKind::kInvalidTemplate,
              "Generalize:UnknownOperation",
              "there is no generalize operation \"{}\"",
              printable(name))
      .cure(near.empty() ? fmt::format("use one of {}", fmt::join(names, ", "))
                         : fmt::format("did you mean \"{}\"?", near));
}

}  // namespace kiln
