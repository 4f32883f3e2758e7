#include "customizers/generalize/windows/setup_log.h"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "engine/core/text.h"

namespace kiln {
namespace {

/// An error whose words or code tell the cause.
struct KnownCause {
  std::array<std::string_view, 3> words;  ///< in lower case; one is enough, empty ones count not
  std::string_view code;
  std::string_view message;
  std::string_view cure;
};

// The words are of Microsoft's articles on what makes sysprep fail, and of the names of the codes.
constexpr std::array kCauses = {
    KnownCause{{"require a reboot", "requires a reboot", "pending reboot"},
               "Generalize:RestartPending",
               "Windows has a restart outstanding",
               "add a WindowsRestart step as the last one"},
    KnownCause{{"reserved storage", "0x800f0975", ""},
               "Generalize:ServicingBusy",
               "Windows is still servicing itself: its reserved storage is in use",
               "let a step wait for the installation of updates to end, and add a WindowsRestart "
               "step as the last one"},
    KnownCause{{"bitlocker", "0x80310039", ""},
               "Generalize:BitLocker",
               "BitLocker is on for the system's volume",
               "decrypt it in a step: Disable-BitLocker -MountPoint C:, and wait until it is done"},
    KnownCause{{"slrearmwindows", "0xc004d307", "-1073425657"},
               "Generalize:NoRearmLeft",
               "the licence of this Windows cannot be reset once more",
               "begin with an image that was generalized less often"},
    KnownCause{{"upgraded", "", ""},
               "Generalize:UpgradedSystem",
               "this Windows was upgraded from an earlier one, which sysprep refuses",
               "begin with an image that was installed anew"},
    KnownCause{{"machine is in an invalid state", "", ""},
               "Generalize:InvalidState",
               "an earlier sysprep of this system did not come to its end",
               "begin with an image that no sysprep has failed in"},
};

struct Service {
  std::string_view module;
  std::string_view name;
};
/// Modules of sysprep that fail where a service does.
constexpr std::array kServices = {
    Service{"msdtcprx.dll", "Distributed Transaction Coordinator (MSDTC)"},
};

/// ASCII of the UTF-16 that some editions write; other characters become `?`.
std::string plain(std::string_view text) {
  if (!text.starts_with("\xFF\xFE")) return std::string(text);
  std::string narrow;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
    narrow += text[i + 1] == 0 && static_cast<unsigned char>(text[i]) < 0x80 ? text[i] : '?';
  }
  return narrow;
}

void add_errors(std::string_view log, std::vector<std::string>& errors) {
  for (auto& line : split_lines(plain(log))) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.find(", Error ") != std::string::npos) errors.push_back(std::move(line));
  }
}

/// What stands between the two; empty where either is absent.
std::string_view between(std::string_view line, std::string_view before, std::string_view after) {
  const auto begin = line.find(before);
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin + before.size());
  const auto end = line.find(after);
  return end == std::string_view::npos ? std::string_view() : line.substr(0, end);
}

std::optional<SetupFinding> find_appx(const std::string& line) {
  const auto package = between(line, "SYSPRP Package ", " was installed for a user");
  if (package.empty()) return std::nullopt;
  // `Name_Version_Architecture_Resource_Publisher`
  const auto name = printable(package.substr(0, package.find('_')), 100);
  return SetupFinding{
      "Generalize:AppxOfOneUser",
      fmt::format("the app {} is installed for one user only, and not for all",
                  printable(package, 200)),
      fmt::format(
          "remove it in a step: Get-AppxPackage -AllUsers {} | Remove-AppxPackage -AllUsers", name),
      line};
}

std::optional<SetupFinding> find_cause(const std::string& line) {
  if (auto appx = find_appx(line)) return appx;
  const auto text = to_lower(line);
  for (const auto& cause : kCauses) {
    for (const auto word : cause.words) {
      if (word.empty() || text.find(word) == std::string::npos) continue;
      return SetupFinding{
          std::string(cause.code), std::string(cause.message), std::string(cause.cure), line};
    }
  }
  return std::nullopt;
}

/// `LaunchDll:Failure occurred while executing 'C:\…\spbcd.dll,Sysprep_Generalize_Bcd', returned …`
/// and, with the function first, `ActionPlatform::LaunchModule: Failure occurred while executing
/// 'SysprepGeneralizeValidate' from C:\…\AppxSysprep.dll; …`.
std::optional<SetupFinding> find_module(const std::string& line) {
  const auto executed = between(line, "Failure occurred while executing '", "'");
  if (executed.empty()) return std::nullopt;
  auto module = std::string(executed);
  if (const auto from = between(line, "' from ", ";"); !from.empty()) {
    module = fmt::format("{} of {}", executed, from);
  }
  const auto lower = to_lower(module);
  for (const auto& service : kServices) {
    if (lower.find(service.module) == std::string::npos) continue;
    return SetupFinding{"Generalize:Service",
                        fmt::format("sysprep could not reset the service {}", service.name),
                        "repair or start that service in a step, or undo what a step did to it",
                        line};
  }
  return SetupFinding{"Generalize:Module",
                      fmt::format("{} failed, a part of sysprep", printable(module, 200)),
                      "look in the lines of sysprep's logs for what it belongs to, and undo what a "
                      "step did to that",
                      line};
}

std::optional<SetupFinding> any_error(const std::string& line) {
  return SetupFinding{"Generalize:Sysprep",
                      "sysprep failed: " + printable(line),
                      "look for this line in Microsoft's articles on sysprep",
                      line};
}

}  // namespace

std::optional<SetupFinding> find_culprit(std::string_view errors, std::string_view actions) {
  std::vector<std::string> lines;
  add_errors(errors, lines);
  add_errors(actions, lines);
  for (auto* const kind : {find_cause, find_module, any_error}) {
    for (const auto& line : lines) {
      if (auto found = kind(line)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace kiln
