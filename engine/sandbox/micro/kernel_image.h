#pragma once

#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace kiln {

/// Decompresses what libarchive knows: gzip, xz, zstd, lz4, …; what is not compressed stays as it
/// is.
/// @param limit bytes of the result; more is an error
Result<std::string> decompress(std::string_view compressed, std::uint64_t limit);

/// The kernel proper, an ELF file, out of a bzImage, as the boot protocol's setup header tells
/// where it is (the kernel's Documentation/arch/x86/boot.rst, payload_offset). qemu enters it
/// through its PVH note, and the seconds that the kernel takes to decompress itself under emulation
/// are saved.
/// @param path for messages
Result<std::string> extract_vmlinux(std::string_view bz_image, const std::string& path);

}  // namespace kiln
