#pragma once

#include "disk/media/installer_media.h"

namespace kiln {

/// Each looks whether the disc is of its kind, and fills `found` where it is.
/// @return false where it is not; an error where its metadata cannot be read
Result<bool> recognize_debian(MediaReader& media, InstallerMedia& found);  ///< Ubuntu too
Result<bool> recognize_suse(MediaReader& media, InstallerMedia& found);
Result<bool> recognize_red_hat(MediaReader& media, InstallerMedia& found);
Result<bool> recognize_windows(MediaReader& media, InstallerMedia& found);

/// `amd64`, `x64`, `EM64T` … become `x86_64`; `arm64` becomes `aarch64`; others stay.
std::string common_architecture(std::string_view name);

/// Names on a disc may hold anything; what is told of them is one printable line.
std::string media_text(std::string_view text);

}  // namespace kiln
