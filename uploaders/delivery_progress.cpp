#include "uploaders/delivery_progress.h"

#include <algorithm>

#include <fmt/format.h>

namespace kiln {

void DeliveryProgress::update(std::uint64_t done,
                              std::uint64_t total,
                              std::map<std::string, std::string> fields) {
  constexpr std::uint64_t kSteps = 1000;
  if (total == 0 || done < next_) return;
  next_ = done == total ? total + 1 : std::min(done + std::max(total / kSteps, kSteps), total);
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
