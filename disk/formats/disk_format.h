#pragma once

#include <string_view>

namespace kiln {

enum class DiskFormat { kRaw, kFixedVhd, kDynamicVhd, kVhdx, kQcow2 };

/// `raw`, `vhd-fixed`, `vhd-dynamic`, `vhdx`, `qcow2`.
std::string_view to_string(DiskFormat format);

}  // namespace kiln
