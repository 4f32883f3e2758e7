#pragma once

#include <csignal>
#include <filesystem>
#include <memory>

#include "tests/engine/agent/wine.h"

namespace kiln::test {

/// The one Wine of this program, with the agent and the step program in `C:\kiln`; null where it
/// did not start.
inline Wine* wine() {
  static const auto made = [] {
    ::signal(SIGPIPE, SIG_IGN);  // of the bridge
    auto wine = std::make_unique<Wine>();
    if (!wine->ready()) return std::unique_ptr<Wine>();
    std::filesystem::copy_file(KILN_WINDOWS_AGENT, wine->folder() / "kiln-agent.exe");
    std::filesystem::copy_file(KILN_WINDOWS_STEP, wine->folder() / "step.exe");
    return wine;
  }();
  return made.get();
}

}  // namespace kiln::test
