#pragma once

#include <filesystem>
#include <string>

#include "engine/template/image_template.h"
#include "engine/template/template_options.h"

namespace kiln {

/// Reads an image template: the body of a `Microsoft.VirtualMachineImages/imageTemplates` resource
/// of any api-version, or an ARM deployment template that holds one. The envelope is checked in
/// full; the bodies of `source`, `customize` and `distribute` are left to the registries that know
/// their types. Nothing is ignored in silence: a field is honoured, noted because it means nothing
/// offline, or found wrong with its place and a cure. All findings are in `found` of the result; an
/// error instead of a result means that there was no resource to look at.
/// @param text untrusted; at most 4 MiB, which is the service's own limit
/// @param name how messages call the document, usually its path; names the template where the
///   document itself does not
Result<ImageTemplate> examine_template(const std::string& text,
                                       const std::string& name,
                                       const TemplateOptions& options = {});

/// The same for who wants a sound envelope or the first error.
Result<ImageTemplate> parse_template(const std::string& text,
                                     const std::string& name,
                                     const TemplateOptions& options = {});

/// The file's text, bounded; `-` is the standard input.
Result<std::string> read_template_file(const std::filesystem::path& path);

}  // namespace kiln
