#pragma once

#include <optional>
#include <string_view>

#include "engine/template/image_template.h"

namespace kiln {

/// A member by its name, in whatever case; which cases are right, the record's check has said.
std::optional<JsonReader> find_any_case(const JsonReader& object, std::string_view name);

/// Refuses what is a template of another kind, such as a Packer file.
Result<void> check_document_kind(const JsonReader& document);

/// The version whose rules apply; an unknown one is an error in `found`, and then the newest.
ApiVersion read_api_version(const JsonReader& resource, Diagnostics& found);

void check_resource_type(const Record& resource, const ContractContext& context);

/// @param document_name gives the name where the resource does not
std::string read_name(const Record& resource,
                      std::string_view document_name,
                      const ContractContext& context);

/// Warns of what the service or Azure Resource Manager would refuse to be without, though nothing
/// here needs it.
/// @param deployed the resource is part of a deployment template
void check_service_needs(const JsonReader& resource, bool deployed, const ContractContext& context);

/// A name for a template that has none, from its file's.
std::string name_from_file(std::string_view document_name);

}  // namespace kiln
