#include <cerrno>
#include <cstring>
#include <fcntl.h>

#include "engine/core/file.h"
#include "engine/installers/answer_disk.h"
#include "engine/installers/installer.h"
#include "engine/sandbox/initramfs.h"

namespace kiln {
namespace {

/// Kernels unpack one archive after the other; the next one begins at a multiple of four.
Result<void> append_to_initrd(const std::filesystem::path& initrd,
                              const std::vector<AnswerFile>& answers) {
  constexpr std::uint64_t kAlignment = 4;
  Initramfs archive;
  for (const auto& file : answers) KILN_TRY(archive.add_file(file.name, file.text, 0644));
  KILN_TRY_ASSIGN(const auto added, archive.finish());
  std::error_code error;
  const auto size = std::filesystem::file_size(initrd, error);
  const UniqueFd file(::open(initrd.c_str(), O_WRONLY | O_CLOEXEC));
  if (error || !file) {
    return fail(
        ErrorKind::kIo, "Installer:Write", "cannot write {}: {}", initrd.string(), strerror(errno));
  }
  // What lies between is zero, which kernels pass over.
  return pwrite_all(
      file.get(), std::as_bytes(std::span(added)), round_up(size, kAlignment), initrd);
}

}  // namespace

Result<Installation> prepare_installation(const InstallOrder& order,
                                          const std::filesystem::path& folder,
                                          const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto recipe, make_install_recipe(order));
  auto& installation = recipe.installation;
  installation.system = order.media.title();
  installation.iso = order.media.image;
  installation.firmware = order.firmware;
  installation.disk_bytes = order.disk_bytes;
  if (!order.media.kernel.empty()) {
    KILN_TRY_ASSIGN(const auto media, open_media(order.media.image));
    installation.kernel = folder / "installer-kernel";
    installation.initrd = folder / "installer-initrd";
    KILN_TRY(copy_media_file(*media, order.media.kernel, installation.kernel, cancel));
    KILN_TRY(copy_media_file(*media, order.media.initrd, installation.initrd, cancel));
  }
  if (recipe.answer_label.empty()) {
    KILN_TRY(append_to_initrd(installation.initrd, recipe.answers));
  } else {
    installation.answer_disk = folder / "answers.iso";
    KILN_TRY(write_answer_disk(recipe.answers, recipe.answer_label, *installation.answer_disk));
  }
  return std::move(installation);
}

}  // namespace kiln
