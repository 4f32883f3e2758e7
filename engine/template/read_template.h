#pragma once

#include <string_view>

#include "engine/template/image_template.h"

namespace kiln {

/// Reads a resource body whose expressions have been resolved. Everything that is wrong with the
/// envelope is in `found` of what is returned, after what was found before; the items are there as
/// far as they could be reached, so that their own errors can be told in the same breath.
/// @param deployed the resource is part of a deployment template
ImageTemplate read_template(const JsonReader& resource,
                            std::string_view document_name,
                            bool deployed,
                            Diagnostics already_found = {});

}  // namespace kiln
