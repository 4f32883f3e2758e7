#pragma once

#include <span>
#include <string>
#include <vector>

#include "disk/inspect/file_tree.h"
#include "engine/core/event.h"

namespace kiln {

/// Something that a generalized image must not hold.
struct Residue {
  std::string path;
  std::string what;
  std::string operation;  ///< the operation that removes it; empty where Kiln itself left it behind
};

/// What only the run knows about its build.
struct ResidueContext {
  std::vector<std::string> build_users;  ///< from GeneralizeReport
  std::vector<std::string> own_files;    ///< wildcards: what the sandbox put into the guest
};

/// Looks at the sealed disk. Does not change it.
Result<std::vector<Residue>> find_residues(FileTree& tree, const ResidueContext& context = {});

/// A residue fails the build, unless the operation that removes it was switched off: then it is a
/// notice.
Result<void> judge_residues(std::span<const Residue> residues,
                            std::span<const std::string> skip,
                            EventSink& events);

}  // namespace kiln
