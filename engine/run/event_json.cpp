#include "engine/run/event_json.h"

#include "engine/core/text.h"

namespace kiln {

nlohmann::json event_to_json(const Event& event) {
  nlohmann::json json = {
      {"seq", event.seq}, {"time", format_time(event.time)}, {"type", to_string(event.type)}};
  if (!event.phase.empty()) json["phase"] = event.phase;
  if (!event.step_id.empty()) json["stepId"] = event.step_id;
  if (!event.message.empty()) json["message"] = event.message;
  if (event.progress) {
    json["progress"] = {{"done", event.progress->done},
                        {"total", event.progress->total},
                        {"unit", event.progress->unit}};
  }
  if (!event.fields.empty()) json["fields"] = event.fields;
  return json;
}

}  // namespace kiln
