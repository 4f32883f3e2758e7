#pragma once

#include "engine/core/json.h"
#include "engine/template/template_options.h"

namespace kiln {

/// The body of an imageTemplates resource as the service would get it.
struct ResolvedTemplate {
  JsonReader resource;        ///< every value knows where it was written
  nlohmann::json parameters;  ///< values that were used, by name; no secure ones
};

/// Finds the resource in a document and gives it its values: placeholders are filled, and where the
/// document is an ARM deployment template, its parameters and expressions are evaluated. In a bare
/// body, `[[…]` becomes `[…]`, and a string that is a template expression is evaluated too.
/// @param notices says what was skipped or read in a way that the service would not
Result<ResolvedTemplate> resolve_template(const JsonReader& document,
                                          const TemplateOptions& options,
                                          std::vector<std::string>& notices);

}  // namespace kiln
