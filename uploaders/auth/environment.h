#pragma once

#include <optional>
#include <string>

namespace kiln {

/// Where credentials are looked up by name; an interface so that tests need not change their own
/// process's environment.
class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  virtual ~Environment() = default;
  /// Nothing where the variable is unset or empty.
  [[nodiscard]] virtual std::optional<std::string> get(const std::string& name) const = 0;
};

const Environment& process_environment();

}  // namespace kiln
