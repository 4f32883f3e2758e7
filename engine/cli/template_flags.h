#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/core/redact.h"
#include "engine/template/image_template.h"
#include "engine/template/template_options.h"

namespace kiln {

/// The template, and what the user gives to fill it in; `validate`, `plan` and `build` share it.
struct TemplateFlags {
  std::filesystem::path path;
  std::vector<std::string> parameters;  ///< `NAME=VALUE`
  TemplateOptions options;

  void add_to(CLI::App& command);
};

/// Reads the template; its findings are in the result. Values of secure parameters go to the
/// redactor first, so that no error and no output can show them.
/// @param text the template's
Result<ImageTemplate> examine_input(const TemplateFlags& flags,
                                    const std::string& text,
                                    Redactor& redactor);

/// Every text in a JSON value without the secrets that the redactor knows.
nlohmann::json redact_json(const nlohmann::json& value, const Redactor& redactor);

}  // namespace kiln
