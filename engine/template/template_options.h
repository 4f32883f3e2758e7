#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/secret.h"

namespace kiln {

/// What the user gives beside the template, so that it can be read.
struct TemplateOptions {
  /// Names and values as typed; a value is read by the type that the template declares. A name
  /// that no parameter bears fills the placeholder `<name>`.
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<std::filesystem::path> parameter_files;  ///< later ones win
  std::filesystem::path placeholders;                  ///< a JSON object: name to value
  std::filesystem::path resource_values;               ///< what only a live cloud could tell
  std::string resource;  ///< which imageTemplates resource, where a template has several
  /// The same by its number among all, from 1 on; 0 where nobody chose.
  std::size_t resource_number = 0;
  std::string subscription_id;
  std::string resource_group;
  std::string location;
  /// Gets the values of secure parameters, also when reading fails; null if nobody wants them.
  std::vector<Secret>* secrets = nullptr;
};

}  // namespace kiln
