#pragma once

#include "engine/installers/installer.h"

namespace kiln {

extern const InstallerEntry kUbuntuInstaller;

}  // namespace kiln
