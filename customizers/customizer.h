#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agent/guest_agent.h"
#include "engine/core/event.h"
#include "engine/core/json.h"

namespace kiln {

/// A file behind a URI that a step needs; fetched and pinned by digest before any VM starts.
struct StepInput {
  std::string uri;
  std::string sha256;  ///< lower-case hex; empty where the template gives none
  std::string where;   ///< place in the template, for messages
};

/// What a step may use while it runs.
struct StepContext {
  GuestAgent& agent;
  EventSink& events;  ///< output lines are emitted as kStepOutput with this phase and step_id
  std::string phase;
  std::string step_id;
  std::map<std::string, std::filesystem::path> inputs;  ///< by URI
  std::optional<std::chrono::milliseconds> time_limit;
  CancelToken cancel;
};

/// One step of a template: parsed, describable, runnable. Immutable; `run` may be called once per
/// build.
class Customizer {
 public:
  virtual ~Customizer() = default;
  [[nodiscard]] virtual std::string_view type() const = 0;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// One line for `plan` and the step list, e.g. `3 inline lines`.
  [[nodiscard]] virtual std::string describe() const = 0;
  [[nodiscard]] virtual std::vector<StepInput> inputs() const { return {}; }
  virtual Result<void> run(const StepContext& context) const = 0;
};

struct CustomizerEntry {
  std::string_view type;  ///< the template's `type`, case-sensitive
  std::string_view help;  ///< one line
  Result<std::unique_ptr<Customizer>> (*parse)(const JsonReader& body);
};

/// All customizer types; parser, help and "did you mean" read this one table.
std::span<const CustomizerEntry> customizer_registry();

/// Finds the entry for `body`'s type and parses it.
Result<std::unique_ptr<Customizer>> parse_customizer(const JsonReader& body);

}  // namespace kiln
