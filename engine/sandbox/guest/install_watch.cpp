#include "engine/sandbox/guest/install_watch.h"

#include <algorithm>

#include "engine/core/bytes.h"

namespace kiln {
namespace {

using Clock = InstallWatch::Clock;

/// After a mark of failure: for the rest of what the installer has to say.
constexpr auto kLastWords = std::chrono::seconds(3);
constexpr auto kLongestLastWords = std::chrono::seconds(20);
/// How long a console is still before a question on it counts as unanswered.
constexpr auto kAnswerPatience = std::chrono::seconds(10);
/// Below this the disk does not advance: journals and time stamps are written by the idlest system.
constexpr std::uint64_t kAdvance = kMiB;
/// A waiting system's clock alone takes a few hundredths of an emulated processor.
constexpr double kBusy = 0.15;
/// A loop repeats itself; a clock on the screen alone does not say so much within a loop's limit.
constexpr std::size_t kRepeats = 20;
constexpr auto kMeasureFor = std::chrono::seconds(5);
/// Memory is bounded whatever the guest says.
constexpr std::size_t kMostKnownLines = 200'000;

/// The kernel's own words, whatever is installed.
const ConsoleMark& panic_mark() {
  static const ConsoleMark kMark{ConsoleMark::Kind::kFailure,
                                 "Kernel panic - not syncing: (.*)",
                                 "the installer's kernel panicked: $1"};
  return kMark;
}

Error failure(std::string_view reason, std::string message) {
  return fail(ErrorKind::kGuestFailed, fmt::format("Installer:{}", reason), "{}", message);
}

Error failed_installation(const std::string& words, std::vector<std::string> screen) {
  return failure("Failed", fmt::format("the installation failed: {}", words))
      .quoting(std::move(screen))
      .cure("the lines above are the end of what the installer's screen and its log say");
}

std::string duration_text(Clock::duration duration) {
  return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(duration));
}

}  // namespace

InstallWatch::InstallWatch(const Installation& installation, Clock::time_point start)
    : installation_(installation),
      start_(start),
      last_console_(start),
      last_output_(start),
      last_sign_(start),
      last_advance_(start),
      last_work_(start),
      measured_from_(start) {
  const auto add = [this](const ConsoleMark& mark) {
    marks_.push_back({&mark, std::regex(mark.pattern, std::regex::optimize)});
  };
  add(panic_mark());
  for (const auto& mark : installation.marks) add(mark);
}

std::optional<Error> InstallWatch::look(Clock::time_point now, const Signs& signs) {
  if (!signs.console.empty()) last_console_ = now;
  if (!signs.console.empty() || !signs.log_port.empty()) last_output_ = last_sign_ = now;
  for (auto& line : screen_.feed(signs.console)) take_line(now, std::move(line));
  log_lines_.feed(signs.log_port, [&](std::string_view line) {
    take_line(now, printable(trim(line), kMarkedLine));
  });
  take_activity(now, signs.activity);
  if (auto error = judge_trouble(now)) return error;
  return judge_stillness(now);
}

void InstallWatch::take_line(Clock::time_point now, std::string line) {
  for (const auto& [mark, pattern] : marks_) {
    std::smatch match;
    if (!std::regex_search(line, match, pattern)) continue;
    take_mark(now, *mark, match.format(mark->words));
    break;
  }
  std::erase_if(line, [](char c) { return c >= '0' && c <= '9'; });
  const bool full = known_lines_.size() >= kMostKnownLines;
  if (full || known_lines_.insert(std::hash<std::string>()(line)).second) {
    last_work_ = now;
    advance(now);
  } else {
    ++repeats_;
  }
}

void InstallWatch::advance(Clock::time_point now) {
  last_advance_ = now;
  written_then_ = activity_.bytes_written;
  repeats_ = 0;
}

