#include "engine/core/memory_file.h"

#include <span>
#include <sys/mman.h>

#include "engine/core/file.h"

namespace kiln {

Result<UniqueFd> memory_file(std::string_view contents) {
  UniqueFd file(::memfd_create("kiln", MFD_CLOEXEC));
  if (!file) return fail(ErrorKind::kIo, "File:Open", "cannot make a file in memory");
  KILN_TRY(pwrite_all(file.get(), std::as_bytes(std::span(contents)), 0, "a file in memory"));
  return file;
}

}  // namespace kiln
