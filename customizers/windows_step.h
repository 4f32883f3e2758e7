#pragma once

#include <string>
#include <string_view>

#include "customizers/customizer.h"

namespace kiln {

/// What steps share that need Windows.
class WindowsStep : public Customizer {
 public:
  explicit WindowsStep(const Record& record)
      : type_(record.type().name), name_(record.text("name")), where_(record.place().where()) {}
  [[nodiscard]] std::string_view type() const override { return type_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] StepSystem system() const override { return StepSystem::kWindows; }
  [[nodiscard]] std::string_view needs_boot() const override {
    return "it needs a Windows that runs";
  }
  Result<void> run(const StepContext& context) const final;

 protected:
  /// The step itself; `run` adds its place in the template to an error.
  [[nodiscard]] virtual Result<void> perform(const StepContext& context) const = 0;

 private:
  std::string_view type_;
  std::string name_;
  std::string where_;
};

}  // namespace kiln