void InstallWatch::take_mark(Clock::time_point now,
                             const ConsoleMark& mark,
                             const std::string& words) {
  switch (mark.kind) {
    case ConsoleMark::Kind::kProgress:
      // Whoever asked has got an answer.
      if (trouble_ && trouble_->kind == ConsoleMark::Kind::kQuestion) trouble_.reset();
      if (words != last_progress_) progress_.push_back(last_progress_ = words);
      break;
    case ConsoleMark::Kind::kQuestion:
    case ConsoleMark::Kind::kFailure:
      // The first failure is the cause of the others.
      if (!trouble_ || trouble_->kind == ConsoleMark::Kind::kQuestion) {
        trouble_ = Trouble{mark.kind, words, now};
      }
      break;
    case ConsoleMark::Kind::kDone:
      done_ = true;
      break;
  }
}

void InstallWatch::take_activity(Clock::time_point now, const DomainActivity& activity) {
  const bool moved = activity.bytes_read != activity_.bytes_read ||
                     activity.bytes_written != activity_.bytes_written;
  activity_ = activity;
  if (moved) last_sign_ = last_work_ = now;
  if (activity.bytes_written >= written_then_ + kAdvance) advance(now);
  const auto measured = now - measured_from_;
  if (measured < kMeasureFor) return;
  const auto busy = std::chrono::duration<double>(activity.processor - processor_then_) / measured;
  if (busy > kBusy) last_work_ = now;
  measured_from_ = now;
  processor_then_ = activity.processor;
}

std::optional<Error> InstallWatch::judge_trouble(Clock::time_point now) const {
  if (!trouble_) return std::nullopt;
  if (trouble_->kind == ConsoleMark::Kind::kQuestion) {
    if (now - last_console_ < kAnswerPatience) return std::nullopt;
    return failure("Question",
                   fmt::format("the installer asks a question and waits for an answer: {}",
                               trouble_->words))
        .quoting(screen())
        .cure("the lines above are the screen's: let the answers say what it asks for");
  }
  const bool still_talks = now - last_output_ < kLastWords;
  if (still_talks && now - trouble_->seen < kLongestLastWords) return std::nullopt;
  return failed_installation(trouble_->words, screen());
}

std::optional<Error> InstallWatch::judge_stillness(Clock::time_point now) const {
  const auto& limits = installation_;
  if (now - start_ >= limits.time_limit) {
    return fail(ErrorKind::kTimeout,
                "Installer:Timeout",
                "the installation has not ended within {}",
                duration_text(limits.time_limit))
        .quoting(screen())
        .cure("give it a longer time limit, if the lines above show that it went on");
  }
  if (now - last_work_ >= limits.idle_limit) {
    return failure(
               "Idle",
               fmt::format("the installer does nothing: for {} it has said nothing new and used "
                           "no disk, and its processor was idle",
                           duration_text(limits.idle_limit)))
        .quoting(screen())
        .cure(
            "the lines above are the screen's: it waits for an answer, or for what does not come");
  }
  if (now - last_sign_ >= limits.silence_limit) {
    return failure("Silent",
                   fmt::format("the installer is busy with nothing that is to be seen: for {} no "
                               "output and no disk activity",
                               duration_text(limits.silence_limit)))
        .quoting(screen())
        .cure("it hangs where the screen's lines above end");
  }
  if (repeats_ >= kRepeats && now - last_advance_ >= limits.loop_limit) {
    return failure("Loop",
                   fmt::format("the installer goes round in a circle: for {} it has said nothing "
                               "new and written nothing",
                               duration_text(limits.loop_limit)))
        .quoting(screen())
        .cure("find in the screen's lines above what it tries again and again");
  }
  return std::nullopt;
}

std::optional<Error> InstallWatch::judge_end() const {
  const auto is_done_mark = [](const Mark& each) {
    return each.mark->kind == ConsoleMark::Kind::kDone;
  };
  const bool has_done_mark = std::any_of(marks_.begin(), marks_.end(), is_done_mark);
  if (trouble_ && trouble_->kind == ConsoleMark::Kind::kFailure && !done_) {
    return failed_installation(trouble_->words, screen());
  }
  if (done_ || !has_done_mark) return std::nullopt;
  return failure("EndedEarly", "the machine went off before the installer said that it was done")
      .quoting(screen())
      .cure("find out in the screen's lines above why it ended");
}

std::vector<std::string> InstallWatch::screen() const {
  auto lines = screen_.rows();
  for (auto& line : lines) line = printable(line);
  return lines;
}

}  // namespace kiln
