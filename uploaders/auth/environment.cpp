#include "uploaders/auth/environment.h"

#include <cstdlib>

namespace kiln {
namespace {

class ProcessEnvironment : public Environment {
 public:
  [[nodiscard]] std::optional<std::string> get(const std::string& name) const override {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  }
};

}  // namespace

const Environment& process_environment() {
  static const ProcessEnvironment environment;
  return environment;
}

}  // namespace kiln
