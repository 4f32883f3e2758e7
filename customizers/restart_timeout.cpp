#include "customizers/restart_timeout.h"

#include <charconv>

#include "engine/core/text.h"

namespace kiln {
namespace {

/// `90s`, `5m`, `1h30m`; nothing where it is none of that kind or overflows.
std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  constexpr std::int64_t kLongest = 366LL * 24 * 3600;
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    std::int64_t amount = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (parsed.ec != std::errc() || amount < 0 || amount > kLongest) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (text.empty()) return std::nullopt;
    const auto scale = text.front() == 's' ? 1 : text.front() == 'm' ? 60 : 3600;
    if (scale == 3600 && text.front() != 'h') return std::nullopt;
    text.remove_prefix(1);
    total += amount * scale;
    if (total > kLongest) return std::nullopt;
  }
  return std::chrono::seconds(total);
}

}  // namespace

Result<std::chrono::seconds> read_restart_timeout(const Record& record,
                                                  std::chrono::seconds otherwise) {
  const auto text = record.text("restartTimeout");
  if (text.empty()) return otherwise;
  const auto timeout = parse_duration(text);
  if (timeout && timeout->count() > 0) return *timeout;
  return record.at("restartTimeout")
      .error(fmt::format("{}:BadTimeout", record.type().name),
             fmt::format("\"{}\" is not a length of time", printable(text, 40)))
      .expecting("a number and a unit: s, m or h")
      .cure("write a number and a unit, e.g. 5m or 1h");
}

}  // namespace kiln
