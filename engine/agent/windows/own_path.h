#pragma once

#include <string>
#include <windows.h>

namespace kiln::agent {

/// Of this program's file.
inline std::wstring own_path() {
  std::wstring path(MAX_PATH, L'\0');
  for (;;) {
    const auto length = ::GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
    if (length < path.size()) {
      path.resize(length);
      return path;
    }
    path.resize(2 * path.size());
  }
}

}  // namespace kiln::agent
