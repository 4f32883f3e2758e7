#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/contract/record.h"

namespace kiln {

/// A member of `source`, `customize`, `distribute` or `inVMValidations`. The envelope is checked
/// here; the body is parsed by the registry that knows the type, which is in a higher layer.
struct TemplateItem {
  std::string type;
  JsonReader body;
};

/// `validate`
struct Validation {
  std::vector<TemplateItem> checks;
  bool continue_distribute_on_failure = false;
  bool source_only = false;
};

enum class OnError { kCleanup, kAbort };

/// `vmProfile.osDiskSizeGB`, where it asks for something.
struct DiskSize {
  std::int64_t gib;
  JsonReader place;
};

/// A `Microsoft.VirtualMachineImages/imageTemplates` resource after parsing; see
/// facts about the contract in the service's OpenAPI description.
struct ImageTemplate {
  std::string name;                     ///< from the resource, else from the file name
  std::string group_id;                 ///< resource id of the group that the resource is in
  std::string api_version;              ///< empty where a bare body carries none
  ApiVersion version = kNewestVersion;  ///< the rules that apply; the newest where none is given
  bool versioned = false;               ///< the document names its api-version
  std::string location;
  std::map<std::string, std::string> tags;
  std::optional<TemplateItem> source;  ///< absent only where that was an error
  std::vector<TemplateItem> customize;
  std::vector<TemplateItem> distribute;
  Validation validate;
  OnError on_customizer_error = OnError::kCleanup;
  OnError on_validation_error = OnError::kCleanup;
  std::chrono::minutes build_timeout{240};  ///< buildTimeoutInMinutes, 0 or absent is 240
  std::optional<DiskSize> disk_size;
  std::vector<JsonReader> media;         ///< of `media`: texts, paths of ISOs and folders
  std::vector<std::int64_t> data_disks;  ///< sizes in GiB
  nlohmann::json parameters;             ///< values that were used, by name; no secure ones
  /// Parts of the envelope that are understood but cannot be built yet.
  std::vector<Error> blockers;
  /// The resource in the newest version's spelling; bodies of items as they are written.
  nlohmann::json canonical;
  /// Everything found so far. A template with errors in here is never planned.
  Diagnostics found;
};

}  // namespace kiln
