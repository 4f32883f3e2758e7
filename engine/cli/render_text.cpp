#include "engine/cli/render_text.h"

#include <condition_variable>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/core/text.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTick = std::chrono::milliseconds(200);
constexpr auto kProgressLineEvery = std::chrono::seconds(10);
constexpr std::size_t kTitleWidth = 46;
constexpr std::size_t kTabWidth = 4;

std::string field(const Event& event, const char* name) {
  const auto found = event.fields.find(name);
  return found == event.fields.end() ? std::string() : found->second;
}

/// `, 56.0 MiB/s, 40.0 s left`, as far as the event tells.
std::string describe_speed(const Event& event) {
  std::string text;
  if (const auto speed = field(event, "bytesPerSecond"); !speed.empty()) {
    text += fmt::format(", {}/s", format_bytes(std::stoull("0" + speed)));
  }
  if (const auto left = field(event, "secondsLeft"); !left.empty()) {
    text += fmt::format(", {} left", format_duration(std::chrono::seconds(std::stoll("0" + left))));
  }
  return text;
}

std::string describe_progress(const Progress& progress) {
  const bool bytes = progress.unit == "bytes";
  const auto amount = [&](std::uint64_t value) {
    return bytes ? format_bytes(value) : fmt::format("{} {}", value, progress.unit);
  };
  if (progress.total == 0) return amount(progress.done);
  return fmt::format("{} of {} ({}%)",
                     amount(progress.done),
                     amount(progress.total),
                     progress.done * 100 / progress.total);
}

/// A guest's line fit for a terminal, whole, with tabs as a terminal without them would show.
std::string printable_line(std::string_view line) {
  std::string spaced;
  for (const char c : line) spaced += c == '\t' ? std::string(kTabWidth, ' ') : std::string(1, c);
  return printable(spaced, LineSplitter::kMaxLine * kTabWidth);
}

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

TextRenderer::TextRenderer(bool is_terminal) : is_terminal_(is_terminal) {
  if (!is_terminal_) return;
  ticker_ = std::jthread([this](const std::stop_token& stop) {
    std::condition_variable_any condition;
    std::unique_lock lock(mutex_);
    while (!condition.wait_for(lock, stop, kTick, [&] { return stop.stop_requested(); })) {
      draw_status();
    }
  });
}

TextRenderer::~TextRenderer() {
  if (ticker_.joinable()) {
    ticker_.request_stop();
    ticker_.join();
  }
  clear_status();
}

void TextRenderer::clear_status() {
  if (status_shown_) std::fputs("\r\x1b[K", stderr);
  status_shown_ = false;
}

void TextRenderer::draw_status() {
  const auto shown = activities_.find(latest_);
  if (shown == activities_.end()) return;
  const auto& [title, progress, start] = shown->second;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  auto text = fmt::format("  • {}  {}  {}", title, format_duration(elapsed), progress);
  if (text.size() > terminal_width()) text.resize(terminal_width());
  fmt::print(stderr, "\r\x1b[K{}", text);
  std::fflush(stderr);
  status_shown_ = true;
}

void TextRenderer::line(const std::string& text) {
  clear_status();
  fmt::print(stderr, "{}\n", text);
}

std::string TextRenderer::mark(const std::string& outcome) const {
  if (outcome == "succeeded") return is_terminal_ ? "\x1b[32m\u2713\x1b[0m" : "ok";
  if (outcome == "skipped") return "-";
  return is_terminal_ ? "\x1b[31m\u2717\x1b[0m" : outcome;
}

void TextRenderer::finished(const Event& event) {
  const auto milliseconds =
      std::chrono::milliseconds(std::stoll("0" + field(event, "milliseconds")));
  const bool phase = event.step_id.empty();
  line(fmt::format("{}{} {:<{}} {:>9}",
                   phase ? "" : "  ",
                   mark(field(event, "outcome")),
                   printable(event.message),
                   phase ? kTitleWidth + 2 : kTitleWidth,
                   format_duration(milliseconds)));
  activities_.erase(event.step_id);
  if (latest_ == event.step_id && !activities_.empty()) latest_ = activities_.rbegin()->first;
}

void TextRenderer::show_progress(const Event& event) {
  if (!event.progress) return;
  auto& activity = activities_[event.step_id];
  // A command that has no steps, such as `image convert`.
  if (activity.title.empty()) activity.title = printable(event.message);
  activity.progress = describe_progress(*event.progress) + describe_speed(event);
  latest_ = event.step_id;
  const auto now = Clock::now();
  if (!is_terminal_ && now - last_progress_line_ > kProgressLineEvery) {
    last_progress_line_ = now;
    line(fmt::format("    {} {}", printable(event.message), activity.progress));
  }
}

void TextRenderer::emit(const Event& event) noexcept {
  const std::lock_guard lock(mutex_);
  switch (event.type) {
    case EventType::kBuildStarted:
      line(fmt::format("Building {} as run {}", event.message, field(event, "run")));
      break;
    case EventType::kBuildFinished:
      line(fmt::format("Build {}", event.message));
      break;
    case EventType::kPhaseStarted:
    case EventType::kStepStarted:
      activities_[event.step_id] = {printable(event.message), ""};
      latest_ = event.step_id;
      last_progress_line_ = Clock::now();
      if (!is_terminal_ && event.type == EventType::kStepStarted) {
        line("  .. " + printable(event.message));
      }
      break;
    case EventType::kPhaseFinished:
    case EventType::kStepFinished:
      finished(event);
      break;
    case EventType::kStepOutput:
      line(fmt::format("    {} {}",
                       field(event, "stream") == "stderr" ? "!" : "|",
                       printable_line(event.message)));
      break;
    case EventType::kProgress:
      show_progress(event);
      break;
    case EventType::kNotice:
      line("    " + printable(event.message));
      break;
    case EventType::kWarning:
      line("    warning: " + printable(event.message));
      break;
    case EventType::kArtifact:
      line("    delivered " + printable(event.message));
      break;
  }
  if (is_terminal_) draw_status();
}

}  // namespace kiln
