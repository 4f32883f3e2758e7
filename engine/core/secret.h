#pragma once

#include <string>

namespace kiln {

/// A credential. It has no operator<< and no formatter: code that needs the value has to say
/// `reveal`, which is easy to find and review.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace kiln
