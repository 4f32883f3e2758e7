#include "uploaders/delivery_progress.h"

#include <fmt/format.h>

namespace kiln {

void DeliveryProgress::update(std::uint64_t done,
                              std::uint64_t total,
                              std::map<std::string, std::string> fields) {
  constexpr std::chrono::milliseconds kApart(200);
  const auto now = std::chrono::steady_clock::now();
  if (total == 0 || done <= told_ || (now < next_ && done < total)) return;
  told_ = done;
  next_ = now + kApart;
  const auto percent =
      static_cast<unsigned>(100.0 * static_cast<double>(done) / static_cast<double>(total));
  Event event;
  event.type = EventType::kProgress;
  event.step_id = step_id_;
  event.message = fmt::format("{}: {} %", activity_, percent);
  event.progress = Progress{done, total, "bytes"};
  event.fields = std::move(fields);
  event.fields["percent"] = std::to_string(percent);
  events_.emit(event);
}

}  // namespace kiln
