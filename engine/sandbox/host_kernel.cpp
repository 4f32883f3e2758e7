#include "engine/sandbox/host_kernel.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace kiln {
namespace {

constexpr std::string_view kPrefix = "vmlinuz-";

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::string_view take_number(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  auto number = text.substr(0, length);
  text.remove_prefix(length);
  while (number.size() > 1 && number.front() == '0') number.remove_prefix(1);
  return number;
}

}  // namespace

bool version_less(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const auto left = take_number(a);
      const auto right = take_number(b);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else {
      if (a.front() != b.front()) return a.front() < b.front();
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.empty() && !b.empty();
}

Result<std::filesystem::path> find_host_kernel(const HostPaths& host) {
  std::vector<std::string> versions;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(host.boot_folder, error), end;
       !error && entry != end;
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (name.substr(0, kPrefix.size()) != kPrefix) continue;
    const auto version = name.substr(kPrefix.size());
    std::error_code ignored;
    if (std::filesystem::is_directory(host.modules_folder / version, ignored)) {
      versions.push_back(version);
    }
  }
  if (versions.empty()) {
    return fail(ErrorKind::kHostNotReady,
                "Host:NoKernel",
                "no kernel with its modules is installed in {}, and sandboxes boot with the host's",
                host.boot_folder.string())
        .cure("run `sudo apt-get install linux-image-amd64`");
  }
  std::sort(versions.begin(), versions.end(), version_less);
  std::reverse(versions.begin(), versions.end());
  for (const auto& version : versions) {
    auto kernel = host.boot_folder / (std::string(kPrefix) + version);
    if (::access(kernel.c_str(), R_OK) == 0) return kernel;
  }
  const auto newest = host.boot_folder / (std::string(kPrefix) + versions.front());
  return fail(ErrorKind::kHostNotReady,
              "Host:KernelUnreadable",
              "{} is not readable for this user, and sandboxes boot with it",
              newest.string())
      .cure(fmt::format("run `sudo dpkg-statoverride --update --add root root 0644 {}`",
                        newest.string()));
}

}  // namespace kiln
