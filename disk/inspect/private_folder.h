#pragma once

#include <string>

namespace kiln {

/// A path that no image has, and that cannot be guessed by what runs in one: for what must stand in
/// an image for a while.
std::string private_folder_name();

}  // namespace kiln
