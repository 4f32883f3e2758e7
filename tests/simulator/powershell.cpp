#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <regex>
#include <unistd.h>

#include "engine/core/text.h"
#include "tests/simulator/files.h"
#include "tests/simulator/programs.h"

namespace kiln::simulator {
namespace {

using Words = std::smatch;

struct Script {
  Account account;
};

/// What a statement comes to: nothing where the script goes on, else its exit code.
using Outcome = std::optional<int>;

void print(const std::string& line) {
  std::printf("%s\r\n", line.c_str());
  std::fflush(stdout);
}

Outcome write_output(const Words& words, const Script&) {
  print(words[1]);
  return {};
}

Outcome print_state(const Words&, const Script&) {
  print(image_state());
  return {};
}

Outcome print_account(const Words&, const Script& script) {
  print(script.account == Account::kSystem ? R"(nt authority\system)" : R"(windows\kiln-build)");
  return {};
}

Outcome print_elevation(const Words&, const Script& script) {
  print(script.account == Account::kLimitedAdministrator ? "False" : "True");
  return {};
}

Outcome leave(const Words& words, const Script&) {
  return std::atoi(words.str(1).c_str());
}

Outcome throw_error(const Words& words, const Script&) {
  std::fprintf(stderr, "%s\n", words.str(1).c_str());
  return 1;
}

Outcome sleep_seconds(const Words& words, const Script&) {
  ::sleep(static_cast<unsigned>(std::atoi(words.str(1).c_str())));
  return {};
}

Outcome set_content(const Words& words, const Script&) {
  if (write_text(path_here(words.str(1)), words.str(2) + "\r\n")) return {};
  std::fprintf(stderr, "cannot write %s\n", words.str(1).c_str());
  return {};
}

Outcome redirect_output(const Words& words, const Script&) {
  if (write_text(path_here(words.str(2)), words.str(1) + "\r\n")) return {};
  std::fprintf(stderr, "cannot write %s\n", words.str(2).c_str());
  return {};
}

Outcome make_folder(const Words& words, const Script&) {
  std::error_code error;
  if (std::filesystem::create_directories(path_here(words.str(1)), error)) return {};
  std::fprintf(stderr, "cannot make %s\n", words.str(1).c_str());
  return {};
}

Outcome get_content(const Words& words, const Script&) {
  for (const auto& line : split_lines(read_text(path_here(words.str(1))))) {
    print(std::string(trim(line)));
  }
  return {};
}

Outcome remove_item(const Words& words, const Script&) {
  std::error_code ignored;
  std::filesystem::remove_all(path_here(words.str(1)), ignored);
  return {};
}

Outcome require_file(const Words& words, const Script&) {
  if (std::filesystem::exists(path_here(words.str(1)))) return {};
  return std::atoi(words.str(2).c_str());
}

Outcome replace_text(const Words& words, const Script&) {
  const auto from = path_here(words.str(1));
  const auto text = std::regex_replace(
      read_text(from), std::regex(words.str(2), std::regex::icase), words.str(3));
  write_text(path_here(words.str(4)), text);
  return {};
}

Outcome restart_computer(const Words&, const Script&) {
  ask_for(Power::kRestart);
  return {};
}

Outcome sysprep(const Words& words, const Script&) {
  const int code = run_sysprep(words.str(1));
  if (code == 0) return {};
  ::sleep(1);  // the script would wait for ever; the watch that Kiln starts ends it
  return 255;
}

struct Statement {
  const char* pattern;
  Outcome (*execute)(const Words& words, const Script& script);
};

#define LITERAL "['\"]([^'\"]*)['\"]"
#define PATH "['\"]?([^'\" |)]*)['\"]?"
#define PATH_OPTION "-(?:Literal)?Path " PATH
constexpr std::array kStatements = {
    Statement{"(?:Write-Output|Write-Host|echo) " LITERAL, write_output},
    Statement{"Write-Host ([A-Za-z0-9]+)", write_output},
    Statement{"echo ([^'\">]*[^'\"> ]) *> *" PATH, redirect_output},
    Statement{"mkdir " PATH, make_folder},
    Statement{R"(Write-Output \$imageState)", print_state},
    Statement{"whoami", print_account},
    Statement{".*IsInRole.*Administrator.*", print_elevation},
    Statement{"exit ([0-9]+)", leave},
    Statement{"throw " LITERAL, throw_error},
    Statement{"Start-Sleep (?:-Seconds )?([0-9]+)", sleep_seconds},
    Statement{"Set-Content " PATH_OPTION " -Value " LITERAL, set_content},
    Statement{"Get-Content " PATH_OPTION, get_content},
    Statement{"Remove-Item " PATH_OPTION "(?: .*)?", remove_item},
    Statement{R"(if \(-not \(Test-Path )" PATH_OPTION R"(\)\) \{ exit ([0-9]+) \})", require_file},
    Statement{R"(\(\(Get-Content )" PATH_OPTION R"( -Raw\) -replace )" LITERAL ", ?" LITERAL
              R"(\) \| Set-Content )" PATH_OPTION,
              replace_text},
    Statement{"Restart-Computer.*", restart_computer},
    Statement{R"(& \$Env:SystemRoot\\System32\\Sysprep\\Sysprep.exe (.*))", sysprep},
};
#undef LITERAL
#undef PATH
#undef PATH_OPTION

Outcome execute(const std::string& line, const Script& script) {
  for (const auto& statement : kStatements) {
    Words words;
    if (!std::regex_match(line, words, std::regex(statement.pattern, std::regex::icase))) continue;
    return statement.execute(words, script);
  }
  note("without effect: " + line);
  return {};
}

int run_script(const std::string& path, const std::string& arguments, const Script& script) {
  auto text = read_text(path_here(path));
  if (text.empty()) {
    std::fprintf(stderr, "%s is not there\n", path.c_str());
    return 1;
  }
  if (text.find("CreateUpdateSearcher") != std::string::npos) return run_update_round(arguments);
  note_text("script", text);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  for (const auto& line : split_lines(text)) {
    const std::string statement(trim(line));
    if (statement.empty() || statement.front() == '#') continue;
    if (const auto code = execute(statement, script)) return *code;
  }
  return 0;
}

/// The script whose way through sysprep is watched.
int run_watched(const std::string& watch, const std::string& path, const Script& script) {
  if (read_text(path_here(watch)).find("$Watched") == std::string::npos) {
    std::fprintf(stderr, "the watch is not there\n");
    return 1;
  }
  return run_script(path, "", script);
}

/// As a File step looks where its file would come.
int look_at_place(const std::string& file, const std::string& folder) {
  constexpr int kIsFolder = 3;
  constexpr int kNoParent = 4;
  if (std::filesystem::is_directory(path_here(file))) return kIsFolder;
  return std::filesystem::is_directory(path_here(folder)) ? 0 : kNoParent;
}

}  // namespace

int run_powershell(const std::vector<std::string>& argv, Account account) {
  const Script script{account};
  const auto& command = argv.back();
  Words words;
  const std::regex watched(R"([^]*'-File', '([^']*)', '-Watched', \$PID; & '([^']*)'; exit [^]*)");
  const std::regex file(R"([^]*; & '([^']*)'([^]*); exit \$LastExitCode)");
  const std::regex place(R"([^]*; if \(Test-Path -LiteralPath '([^']*)' -PathType Container\) )"
                         R"(\{ exit 3 \}; if \(-not \(Test-Path -LiteralPath '([^']*)' )"
                         R"(-PathType Container\)\) \{ exit 4 \})");
  if (std::regex_match(command, words, watched)) return run_watched(words[1], words[2], script);
  if (std::regex_match(command, words, file)) return run_script(words[1], words[2], script);
  if (std::regex_match(command, words, place)) return look_at_place(words[1], words[2]);
  if (command.find("Get-Process -Name sysprep") != std::string::npos) {
    print(image_state());
    print("ended");
    return 0;
  }
  if (command.find("} restarted.\"") != std::string::npos) {
    print("WINDOWS restarted.");
    return 0;
  }
  note("without effect: " + command);
  return 0;
}

}  // namespace kiln::simulator
