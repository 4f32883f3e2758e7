#include "engine/core/input_file.h"

#include "engine/core/file.h"

namespace kiln {

Result<std::string> read_input_file(const std::filesystem::path& path,
                                    std::uint64_t limit,
                                    const std::string& option) {
  auto text = read_file(path, limit);
  if (text) return text;
  const auto& error = text.error();
  return Error(ErrorKind::kInvalidTemplate, error.code(), error.message())
      .at(option)
      .cure("check the path; it has to be a file that can be read");
}

}  // namespace kiln
