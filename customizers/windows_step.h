#pragma once

#include <string>
#include <string_view>

#include "customizers/customizer.h"

namespace kiln {

/// What steps share that need Windows. They are complete, while this version of Kiln has no sandbox
/// that a system of Windows runs in: `blocker` says so, and goes away with the first one.
class WindowsStep : public Customizer {
 public:
  explicit WindowsStep(const Record& record)
      : type_(record.type().name), name_(record.text("name")), where_(record.place().where()) {}
  [[nodiscard]] std::string_view type() const override { return type_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] StepSystem system() const override { return StepSystem::kWindows; }
  [[nodiscard]] std::optional<Error> blocker() const override {
    return windows_blocker(type_, where_);
  }
  Result<void> run(const StepContext& context) const final;

  /// Why a step cannot run yet.
  static Error windows_blocker(std::string_view type, const std::string& where);

 protected:
  /// The step itself; `run` adds its place in the template to an error.
  [[nodiscard]] virtual Result<void> perform(const StepContext& context) const = 0;

 private:
  std::string_view type_;
  std::string name_;
  std::string where_;
};

}  // namespace kiln
