#pragma once

#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/core/event.h"

namespace kiln {

/// The step list for a person, on standard error. On a terminal the last line lives: what is going
/// on, for how long, how far; of steps at the same time the one that was heard of last. Elsewhere
/// only whole lines are written, progress every ten seconds.
class TextRenderer : public EventSink {
 public:
  explicit TextRenderer(bool is_terminal);
  ~TextRenderer() override;
  void emit(const Event& event) noexcept override;

 private:
  struct Activity {
    std::string title;
    std::string progress;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  };
  void line(const std::string& text);
  void finished(const Event& event);
  void show_progress(const Event& event);
  void draw_status();
  void clear_status();
  [[nodiscard]] std::string mark(const std::string& outcome) const;

  bool is_terminal_;
  std::mutex mutex_;
  std::map<std::string, Activity> activities_;  ///< by step, the phase's under an empty name
  std::string latest_;                          ///< the one that the status line is about
  bool status_shown_ = false;
  std::chrono::steady_clock::time_point last_progress_line_ = std::chrono::steady_clock::now();
  std::jthread ticker_;
};

}  // namespace kiln
