#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/json.h"

namespace kiln {

/// A member of `source`, `customize` or `distribute`. The envelope is checked here; the body is
/// parsed by the registry that knows the type, which is in a higher layer.
struct TemplateItem {
  std::string type;
  JsonReader body;
};

/// A `Microsoft.VirtualMachineImages/imageTemplates` resource after parsing; see
/// facts about the contract in the service's OpenAPI description.
struct ImageTemplate {
  std::string name;         ///< from the resource, else from the file name
  std::string api_version;  ///< empty where a bare body carries none
  std::string location;
  std::map<std::string, std::string> tags;
  TemplateItem source;
  std::vector<TemplateItem> customize;
  std::vector<TemplateItem> distribute;
  std::chrono::minutes build_timeout{240};  ///< buildTimeoutInMinutes, 0 or absent is 240
  std::vector<std::string> notices;         ///< accepted, but without meaning offline
  nlohmann::json parameters;                ///< values that were used, by name; no secure ones
};

}  // namespace kiln
