#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <windows.h>

#include "engine/agent/messages.h"

namespace kiln::agent {

std::wstring wide(std::string_view utf8);
std::string narrow(std::wstring_view text);

/// A path behind it is taken as it is and may be longer than MAX_PATH.
inline constexpr std::wstring_view kLongPrefix = L"\\\\?\\";

/// Paths travel as in file URLs, so they are absolute for both ends: `/C:/Windows/Temp/x` is
/// `C:\Windows\Temp\x`, and where that is long `\\?\C:\...`, which has no limit. Nothing where it
/// is not such a path.
std::optional<std::wstring> windows_path(std::string_view path);
/// The other way round.
std::string host_path(std::wstring_view path);
/// Why a path was refused: `cannot DO PATH: a path in Windows is written /C:/FOLDER/FILE`.
std::string no_windows_path(std::string_view what, std::string_view path);

/// `cannot DO PATH: The system cannot find the file specified.`
std::string failure(std::string_view what, std::string_view path, DWORD error);
ErrorCode error_code(DWORD error);

}  // namespace kiln::agent
