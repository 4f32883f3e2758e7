#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

std::vector<std::string> split_lines(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// The candidate closest to `word`, or else the only one that has its beginning in common with it
/// to the end of one of them; empty where none is close enough to be what was meant.
std::string nearest_word(std::string_view word, std::span<const std::string_view> candidates);

/// Foreign text fit for a message on a terminal: control characters and bytes that are not UTF-8
/// are shown as `\x1b`, and what is longer than `limit` bytes ends in `…`.
std::string printable(std::string_view text, std::size_t limit = 300);

/// `1.5 GiB`, `512 bytes`.
std::string format_bytes(std::uint64_t bytes);
/// `3.2 s`, `2 min 05 s`.
std::string format_duration(std::chrono::milliseconds duration);
/// RFC 3339 in UTC with milliseconds, as AIB writes times.
std::string format_time(std::chrono::system_clock::time_point time);

/// Collects a byte stream into lines; a line longer than `kMaxLine` bytes is handed on in pieces,
/// so that memory stays bounded whatever a guest prints.
class LineSplitter {
 public:
  static constexpr std::size_t kMaxLine = 16384;

  template <class Sink>
  void feed(std::string_view data, Sink&& sink) {
    while (!data.empty()) {
      const auto end = data.find('\n');
      auto piece = data.substr(0, end);
      const auto room = kMaxLine - pending_.size();
      if (piece.size() > room) {
        pending_.append(piece.substr(0, room));
        data.remove_prefix(room);
        flush(sink);
        continue;
      }
      pending_.append(piece);
      if (end == std::string_view::npos) return;
      data.remove_prefix(end + 1);
      emit(sink);
    }
  }

  /// Hands on what has no newline yet.
  template <class Sink>
  void flush(Sink&& sink) {
    if (!pending_.empty()) emit(sink);
  }

 private:
  template <class Sink>
  void emit(Sink&& sink) {
    if (!pending_.empty() && pending_.back() == '\r') pending_.pop_back();
    sink(std::string_view(pending_));
    pending_.clear();
  }
  std::string pending_;
};

}  // namespace kiln
