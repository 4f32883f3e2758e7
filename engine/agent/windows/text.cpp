#include "engine/agent/windows/text.h"

#include <algorithm>

namespace kiln::agent {
std::wstring wide(std::string_view utf8) {
  const auto size = static_cast<int>(utf8.size());
  std::wstring text(
      static_cast<std::size_t>(::MultiByteToWideChar(CP_UTF8, 0, utf8.data(), size, nullptr, 0)),
      L'\0');
  ::MultiByteToWideChar(CP_UTF8, 0, utf8.data(), size, text.data(), static_cast<int>(text.size()));
  return text;
}

std::string narrow(std::wstring_view text) {
  const auto size = static_cast<int>(text.size());
  std::string utf8(static_cast<std::size_t>(::WideCharToMultiByte(
                       CP_UTF8, 0, text.data(), size, nullptr, 0, nullptr, nullptr)),
                   '\0');
  ::WideCharToMultiByte(
      CP_UTF8, 0, text.data(), size, utf8.data(), static_cast<int>(utf8.size()), nullptr, nullptr);
  return utf8;
}

std::optional<std::wstring> windows_path(std::string_view path) {
  constexpr std::size_t kPrefix = 4;  // "/C:/"
  if (path.size() < kPrefix || path[0] != '/' || path[2] != ':' || path[3] != '/') {
    return std::nullopt;
  }
  const char drive = path[1];
  if ((drive < 'A' || drive > 'Z') && (drive < 'a' || drive > 'z')) return std::nullopt;
  auto text = wide(path.substr(1));
  std::replace(text.begin(), text.end(), L'/', L'\\');
  // Shorter than MAX_PATH, so that a temporary name beside it fits too.
  constexpr std::size_t kLongest = MAX_PATH - 60;
  if (text.size() < kLongest) return text;
  // What has this prefix is taken as it is, so it must have no dots to resolve.
  std::wstring full(text.size() + MAX_PATH, L'\0');
  const auto length =
      ::GetFullPathNameW(text.c_str(), static_cast<DWORD>(full.size()), full.data(), nullptr);
  if (length == 0 || length >= full.size()) return text;
  full.resize(length);
  return std::wstring(kLongPrefix) + full;
}

std::string host_path(std::wstring_view path) {
  if (path.substr(0, kLongPrefix.size()) == kLongPrefix) path.remove_prefix(kLongPrefix.size());
  auto text = "/" + narrow(path);
  std::replace(text.begin(), text.end(), '\\', '/');
  return text;
}

std::string no_windows_path(std::string_view what, std::string_view path) {
  return std::string("cannot ").append(what).append(" ").append(path).append(
      ": a path in Windows is written /C:/FOLDER/FILE");
}

std::string failure(std::string_view what, std::string_view path, DWORD error) {
  constexpr DWORD kLongest = 512;
  wchar_t reason[kLongest];
  constexpr auto kEnglish = MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US);
  constexpr DWORD kFlags =
      FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
  auto length = ::FormatMessageW(kFlags, nullptr, error, kEnglish, reason, kLongest, nullptr);
  // Other editions have their own language only.
  if (length == 0) {
    length = ::FormatMessageW(kFlags, nullptr, error, 0, reason, kLongest, nullptr);
  }
  auto text = length == 0 ? "error " + std::to_string(error) : narrow({reason, length});
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return std::string("cannot ").append(what).append(" ").append(path).append(": ").append(text);
}

ErrorCode error_code(DWORD error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
      return ErrorCode::kNotFound;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_WRITE_PROTECT:
    case ERROR_PRIVILEGE_NOT_HELD:
      return ErrorCode::kDenied;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
      return ErrorCode::kNoSpace;
    case ERROR_FILE_TOO_LARGE:
      return ErrorCode::kTooLarge;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace kiln::agent
