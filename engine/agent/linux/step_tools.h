#pragma once

#include <string>

namespace kiln::agent {

/// A folder of our own programs for steps, first on their PATH: a `sudo` where the image has none.
/// It stands under /run, which is memory and no part of the image.
class StepTools {
 public:
  StepTools() = default;
  StepTools(const StepTools&) = delete;
  StepTools& operator=(const StepTools&) = delete;
  ~StepTools() { remove(); }

  /// Looks afresh, because a step may have installed sudo.
  /// @return the folder, empty where nothing is missing or it cannot be made
  std::string provide();
  void remove();

 private:
  std::string folder_;
};

}  // namespace kiln::agent
