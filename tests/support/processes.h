#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "engine/core/file.h"

namespace kiln::test {

/// Process ids whose command line holds `marker`.
inline std::vector<int> processes_with(const std::string& marker) {
  std::vector<int> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto command_line = read_file(entry.path() / "cmdline");
    if (command_line && command_line->find(marker) != std::string::npos) {
      found.push_back(std::stoi(name));
    }
  }
  return found;
}

template <class Condition>
bool wait_for(Condition&& condition, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace kiln::test
