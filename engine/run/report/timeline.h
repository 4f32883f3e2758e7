#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

/// What format_time wrote; nothing where the text is something else.
std::optional<std::chrono::system_clock::time_point> read_time(const std::string& text);

/// Something in a run that took time.
struct Span {
  std::string name;  ///< `customize`, `Shell: motd`, `micro-appliance launched`
  std::string kind;  ///< phase, guest, vm, disk, network, wait
  std::string outcome;
  std::chrono::milliseconds start{0};  ///< since the run began
  std::chrono::milliseconds length{0};
  int depth = 0;  ///< 0: a phase, 1: a step, 2: within one
};

/// Where a run's time went, in the order in which its spans began, what holds others first.
struct Timeline {
  std::vector<Span> spans;
  std::chrono::milliseconds length{0};

  /// What was done, by kind; kinds that overlap count both.
  [[nodiscard]] std::map<std::string, std::chrono::milliseconds> by_kind() const;
};

/// Reads a run's events; lines that are none, as a kill may leave, are passed over.
Result<Timeline> read_timeline(const std::filesystem::path& run_folder);

/// For a terminal: a line each, with a bar.
std::string describe_timeline(const Timeline& timeline);

}  // namespace kiln
