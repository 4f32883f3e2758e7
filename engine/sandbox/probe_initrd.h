#pragma once

#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace kiln {

/// An initramfs (cpio, newc format) whose only file is `/init`.
Result<std::string> make_probe_initrd(std::string_view init);

}  // namespace kiln
