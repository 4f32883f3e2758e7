#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/template/template_options.h"

namespace kiln::test {

/// A line of the table that says what real templates give.
struct Expected {
  std::string file;
  std::string kind;  ///< resource or deployment
  std::string form;  ///< strict, relaxed (comments, commas), duplicate (a key given twice)
  std::string outcome;
  std::string pointer;
  std::vector<std::string> warnings;
};

Result<std::vector<Expected>> read_table();

/// Everything that a template wants to be told, by a guess that a user would make.
/// @param placeholders_file is written
TemplateOptions answers(const std::string& text, const std::filesystem::path& placeholders_file);

}  // namespace kiln::test
