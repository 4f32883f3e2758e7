#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agent/guest_agent.h"
#include "engine/contract/parse_item.h"
#include "engine/core/event.h"

namespace kiln {

/// A file behind a URI that a step needs; fetched and pinned by digest before any VM starts.
struct StepInput {
  std::string uri;
  std::string sha256;  ///< lower-case hex; empty where the template gives none
  std::string where;   ///< place in the template, for messages
};

/// The system that a step can run in, where it cares.
enum class StepSystem { kAny, kLinux, kWindows };

/// What a step may use while it runs.
struct StepContext {
  GuestAgent& agent;
  EventSink& events;  ///< output lines are emitted as kStepOutput with this phase and step_id
  std::string phase;
  std::string step_id;
  std::map<std::string, std::filesystem::path> inputs;  ///< by URI
  std::optional<std::chrono::milliseconds> time_limit;
  CancelToken cancel;
  /// Restarts the image's own system, within a limit; empty where none runs.
  std::function<Result<void>(std::chrono::milliseconds)> restart = {};
  /// Waits until the image's own system, which a step has told to restart, has gone down and its
  /// agent is back, within a limit; empty where none runs.
  std::function<Result<void>(std::chrono::milliseconds)> await_restart = {};
  StepSystem image_system = StepSystem::kLinux;
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
  [[nodiscard]] virtual StepSystem system() const { return StepSystem::kAny; }
  /// Why it can only run where the image's own system is booted; empty where it need not be.
  [[nodiscard]] virtual std::string_view needs_boot() const { return {}; }
  virtual Result<void> run(const StepContext& context) const = 0;
};

struct CustomizerEntry {
  const RecordType* type;
  Result<std::unique_ptr<Customizer>> (*parse)(const Record& record,
                                               const ContractContext& context);
  /// The first api-version that takes it as an in-VM validation too; nothing where none does.
  std::optional<ApiVersion> validates_since;
};

/// All customizer types; parser, help and "did you mean" read this one table.
std::span<const CustomizerEntry> customizer_registry();

/// Finds the entry for `body`'s type and parses it; errors go to `context.found`.
ParsedItem<Customizer> parse_customizer(const JsonReader& body, const ContractContext& context);
/// The same for a member of `inVMValidations`, which takes fewer types.
ParsedItem<Customizer> parse_validator(const JsonReader& body, const ContractContext& context);
/// A customizer of the newest api-version, or its first error.
Result<std::unique_ptr<Customizer>> parse_customizer(const JsonReader& body);

}  // namespace kiln
