#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/date_time.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

Result<Value> formatted(const Call& call, Moment moment, const std::string& format) {
  auto text = format_moment(moment, format);
  if (!text) return call.error(text.error().message());
  return made(*std::move(text));
}

Result<Moment> moment_at(const Call& call, std::size_t index) {
  KILN_TRY_ASSIGN(const auto text, call.string(index));
  if (const auto moment = parse_moment(text)) return *moment;
  return call.error(fmt::format("\"{}\" is no date of ISO 8601", printable(text, 60)));
}

Result<Value> utc_now(const Call& call) {
  if (!call.run.scope().in_default) {
    return call.error("it can be used only in the default value of a parameter");
  }
  std::string format = "yyyyMMddTHHmmssZ";
  if (call.count() > 0) {
    KILN_TRY_ASSIGN(format, call.string(0));
  }
  const auto now = call.run.scope().surroundings().now.time_since_epoch();
  return formatted(call, {std::chrono::duration_cast<std::chrono::seconds>(now).count()}, format);
}

Result<Value> date_time_add(const Call& call) {
  KILN_TRY_ASSIGN(const auto base, moment_at(call, 0));
  KILN_TRY_ASSIGN(const auto duration, call.string(1));
  // Without a format ARM shows the date so, whatever the base looked like.
  std::string format = "M/d/yyyy h:mm:ss tt";
  if (call.count() > 2) {
    KILN_TRY_ASSIGN(format, call.string(2));
  }
  const auto moment = add_duration(base, duration);
  if (moment) return formatted(call, *moment, format);
  return call.error(fmt::format("\"{}\" is no duration of ISO 8601, or leads out of the calendar",
                                printable(duration, 60)));
}

Result<Value> from_epoch(const Call& call) {
  constexpr std::int64_t kLast = 253'402'300'799;
  KILN_TRY_ASSIGN(const auto seconds, call.integer(0));
  if (seconds < -62'135'596'800 || seconds > kLast) return call.error("the date is out of range");
  return formatted(call, {seconds}, "yyyy-MM-ddTHH:mm:ssZ");
}

Result<Value> to_epoch(const Call& call) {
  KILN_TRY_ASSIGN(const auto moment, moment_at(call, 0));
  return made(moment.seconds);
}

constexpr std::array kFunctions = {
    Function{"dateTimeAdd", 2, 3, date_time_add},
    Function{"dateTimeFromEpoch", 1, 1, from_epoch},
    Function{"dateTimeToEpoch", 1, 1, to_epoch},
    Function{"utcNow", 0, 1, utc_now},
};

}  // namespace

std::span<const Function> date_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
