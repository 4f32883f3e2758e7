#include "engine/template/parse.h"

#include "engine/core/bytes.h"
#include "engine/core/input_file.h"
#include "engine/core/text.h"
#include "engine/template/envelope.h"
#include "engine/template/language.h"
#include "engine/template/read_template.h"
#include "engine/template/resolve.h"
#include "engine/template/unclosed.h"

namespace kiln {
namespace {

constexpr std::uint64_t kLargestTemplate = 4 * kMiB;  // Azure Resource Manager's limit

}  // namespace

Result<ImageTemplate> examine_template(const std::string& text,
                                       const std::string& name,
                                       const TemplateOptions& options) {
  if (text.size() > kLargestTemplate) {
    return fail(ErrorKind::kInvalidTemplate,
                "Template:TooLarge",
                "the template is larger than {}",
                format_bytes(kLargestTemplate))
        .at(name)
        .cure("move scripts out of it, into files named by scriptUri");
  }
  std::vector<std::string> notices;
  const auto document = JsonReader::parse_relaxed(text, name, notices);
  if (!document) return told_by_language(document.error(), name, text);
  KILN_TRY(check_document_kind(*document));
  ImageTemplate image_template;
  Diagnostics found;
  if (auto resolved = resolve_template(*document, options, found, notices)) {
    image_template = read_template(resolved->resource, name, resolved->deployed, std::move(found));
    image_template.parameters = std::move(resolved->parameters);
    image_template.group_id = std::move(resolved->group_id);
    note_unclosed_expressions(resolved->resource, image_template.found);
  } else {
    image_template.found = std::move(found);
  }
  for (auto& notice : notices) {
    Diagnostic diagnostic;
    diagnostic.severity = Severity::kNotice;
    diagnostic.code = "Template:Resolved";
    diagnostic.message = std::move(notice);
    image_template.found.add(std::move(diagnostic));
  }
  return image_template;
}

Result<ImageTemplate> parse_template(const std::string& text,
                                     const std::string& name,
                                     const TemplateOptions& options) {
  KILN_TRY_ASSIGN(auto image_template, examine_template(text, name, options));
  if (image_template.found.has_errors()) return image_template.found.first_error();
  return image_template;
}

Result<std::string> read_template_file(const std::filesystem::path& path) {
  // The kernel's name for it, so that one way of reading serves.
  return read_input_file(path == "-" ? "/dev/stdin" : path, 2 * kLargestTemplate, "the template");
}

}  // namespace kiln
