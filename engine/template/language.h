#pragma once

#include <string_view>

#include "engine/core/error.h"

namespace kiln {

/// Says what a document that is no JSON probably is, by its file's name or by how it begins; else
/// the error as it was.
Error told_by_language(Error syntax, std::string_view document_name, std::string_view text);

}  // namespace kiln
