#include "uploaders/run_output.h"

#include <algorithm>
#include <cctype>

#include "engine/core/text.h"

namespace kiln {
namespace {

/// `^[A-Za-z0-9-_.]{1,64}$`, from the service's OpenAPI description; the first two versions without
/// the dot.
bool is_run_output_name(std::string_view name, bool dots) {
  constexpr std::size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
                  (dots && c == '.');
         });
}

}  // namespace

void warn_of_braces(const Record& record, std::string_view field, const ContractContext& context) {
  if (record.text(field).find_first_of("{}") == std::string::npos) return;
  context.warning(record.at(field),
                  "Template:Braces",
                  "a name in braces looks like one that was to be replaced",
                  "write the resource's real name");
}

RunOutput parse_run_output(const Record& record, const ContractContext& context) {
  RunOutput output{record.text("runOutputName"), record.map("artifactTags")};
  if (!is_run_output_name(output.name, /*dots=*/true)) {
    context.error(record.at("runOutputName"),
                  "Distribute:RunOutputName",
                  fmt::format("\"{}\" is not a valid run output name", printable(output.name, 80)),
                  "1 to 64 letters, digits, '-', '_' and '.'",
                  "use 1 to 64 letters, digits, hyphens, underscores and dots");
  } else if (context.version < ApiVersion::k2019MayPreview &&
             !is_run_output_name(output.name, /*dots=*/false)) {
    context.warning(record.at("runOutputName"),
                    "Distribute:RunOutputName",
                    fmt::format("api-version {} of the service allows no dot in a run output name",
                                to_string(context.version)),
                    "leave the dots out, or raise apiVersion");
  }
  return output;
}

}  // namespace kiln
