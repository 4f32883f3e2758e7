#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace kiln::arm {

/// A moment in UTC, in seconds since 1970.
struct Moment {
  std::int64_t seconds = 0;
};

/// ISO 8601, as `utcNow` gives it: `2020-04-07T14:53:14Z`, `20200407T145314Z`, with a blank for the
/// T, with an offset for the Z, or a date alone.
std::optional<Moment> parse_moment(std::string_view text);
/// Adds an ISO 8601 duration such as `P1Y2M10DT2H30M` or `-PT9H`; nothing where it is none, or
/// where the years 1 to 9999 would be left.
std::optional<Moment> add_duration(Moment moment, std::string_view duration);
/// .NET's date formats in the invariant culture, one-letter ones included.
Result<std::string> format_moment(Moment moment, std::string_view format);

}  // namespace kiln::arm
