#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "disk/media/media_reader.h"

namespace kiln {

/// Whose installer is on the disc, and so in which language it takes its answers.
enum class InstallerFamily { kUnknown, kDebian, kUbuntu, kRedHat, kSuse, kWindows };
/// `debian`, …; `unknown`.
std::string_view to_string(InstallerFamily family);

/// One of the images in sources/install.wim: what can be installed from the disc.
struct WindowsEdition {
  unsigned index = 0;
  std::string name;  ///< by which the installer is told, e.g. `Windows Server 2022 SERVERSTANDARD`
  std::string edition;  ///< e.g. `ServerStandard`
  std::string kind;     ///< `Server`, `Server Core` or `Client`
  std::string version;  ///< e.g. `10.0.20348`
  std::string language;
  std::string architecture;
};

/// What a disc says of itself. Text is printable, and empty where the disc does not tell.
struct InstallerMedia {
  std::filesystem::path image;
  std::string file_system;  ///< `ISO 9660` or `UDF`
  std::string label;        ///< the volume identifier
  std::uint64_t size = 0;   ///< of the image's file, in bytes
  std::size_t files = 0;

  InstallerFamily family = InstallerFamily::kUnknown;
  std::string product;       ///< e.g. `Debian GNU/Linux`
  std::string version;       ///< e.g. `12.5.0`
  std::string codename;      ///< e.g. `bookworm`
  std::string architecture;  ///< `x86_64` or `aarch64`, whatever the disc calls it
  std::string kernel;        ///< the installer's own, as paths on the disc
  std::string initrd;
  /// The disc has what is installed, so that no network is needed.
  bool complete = false;
  std::vector<WindowsEdition> editions;
  /// Names of the packages among those that images need (see `azure_packages`).
  std::vector<std::string> packages;
  std::vector<std::string> repositories;  ///< folders with RPM metadata; empty text: the root

  /// `Debian GNU/Linux 12.5.0`, or what comes nearest.
  [[nodiscard]] std::string title() const;
  [[nodiscard]] bool has_package(std::string_view name) const;
  [[nodiscard]] bool has_repository(std::string_view folder) const;
};

/// Packages of which an installation takes those that are on the disc: the agents that provision a
/// machine in Azure, what grows a disk, remote access, and what a package of theirs needs.
const std::vector<std::string_view>& azure_packages();

/// Finds out what is on the disc, by its own metadata. A disc that is of no known family gives
/// what is known of it.
Result<InstallerMedia> inspect_media(const std::filesystem::path& image);

}  // namespace kiln
