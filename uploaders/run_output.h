#pragma once

#include <map>
#include <string>

#include "uploaders/distributor.h"

namespace kiln {

/// What every distributor has.
struct RunOutput {
  std::string name;
  std::map<std::string, std::string> tags;  ///< artifactTags
};

/// Its fields, for each type's own table.
constexpr Field kRunOutputNameField{
    .name = "runOutputName", .help = "name of the run output", .required = true};
constexpr Field kArtifactTagsField{.name = "artifactTags",
                                   .kind = FieldKind::kStringMap,
                                   .help = "tags of the artifact",
                                   .former = "tags",
                                   .former_until = ApiVersion::k2019Preview};

/// Warns of a resource id in which a sample's `{name}` was not replaced.
void warn_of_braces(const Record& record, std::string_view field, const ContractContext& context);

/// Checks the name, which since 2019-05-01-preview may have dots.
RunOutput parse_run_output(const Record& record, const ContractContext& context);

}  // namespace kiln
