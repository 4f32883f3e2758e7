#pragma once

#include <string_view>

namespace kiln {

/// PowerShell programs that Kiln runs in Windows: ASCII. They are data of
/// the library, so nothing need be installed beside it.
std::string_view windows_update_script();
std::string_view windows_deprovisioning_script();
std::string_view watch_sysprep_script();

}  // namespace kiln
