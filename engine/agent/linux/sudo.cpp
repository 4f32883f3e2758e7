#include "engine/agent/linux/sudo.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <grp.h>
#include <optional>
#include <unistd.h>

#include <climits>

#include "engine/agent/linux/accounts.h"
#include "engine/agent/linux/posix.h"
#include "engine/agent/linux/step_supervisor.h"
#include "engine/agent/linux/sudo_options.h"

namespace kiln::agent {
namespace {

/// What sudo keeps of the environment by default (`sudo -V` as root lists it).
constexpr std::string_view kKept[] = {
    "COLORS",
    "COLORTERM",
    "DISPLAY",
    "HOSTNAME",
    "KRB5CCNAME",
    "LANG",
    "LANGUAGE",
    "LINGUAS",
    "LS_COLORS",
    "PS1",
    "PS2",
    "TERM",
    "TZ",
    "XAUTHORITY",
    "XAUTHORIZATION",
};

int complain(const std::string& text) {
  write_all(STDERR_FILENO, "sudo: " + text + "\n");
  return 1;
}

bool is_kept(std::string_view name, const SudoOptions& options) {
  if (options.preserve_environment) return true;
  if (options.login) return name == "TERM";
  for (const auto& kept : options.preserved) {
    if (name == kept) return true;
  }
  for (const auto kept : kKept) {
    if (name == kept) return true;
  }
  return name.substr(0, 3) == "LC_";
}

void keep_environment(const SudoOptions& options) {
  std::vector<std::pair<std::string, std::string>> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || !is_kept(text.substr(0, equals), options)) continue;
    kept.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  ::clearenv();
  for (const auto& [name, value] : kept) ::setenv(name.c_str(), value.c_str(), 1);
}

/// sudo's usual secure_path, after the folder that we stand in ourselves, for a sudo within.
std::string path_for_command() {
  char own[PATH_MAX];
  const auto length = ::readlink("/proc/self/exe", own, sizeof own);
  const std::string_view program(own, length > 0 ? static_cast<std::size_t>(length) : 0);
  const auto folder = program.substr(0, program.rfind('/'));
  return std::string(folder).append(folder.empty() ? "" : ":").append(kStandardPath);
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

void set_environment(const SudoOptions& options, const Account& account) {
  const auto invoking_user = "#" + std::to_string(::getuid());
  const auto invoker = find_account(invoking_user);
  // -E keeps HOME, unless -H says otherwise.
  const bool keeps_home = options.preserve_environment && !options.set_home && !options.login;
  keep_environment(options);
  ::setenv("HOME", account.home.c_str(), keeps_home ? 0 : 1);
  ::setenv("SHELL", account.shell.c_str(), options.shell ? 0 : 1);
  ::setenv("USER", account.name.c_str(), 1);
  ::setenv("LOGNAME", account.name.c_str(), 1);
  ::setenv("PATH", path_for_command().c_str(), 1);
  ::setenv("SUDO_USER", invoker ? invoker->name.c_str() : invoking_user.c_str(), 1);
  ::setenv("SUDO_UID", std::to_string(::getuid()).c_str(), 1);
  ::setenv("SUDO_GID", std::to_string(::getgid()).c_str(), 1);
  ::setenv("SUDO_COMMAND", join(options.command).c_str(), 1);
  for (const auto& [name, value] : options.variables) ::setenv(name.c_str(), value.c_str(), 1);
}

/// As sudo does for -i and -s: the words become one shell command that means just these words.
std::string quote_for_shell(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text.push_back(' ');
    for (const char c : word) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                         (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '$';
      if (!plain) text.push_back('\\');
      text.push_back(c);
    }
  }
  return text;
}

[[noreturn]] void execute(const std::string& file, const std::vector<std::string>& words) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(file.c_str(), argv.data());
  const bool missing = errno == ENOENT && file.find('/') == std::string::npos;
  ::_exit(complain(file + ": " + (missing ? "command not found" : std::strerror(errno))));
}

std::string become(const SudoOptions& options, const Account& account, gid_t group) {
  const auto groups = groups_of(account);
  if (!options.preserve_groups && ::setgroups(groups.size(), groups.data()) != 0) {
    return failure("set the groups of", account.name);
  }
  if (::setgid(group) != 0 || ::setuid(account.uid) != 0) return failure("become", account.name);
  return {};
}

}  // namespace

int sudo_main(int argc, char** argv) {
  const auto options = parse_sudo_options({argv + 1, argv + argc});
  if (!options.error.empty()) return complain(options.error);
  if (options.version) {
    std::puts("stand-in for sudo, kiln " KILN_VERSION);
    return 0;
  }
  const bool shell = options.login || options.shell;
  if (options.command.empty() && !shell) {
    return options.only_credentials ? 0 : complain("no command given");
  }
  if (::geteuid() != 0) return complain("the stand-in that kiln provides works for root only");

  const auto account = find_account(options.user);
  if (!account) return complain("unknown user " + options.user);
  const auto group =
      options.group.empty() ? std::optional<gid_t>(account->gid) : find_group(options.group);
  if (!group) return complain("unknown group " + options.group);

  set_environment(options, *account);
  if (const auto error = become(options, *account, *group); !error.empty()) return complain(error);
  const auto& directory =
      options.directory.empty() && options.login ? account->home : options.directory;
  if (!directory.empty() && ::chdir(directory.c_str()) != 0 && !options.login) {
    return complain(failure("change to", directory));
  }
  if (!shell) execute(options.command[0], options.command);

  const char* chosen = options.login ? nullptr : ::getenv("SHELL");
  const std::string program = chosen != nullptr ? chosen : account->shell;
  const auto name = program.substr(program.rfind('/') + 1);
  std::vector<std::string> words = {options.login ? "-" + name : name};
  if (!options.command.empty()) {
    words.emplace_back("-c");
    words.push_back(quote_for_shell(options.command));
  }
  execute(program, words);
}

}  // namespace kiln::agent
