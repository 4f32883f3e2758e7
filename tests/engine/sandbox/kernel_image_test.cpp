#include "engine/sandbox/micro/kernel_image.h"

#include <archive.h>
#include <archive_entry.h>

#include "engine/core/bytes.h"
#include "engine/core/c_handle.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

std::string compressed(const std::string& text, int (*filter)(archive*)) {
  std::string out(text.size() + 64 * kKiB, '\0');
  std::size_t used = 0;
  const CHandle<archive, archive_write_free> writer(archive_write_new());
  const CHandle<archive_entry, archive_entry_free> entry(archive_entry_new());
  archive_write_set_format_raw(writer.get());
  filter(writer.get());
  archive_write_set_bytes_per_block(writer.get(), 0);
  archive_write_open_memory(writer.get(), out.data(), out.size(), &used);
  archive_entry_set_pathname(entry.get(), "x");
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_write_header(writer.get(), entry.get());
  archive_write_data(writer.get(), text.data(), text.size());
  archive_write_close(writer.get());
  out.resize(used);
  return out;
}

void put(std::string& image, std::size_t at, std::uint32_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) image[at + i] = static_cast<char>(value >> (8 * i));
}

/// Setup code of three sectors, protected-mode code of 100 bytes, and then the payload.
std::string bz_image(const std::string& payload) {
  std::string image(4 * 512 + 100, '\0');
  image[0x1F1] = 3;
  image.replace(0x202, 4, "HdrS");
  put(image, 0x206, 0x20F, 2);
  put(image, 0x248, 100, 4);
  put(image, 0x24C, static_cast<std::uint32_t>(payload.size()), 4);
  return image + payload + "what follows";
}

std::string elf() {
  return "\177ELF" + std::string(300'000, 'k');
}

TEST(KernelImage, IsTakenOutOfEveryCompressionThatKernelsHave) {
  const auto length = std::string("\xE4\x93\x04\x00", 4);
  for (const auto filter : {archive_write_add_filter_xz,
                            archive_write_add_filter_zstd,
                            archive_write_add_filter_lz4,
                            archive_write_add_filter_bzip2}) {
    const auto kernel = extract_vmlinux(bz_image(compressed(elf(), filter) + length), "vmlinuz");
    ASSERT_OK(kernel);
    EXPECT_EQ(*kernel, elf());
  }
  // gzip has its own length.
  const auto kernel =
      extract_vmlinux(bz_image(compressed(elf(), archive_write_add_filter_gzip)), "vmlinuz");
  ASSERT_OK(kernel);
  EXPECT_EQ(*kernel, elf());
}

TEST(KernelImage, IsRefusedWhereItsHeaderIsNotTrue) {
  const auto good = bz_image(compressed(elf(), archive_write_add_filter_gzip));
  const auto broken = [&](std::size_t at, std::uint32_t value, unsigned bytes) {
    auto image = good;
    put(image, at, value, bytes);
    return extract_vmlinux(image, "vmlinuz");
  };
  for (const auto& kernel : {broken(0x202, 0, 4),
                             broken(0x206, 0x207, 2),
                             broken(0x248, 0xFFFFFFFF, 4),
                             broken(0x24C, 0xFFFFFFFF, 4),
                             broken(0x24C, 0, 4),
                             extract_vmlinux("short", "vmlinuz"),
                             extract_vmlinux(bz_image("garbage"), "vmlinuz"),
                             extract_vmlinux(bz_image(""), "vmlinuz")}) {
    ASSERT_FALSE(kernel.has_value());
    EXPECT_EQ(kernel.error().kind(), ErrorKind::kUnsupported);
    EXPECT_THAT(kernel.error().describe(), HasSubstr("vmlinuz"));
  }
}

TEST(KernelImage, GrowsNoLargerThanItMay) {
  const auto bomb = compressed(std::string(3 * kMiB, '\0'), archive_write_add_filter_gzip);
  EXPECT_EQ(decompress(bomb, 3 * kMiB).value().size(), 3 * kMiB);
  EXPECT_THAT(decompress(bomb, 2 * kMiB), test::FailsWith("Micro:Compression"));
}

}  // namespace
}  // namespace kiln
