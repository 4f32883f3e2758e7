#pragma once

#include <memory>

#include "disk/sources/source.h"

namespace kiln {

Result<std::unique_ptr<Source>> parse_iso(const JsonReader& body);

}  // namespace kiln
