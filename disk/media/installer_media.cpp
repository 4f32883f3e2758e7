#include "disk/media/installer_media.h"

#include <algorithm>
#include <array>
#include <set>

#include "disk/media/families.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// A disc of Ubuntu has Debian's metadata and others too, and SUSE's has .treeinfo as Red Hat's
/// has, so the more particular come first.
constexpr std::array kFamilies = {
    recognize_windows, recognize_debian, recognize_suse, recognize_red_hat};

/// The beginning of a package's file name, up to its version: `cloud-init_22.4.2-1_all.deb`,
/// `cloud-init-23.4-7.el9.noarch.rpm`.
std::string package_name(std::string_view path) {
  const auto file = path.substr(path.rfind('/') + 1);
  if (file.ends_with(".deb") || file.ends_with(".udeb")) {
    return std::string(file.substr(0, file.find('_')));
  }
  if (!file.ends_with(".rpm")) return {};
  // name-version-release.architecture.rpm
  const auto release = file.rfind('-');
  if (release == std::string_view::npos || release == 0) return {};
  const auto version = file.rfind('-', release - 1);
  return version == std::string_view::npos ? std::string() : std::string(file.substr(0, version));
}

std::vector<std::string> find_packages(const MediaFiles& files) {
  const std::set<std::string_view> wanted(azure_packages().begin(), azure_packages().end());
  std::set<std::string> found;
  for (const auto& [path, file] : files) {
    auto name = package_name(path);
    if (wanted.contains(name)) found.insert(std::move(name));
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> find_repositories(const MediaFiles& files) {
  constexpr std::string_view kMetadata = "repodata/repomd.xml";
  std::vector<std::string> folders;
  for (const auto& [path, file] : files) {
    if (!path.ends_with(kMetadata)) continue;
    const auto folder = std::string_view(path).substr(0, path.size() - kMetadata.size());
    if (!folder.empty() && folder.back() != '/') continue;
    folders.emplace_back(folder.substr(0, folder.empty() ? 0 : folder.size() - 1));
  }
  return folders;
}

}  // namespace

std::string_view to_string(InstallerFamily family) {
  switch (family) {
    case InstallerFamily::kDebian:
      return "debian";
    case InstallerFamily::kUbuntu:
      return "ubuntu";
    case InstallerFamily::kRedHat:
      return "redhat";
    case InstallerFamily::kSuse:
      return "suse";
    case InstallerFamily::kWindows:
      return "windows";
    case InstallerFamily::kUnknown:
      break;
  }
  return "unknown";
}

std::string InstallerMedia::title() const {
  if (product.empty()) return label.empty() ? image.filename().string() : label;
  return version.empty() ? product : product + " " + version;
}

bool InstallerMedia::has_package(std::string_view name) const {
  return std::find(packages.begin(), packages.end(), name) != packages.end();
}

bool InstallerMedia::has_repository(std::string_view folder) const {
  return std::find(repositories.begin(), repositories.end(), folder) != repositories.end();
}

const std::vector<std::string_view>& azure_packages() {
  static const std::vector<std::string_view> kPackages = {"chrony",
                                                          "cloud-guest-utils",
                                                          "cloud-init",
                                                          "cloud-utils-growpart",
                                                          "dhcpcd-base",
                                                          "gdisk",
                                                          "gptfdisk",
                                                          "growpart",
                                                          "hyper-v",
                                                          "hyperv-daemons",
                                                          "isc-dhcp-client",
                                                          "linux-image-cloud-amd64",
                                                          "openssh",
                                                          "openssh-server",
                                                          "python-azure-agent",
                                                          "sudo",
                                                          "waagent",
                                                          "WALinuxAgent"};
  return kPackages;
}

std::string common_architecture(std::string_view name) {
  auto lower = to_lower(name);
  if (lower == "amd64" || lower == "x86_64" || lower == "x64") return "x86_64";
  if (lower == "arm64" || lower == "aarch64") return "aarch64";
  return lower;
}

std::string media_text(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  const auto line = text.substr(0, text.find_first_of("\r\n"));
  return printable(trim(line), kLongest);
}

Result<InstallerMedia> inspect_media(const std::filesystem::path& image) {
  InstallerMedia found;
  std::error_code error;
  found.image = std::filesystem::absolute(image, error);
  KILN_TRY_ASSIGN(const auto media, open_media(image));
  KILN_TRY_ASSIGN(found.label, media_label(image));
  found.size = std::filesystem::file_size(image, error);
  found.file_system = media->file_system();
  found.files = media->files().size();
  found.packages = find_packages(media->files());
  found.repositories = find_repositories(media->files());
  for (const auto recognize : kFamilies) {
    KILN_TRY_ASSIGN(const bool known, recognize(*media, found));
    if (known) break;
  }
  return found;
}

}  // namespace kiln
