#pragma once

#include <optional>
#include <string>
#include <vector>

#include "customizers/customizer.h"

namespace kiln {

/// What Shell and PowerShell share: a script given line by line or by URI, never both.
struct ScriptSource {
  std::vector<std::string> lines;
  std::optional<StepInput> script;

  [[nodiscard]] std::string describe() const;
  [[nodiscard]] std::vector<StepInput> inputs() const;
};

/// The fields of a script, for the type's own table.
constexpr Field kScriptUriField{.name = "scriptUri",
                                .help = "URI of the script; this or inline",
                                .former = "script",
                                .former_until = ApiVersion::k2019Preview};
constexpr Field kInlineField{.name = "inline",
                             .kind = FieldKind::kStrings,
                             .help = "the script's lines; this or scriptUri",
                             .since = ApiVersion::k2019Preview};
constexpr Field kChecksumField{.name = "sha256Checksum",
                               .help = "SHA-256 of the file behind the URI; empty is unchecked",
                               .since = ApiVersion::k2019MayPreview};
constexpr Field kStepNameField{.name = "name", .help = "free text for logs"};

Result<ScriptSource> parse_script(const Record& record, const ContractContext& context);

}  // namespace kiln
