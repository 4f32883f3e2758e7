#pragma once

#include <string_view>

namespace kiln {

/// Gives files without a label in an image with SELinux those that its policy has for them, by the
/// image's own setfiles: no kernel that services a disk labels what is written. Prints what it did,
/// nothing in an image without SELinux.
std::string_view selinux_labels_script();

}  // namespace kiln
