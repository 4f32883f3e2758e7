#include "customizers/windows_command.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <random>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::string_view kPowerShell =
    R"(C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe)";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// A console writes in its own code page, and the log is UTF-8. Where there is no console, and so
/// nothing to set, output is not that of a console either.
constexpr std::string_view kUtf8Output =
    "try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }";

/// The length of the UTF-8 sequence that `first` begins; 0 where it begins none.
std::size_t sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

bool is_utf8(std::string_view text) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  while (!text.empty()) {
    const auto length = sequence_length(static_cast<unsigned char>(text.front()));
    if (length == 0 || length > text.size()) return false;
    if (!std::all_of(
            text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), continues)) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

bool has_mark(std::string_view text) {
  return text.starts_with(kByteOrderMark) || text.starts_with("\xFF\xFE") ||
         text.starts_with("\xFE\xFF");
}

}  // namespace

std::string windows_guest_path(std::string_view path) {
  std::string text(path);
  std::replace(text.begin(), text.end(), '\\', '/');
  const bool has_drive =
      text.size() >= 2 && text[1] == ':' && std::isalpha(static_cast<unsigned char>(text[0])) != 0;
  return has_drive ? "/" + text : "/C:" + text;
}

std::vector<std::string> windows_lines(std::string_view text) {
  auto lines = split_lines(text);
  for (auto& line : lines) {
    if (line.ends_with('\r')) line.pop_back();
  }
  return lines;
}

std::string random_uuid() {
  std::random_device random;
  std::array<std::uint32_t, 4> words{};
  for (auto& word : words) word = random();
  constexpr std::uint32_t kLow = 0xFFFF;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}",
                     words[0],
                     words[1] >> 16U,
                     0x4000U | (words[1] & 0x0FFFU),           // version 4: random
                     0x8000U | ((words[2] >> 16U) & 0x3FFFU),  // the variant of RFC 4122
                     words[2] & kLow,
                     words[3]);
}

std::string powershell_literal(std::string_view text) {
  // PowerShell takes these for the plain quote too, U+2018 to U+201B; doubled they mean themselves.
  constexpr std::array<std::string_view, 5> kQuotes = {
      "'", "\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9A", "\xE2\x80\x9B"};
  std::string literal = "'";
  while (!text.empty()) {
    const auto* const quote = std::find_if(
        kQuotes.begin(), kQuotes.end(), [&](auto mark) { return text.starts_with(mark); });
    const auto length = quote == kQuotes.end() ? 1 : quote->size();
    literal += text.substr(0, length);
    if (quote != kQuotes.end()) literal += *quote;
    text.remove_prefix(length);
  }
  return literal + "'";
}

std::string powershell_file(std::string_view script) {
  std::string text;
  if (!has_mark(script) && is_utf8(script)) text = kByteOrderMark;
  return text.append(script);
}

std::string batch_file(std::string_view command) {
  const bool ascii = std::all_of(
      command.begin(), command.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  std::string text = "@echo off\r\n";
  if (!ascii) text += "chcp 65001 >nul\r\n";
  for (const auto& line : windows_lines(command)) text.append(line).append("\r\n");
  return text;
}

GuestCommand powershell_command(std::string_view script) {
  GuestCommand command;
  command.argv = {std::string(kPowerShell),
                  "-NonInteractive",
                  "-ExecutionPolicy",
                  "Bypass",
                  "-Command",
                  fmt::format("{}; {}", kUtf8Output, script)};
  command.directory = "/C:/Windows/System32";
  return command;
}

GuestCommand powershell_file_command(std::string_view path, std::string_view arguments) {
  return powershell_command(
      fmt::format("if (Test-Path variable:global:ProgressPreference) {{ $global:ProgressPreference "
                  "= 'SilentlyContinue' }}; & {}{}{}; exit $LastExitCode",
                  powershell_literal(path),
                  arguments.empty() ? "" : " ",
                  arguments));
}

GuestCommand batch_command(std::string_view path) {
  GuestCommand command;
  // Without the registry's autorun command, which is the image's own affair.
  command.argv = {R"(C:\Windows\System32\cmd.exe)", "/d", "/c", std::string(path)};
  command.directory = "/C:/Windows/System32";
  return command;
}

Result<GuestAnswer> ask_powershell(GuestAgent& agent,
                                   std::string_view script,
                                   const CancelToken& cancel) {
  return ask_command(agent, powershell_command(script), cancel);
}

Result<void> restart_windows(const StepContext& context,
                             StepProgram program,
                             std::chrono::milliseconds limit) {
  KILN_CHECK(context.await_restart);  // the plan chose a sandbox that can
  const auto told = run_step_program(context, std::move(program));
  // The system may go down before the program's end can be told.
  constexpr std::array<std::string_view, 3> kGone = {
      "Agent:Lost", "Agent:Silent", "Sandbox:GuestRestarted"};
  const bool gone =
      !told && std::find(kGone.begin(), kGone.end(), told.error().code()) != kGone.end();
  if (!told && !gone) return told.error();
  return context.await_restart(limit);
}

std::string windows_cure(int exit_code) {
  constexpr int kNotFound = 127;           // as the agent says it
  constexpr int kAlreadyRunning = 1618;    // ERROR_INSTALL_ALREADY_RUNNING
  constexpr int kRestartInitiated = 1641;  // ERROR_SUCCESS_REBOOT_INITIATED
  constexpr int kRestartRequired = 3010;   // ERROR_SUCCESS_REBOOT_REQUIRED
  switch (exit_code) {
    case kNotFound:
      return "exit code 127 means that PowerShell could not be started: check the image";
    case kAlreadyRunning:
      return "exit code 1618 means that another installation is going on: wait for it, or put a "
             "WindowsRestart step before this one";
    case kRestartInitiated:
    case kRestartRequired:
      return fmt::format(
          "exit code {} means that it worked and a restart is needed: put it into validExitCodes, "
          "and a WindowsRestart step after this one",
          exit_code);
    default:
      return {};
  }
}

}  // namespace kiln
