#include "tests/simulator/programs.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

#include "engine/core/text.h"
#include "tests/simulator/files.h"
#include "tests/simulator/registry.h"
#include "tests/simulator/service.h"

namespace kiln::simulator {
namespace {

constexpr int kNotFound = 127;

std::string base_name(const std::string& path) {
  return to_lower(std::string_view(path).substr(path.find_last_of("\\/") + 1));
}

/// `echo WORDS` and `echo WORDS > FILE`.
int echo(const std::string& words) {
  const auto sign = words.find('>');
  const std::string text(trim(words.substr(0, sign)));
  if (sign == std::string::npos) {
    std::puts(text.c_str());
    return 0;
  }
  return write_text(path_here(trim(words.substr(sign + 1))), text + "\r\n") ? 0 : 1;
}

/// `cmd.exe /d /c FILE`, with one command on a line.
int run_batch(const std::string& path, Account account) {
  int code = 0;
  const auto text = read_text(path_here(path));
  note_text("batch", text);
  for (const auto& line : split_lines(text)) {
    std::vector<std::string> words;
    for (auto& word : split(trim(line), ' ')) {
      if (!word.empty()) words.push_back(std::move(word));
    }
    if (words.empty() || words[0] == "@echo") continue;
    if (words[0] == "echo") {
      code = echo(std::string(trim(line).substr(4)));
    } else if (words[0] == "exit") {
      return words.size() < 3 ? code : std::atoi(words[2].c_str());
    } else {
      code = run_program(words, account);
    }
  }
  return code;
}

int query_registry(const std::vector<std::string>& argv) {
  if (argv.size() != 5 || argv[1] != "query" || argv[2] != R"(HKLM\SYSTEM\Setup)") return 1;
  const auto value = Registry("SYSTEM").number("Setup", argv[4]);
  if (!value) return 1;
  std::printf("\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\Setup\r\n    %s    REG_DWORD    0x%x\r\n\r\n",
              argv[4].c_str(),
              *value);
  return 0;
}

int remove_agent() {
  const auto error = remove_service();
  if (!error.empty()) std::fprintf(stderr, "kiln-agent: %s\n", error.c_str());
  return error.empty() ? 0 : 1;
}

}  // namespace

int run_shutdown(const std::vector<std::string>& arguments) {
  const auto has = [&](std::string_view word) {
    return std::any_of(arguments.begin(), arguments.end(), [&](const auto& each) {
      return equal_ignoring_case(each, word);
    });
  };
  if (has("/r")) {
    if (scenario("restart") != "never") ask_for(Power::kRestart);
    return 0;
  }
  if (!has("/s")) return 1;
  ask_for(Power::kOff);
  if (scenario("sysprep") == "late") ::pause();
  return 0;
}

int run_program(const std::vector<std::string>& argv, Account account) {
  const auto name = base_name(argv.front());
  if (name == "powershell.exe" || name == "powershell") return run_powershell(argv, account);
  if (name == "cmd.exe" && argv.size() == 4 && argv[2] == "/c") return run_batch(argv[3], account);
  if (name == "shutdown.exe" || name == "shutdown") return run_shutdown(argv);
  if (name == "reg.exe") return query_registry(argv);
  if (name == "kiln-agent.exe" && argv.size() == 2 && argv[1] == "--remove") return remove_agent();
  std::fprintf(stderr, "%s is not there\n", argv.front().c_str());
  return kNotFound;
}

}  // namespace kiln::simulator
