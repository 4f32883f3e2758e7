#include "engine/sandbox/micro/kernel_image.h"

#include <algorithm>

#include <archive.h>
#include <archive_entry.h>

#include "engine/core/bytes.h"
#include "engine/core/c_handle.h"

namespace kiln {
namespace {

// Offsets into the image, by the boot protocol.
constexpr std::size_t kSetupSectors = 0x1F1;   // u8
constexpr std::size_t kMagicAt = 0x202;        // "HdrS"
constexpr std::size_t kProtocolAt = 0x206;     // u16
constexpr std::size_t kPayloadOffset = 0x248;  // u32, from the protected-mode code on
constexpr std::size_t kPayloadLength = 0x24C;  // u32
constexpr std::size_t kHeaderEnd = 0x250;
constexpr std::size_t kSector = 512;
constexpr unsigned kFirstWithPayload = 0x208;
constexpr std::size_t kUsualSetupSectors = 4;  // where the field says 0

constexpr std::string_view kGzipMagic = "\x1F\x8B";
constexpr std::uint64_t kLargestKernel = 512 * kMiB;

Error not_a_kernel(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnsupported,
              "Micro:Kernel",
              "{} is no kernel that can be started directly: {}",
              path,
              why);
}

}  // namespace

Result<std::string> decompress(std::string_view compressed, std::uint64_t limit) {
  const CHandle<archive, archive_read_free> reader(archive_read_new());
  archive_entry* entry = nullptr;
  const auto failure = [&] {
    const char* reason = archive_error_string(reader.get());
    return fail(ErrorKind::kUnsupported,
                "Micro:Compression",
                "cannot decompress: {}",
                reason != nullptr ? reason : "nothing libarchive knows");
  };
  if (!reader || archive_read_support_filter_all(reader.get()) != ARCHIVE_OK ||
      archive_read_support_format_raw(reader.get()) != ARCHIVE_OK ||
      archive_read_open_memory(reader.get(), compressed.data(), compressed.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return failure();
  }
  std::string out;
  std::string piece(kMiB, '\0');
  for (;;) {
    const auto got = archive_read_data(reader.get(), piece.data(), piece.size());
    if (got < 0) return failure();
    if (got == 0) return out;
    out.append(piece, 0, static_cast<std::size_t>(got));
    if (out.size() > limit) {
      return fail(ErrorKind::kUnsupported, "Micro:Compression", "more than {} bytes", limit);
    }
  }
}

Result<std::string> extract_vmlinux(std::string_view bz_image, const std::string& path) {
  if (bz_image.size() < kHeaderEnd || bz_image.substr(kMagicAt, 4) != "HdrS") {
    return not_a_kernel(path, "it has no setup header");
  }
  const auto header = std::as_bytes(std::span(bz_image));
  if (read_le<std::uint16_t>(header, kProtocolAt) < kFirstWithPayload) {
    return not_a_kernel(path, "its boot protocol is older than 2.08");
  }
  std::size_t setup = read_le<std::uint8_t>(header, kSetupSectors);
  if (setup == 0) setup = kUsualSetupSectors;
  const auto begin = (setup + 1) * kSector + read_le<std::uint32_t>(header, kPayloadOffset);
  const auto length = read_le<std::uint32_t>(header, kPayloadLength);
  if (length == 0 || begin > bz_image.size() || length > bz_image.size() - begin) {
    return not_a_kernel(path, "its setup header leads out of the file");
  }
  auto payload = bz_image.substr(begin, length);
  // gzip ends with the length of what it holds; the kernel's build adds it to the other formats.
  if (payload.substr(0, kGzipMagic.size()) != kGzipMagic) {
    payload.remove_suffix(std::min(payload.size(), sizeof(std::uint32_t)));
  }
  auto kernel = decompress(payload, kLargestKernel);
  if (!kernel) return std::move(kernel).error().while_doing("reading " + path);
  if (kernel->substr(0, 4) != "\177ELF") return not_a_kernel(path, "what is in it is no ELF file");
  return kernel;
}

}  // namespace kiln
