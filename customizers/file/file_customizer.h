#pragma once

#include <memory>

#include "customizers/customizer.h"

namespace kiln {

/// `File`: puts one file into the guest.
Result<std::unique_ptr<Customizer>> parse_file_customizer(const JsonReader& body);

}  // namespace kiln
