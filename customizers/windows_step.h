#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "customizers/customizer.h"

namespace kiln {

/// What steps share that need Windows: read and planned in full, while this version of Kiln has no
/// sandbox that they could run in.
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
  Result<void> run(const StepContext& /*context*/) const override {
    return windows_blocker(type_, where_);
  }

  /// Why a step cannot run yet.
  static Error windows_blocker(std::string_view type, const std::string& where);

 private:
  std::string_view type_;
  std::string name_;
  std::string where_;
};

}  // namespace kiln
