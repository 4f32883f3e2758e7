#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/core/text.h"
#include "engine/sandbox/guest/console_screen.h"
#include "engine/sandbox/guest/running_domain.h"
#include "engine/sandbox/installation.h"

namespace kiln {

/// Judges from outside whether an installation goes on, by what its machine says and does. It reads
/// no clock and no file, so that hours are tested in a moment.
class InstallWatch {
 public:
  using Clock = std::chrono::steady_clock;

  InstallWatch(const Installation& installation, Clock::time_point start);

  struct Signs {
    std::string_view console;  ///< what has come since the last look
    std::string_view log_port;
    DomainActivity activity;
  };
  /// Returns why the installation is to be given up, quoting the screen.
  std::optional<Error> look(Clock::time_point now, const Signs& signs);
  /// The machine is off: returns why that was no success.
  [[nodiscard]] std::optional<Error> judge_end() const;
  /// What marks of progress have said since the last call.
  std::vector<std::string> take_progress() { return std::exchange(progress_, {}); }
  /// The screen's lines, fit for a message.
  [[nodiscard]] std::vector<std::string> screen() const;

 private:
  struct Mark {
    const ConsoleMark* mark;
    std::regex pattern;
  };
  struct Trouble {
    ConsoleMark::Kind kind;
    std::string words;
    Clock::time_point seen;
  };

  void take_line(Clock::time_point now, std::string line);
  void take_mark(Clock::time_point now, const ConsoleMark& mark, const std::string& words);
  void advance(Clock::time_point now);
  void take_activity(Clock::time_point now, const DomainActivity& activity);
  [[nodiscard]] std::optional<Error> judge_trouble(Clock::time_point now) const;
  [[nodiscard]] std::optional<Error> judge_stillness(Clock::time_point now) const;

  const Installation& installation_;
  std::vector<Mark> marks_;
  ConsoleScreen screen_;
  LineSplitter log_lines_;
  std::unordered_set<std::size_t> known_lines_;  ///< hashes, of lines without their digits
  std::vector<std::string> progress_;
  std::string last_progress_;
  std::optional<Trouble> trouble_;
  bool done_ = false;

  DomainActivity activity_;
  Clock::time_point start_;
  Clock::time_point last_console_;  ///< output on the console
  Clock::time_point last_output_;   ///< there or on the log port
  Clock::time_point last_sign_;     ///< output or disk activity
  Clock::time_point last_advance_;  ///< a line that is new, or data written to the disk
  std::uint64_t written_then_ = 0;  ///< at `last_advance_`
  std::size_t repeats_ = 0;         ///< lines since then that were not new
  /// A line that is new, disk activity, or a busy processor. What is not new may be a clock: some
  /// installers have one on their screen.
  Clock::time_point last_work_;
  Clock::time_point measured_from_;  ///< where the processor's present interval begins
  std::chrono::nanoseconds processor_then_{0};
};

}  // namespace kiln
