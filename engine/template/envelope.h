#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/json.h"

namespace kiln {

/// What every template needs checked before its bodies are looked at. Each function reads one part
/// of the resource, adds to `notices` what is accepted without meaning offline, and refuses the
/// rest.

/// Refuses what is a template of another kind, such as a Packer file.
Result<void> check_document_kind(const JsonReader& document);

Result<void> check_resource_type(const JsonReader& resource);
/// Empty where the body carries none.
Result<std::string> read_api_version(const JsonReader& resource);
/// @param document_name gives the name where the resource does not
Result<std::string> read_name(const JsonReader& resource, std::string_view document_name);
Result<std::map<std::string, std::string>> read_tags(const JsonReader& resource);

/// One notice for each field that only means something in the cloud.
Result<void> note_cloud_fields(const JsonReader& resource, std::vector<std::string>& notices);

}  // namespace kiln
