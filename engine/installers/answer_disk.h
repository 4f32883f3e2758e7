#pragma once

#include "engine/installers/installer.h"

namespace kiln {

/// Writes an ISO 9660 image with Joliet and Rock Ridge names, so that every installer finds the
/// files by their names.
Result<void> write_answer_disk(const std::vector<AnswerFile>& files,
                               const std::string& label,
                               const std::filesystem::path& target);

}  // namespace kiln
