#include "engine/sandbox/sandbox.h"

#include <algorithm>
#include <thread>

namespace kiln {

unsigned vcpus_to_mount(const SandboxOptions& options) {
  return options.vcpus.value_or(1);
}

unsigned vcpus_to_boot(const SandboxOptions& options) {
  return options.vcpus.value_or(std::clamp(std::thread::hardware_concurrency(), 1U, 2U));
}

std::vector<std::string> destination_names(const SandboxOptions& options) {
  std::vector<std::string> names;
  for (const auto& each : options.destinations) names.push_back(to_string(each));
  return names;
}

std::string drive_of_medium(std::size_t number) {
  return fmt::format("kiln-media-{}", number);
}

}  // namespace kiln
