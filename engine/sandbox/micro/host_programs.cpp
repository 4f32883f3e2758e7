#include "engine/sandbox/micro/host_programs.h"

#include <algorithm>
#include <array>
#include <unistd.h>

#include "engine/core/text.h"

namespace kiln {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

}  // namespace

std::filesystem::path find_system_program(std::string_view name) {
  auto found = find_program(name);
  if (!found.empty()) return found;
  for (const char* folder : {"/usr/sbin", "/sbin"}) {
    auto candidate = std::filesystem::path(folder) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

Result<std::vector<std::filesystem::path>> program_files(ProcessRunner& runner,
                                                         const std::filesystem::path& program,
                                                         const CancelToken& cancel) {
  Command command;
  command.argv = {"ldd", program.string()};
  KILN_TRY_ASSIGN(const auto output, run_checked(runner, command, cancel));
  std::vector<std::filesystem::path> files = {program};
  // `libc.so.6 => /lib/libc.so.6 (0x…)`, `/lib64/ld-linux-x86-64.so.2 (0x…)`; the vDSO has no path.
  for (const auto& line : split_lines(output.out)) {
    for (const auto word : words_of(line)) {
      if (word.front() == '/') files.emplace_back(word);
    }
  }
  return files;
}

Result<std::vector<std::filesystem::path>> module_files(ProcessRunner& runner,
                                                        const std::filesystem::path& kernel,
                                                        const std::vector<std::string>& modules,
                                                        const CancelToken& cancel) {
  const auto name = kernel.filename().string();
  Command command;
  command.argv = {find_system_program("modprobe").string(),
                  "--set-version",
                  name.substr(name.find('-') + 1),
                  "--show-depends",
                  "--all"};
  command.argv.insert(command.argv.end(), modules.begin(), modules.end());
  KILN_TRY_ASSIGN(const auto output, run_checked(runner, command, cancel));
  std::vector<std::filesystem::path> files;
  for (const auto& line : split_lines(output.out)) {  // `insmod FILE OPTIONS` or `builtin NAME`
    const auto words = words_of(line);
    if (words.size() < 2 || words[0] != "insmod") continue;
    std::filesystem::path file(words[1]);
    if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  }
  return files;
}

}  // namespace kiln
