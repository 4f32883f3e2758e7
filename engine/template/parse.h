#pragma once

#include <filesystem>
#include <string>

#include "engine/template/image_template.h"
#include "engine/template/template_options.h"

namespace kiln {

/// Reads an image template: the body of a `Microsoft.VirtualMachineImages/imageTemplates` resource
/// of any api-version, or an ARM deployment template that holds one. The envelope is checked in
/// full; the bodies of `source`, `customize` and `distribute` are left to the registries that know
/// their types. Nothing is ignored in silence: a field is honoured, listed in `notices` because it
/// means nothing offline, or refused with its place and a cure.
/// @param text untrusted; at most 4 MiB, which is the service's own limit
/// @param name how messages call the document, usually its path; names the template where the
///   document itself does not
Result<ImageTemplate> parse_template(const std::string& text,
                                     const std::string& name,
                                     const TemplateOptions& options = {});

Result<ImageTemplate> load_template(const std::filesystem::path& path,
                                    const TemplateOptions& options = {});

}  // namespace kiln
