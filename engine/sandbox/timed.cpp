#include "engine/sandbox/timed.h"

#include <fmt/format.h>

#include "engine/core/text.h"

namespace kiln {
namespace {

const char* to_string(TimedKind kind) {
  switch (kind) {
    case TimedKind::kVm:
      return "vm";
    case TimedKind::kDisk:
      return "disk";
    case TimedKind::kNetwork:
      return "network";
  }
  return "";
}

}  // namespace

void tell_time(EventSink& events,
               TimedKind kind,
               const std::string& what,
               std::chrono::steady_clock::time_point since,
               const std::string& after) {
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - since);
  Event event;
  event.type = EventType::kNotice;
  event.message = fmt::format("{} in {}{}", what, format_duration(took), after);
  event.fields = {
      {"kind", to_string(kind)}, {"what", what}, {"milliseconds", std::to_string(took.count())}};
  events.emit(event);
}

}  // namespace kiln
