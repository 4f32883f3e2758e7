#pragma once

#include <memory>

#include "customizers/customizer.h"

namespace kiln {

/// `Shell`: a script, inline or from a URI, run in the guest as the service runs it.
Result<std::unique_ptr<Customizer>> parse_shell(const JsonReader& body);

}  // namespace kiln
