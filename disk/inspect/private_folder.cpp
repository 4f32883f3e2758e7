#include "disk/inspect/private_folder.h"

#include <random>

#include <fmt/format.h>

namespace kiln {

std::string private_folder_name() {
  std::random_device random;
  return fmt::format("/.kiln-agent-{:08x}{:08x}", random(), random());
}

}  // namespace kiln
