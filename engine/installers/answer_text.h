#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/installers/installer.h"

namespace kiln {

/// What Azure wants of a kernel's command line: its serial console shows the boot.
inline constexpr std::string_view kAzureKernelArguments =
    "console=tty1 console=ttyS0,115200n8 earlyprintk=ttyS0,115200";
/// And that a slow storage is waited for. Not with initramfs-tools (Debian, Ubuntu), which sleeps
/// for all of that time at every start.
inline constexpr std::string_view kDracutKernelArguments =
    "console=tty1 console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=300";

/// `text` with each `@NAME@` replaced; its first line break is dropped, so that it can begin on a
/// line of its own.
std::string fill_answers(
    std::string_view text,
    std::initializer_list<std::pair<std::string_view, std::string_view>> values);

/// Those of `wanted` that are on the disc.
std::vector<std::string> packages_on(const InstallerMedia& media,
                                     std::initializer_list<std::string_view> wanted);

/// What every Linux says on its console, and then what one family's installer says.
std::vector<ConsoleMark> linux_marks(std::vector<ConsoleMark> own);

/// The leading number of a version; 0 where there is none.
unsigned major_version(const std::string& version);

}  // namespace kiln
