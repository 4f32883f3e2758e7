#pragma once

#include "engine/contract/diagnostic.h"
#include "engine/core/json.h"
#include "engine/template/template_options.h"

namespace kiln {

/// The body of an imageTemplates resource as the service would get it.
struct ResolvedTemplate {
  JsonReader resource;        ///< every value knows where it was written; some may be unknown
  bool deployed = false;      ///< it is part of a deployment template
  nlohmann::json parameters;  ///< values that were used, by name; no secure ones
  std::string group_id;       ///< resource id of the resource group that expressions see
};

/// Finds the resource in a document and gives it its values: placeholders are filled, and where the
/// document is an ARM deployment template, its parameters and expressions are evaluated. In a bare
/// body, `[[…]` becomes `[…]`, and a string that is a template expression is evaluated too.
/// @param found gets everything that is wrong; what could not be evaluated is unknown in the
/// result, and there is no result where not even the resource was found
/// @param notices says what was skipped or read in a way that the service would not
std::optional<ResolvedTemplate> resolve_template(const JsonReader& document,
                                                 const TemplateOptions& options,
                                                 Diagnostics& found,
                                                 std::vector<std::string>& notices);

}  // namespace kiln
