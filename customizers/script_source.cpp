#include "customizers/script_source.h"

#include "customizers/inputs.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

Result<std::vector<std::string>> parse_lines(const Record& record) {
  auto lines = record.texts("inline");
  if (lines.empty()) {
    return record.at("inline")
        .error(fmt::format("{}:NoLines", record.type().name), "the field \"inline\" has no lines")
        .cure("give at least one command");
  }
  if (!record.text("sha256Checksum").empty()) {
    return record.at("sha256Checksum")
        .error(fmt::format("{}:ChecksumOfInline", record.type().name),
               "sha256Checksum is for scriptUri and says nothing here")
        .cure("remove it, or move the lines to a file and name that in scriptUri");
  }
  return lines;
}

/// Both or neither; the service has a word of its own for that.
void refuse_count(const Record& record, const ContractContext& context, bool both) {
  const auto meant = record.slip_of("inline").empty() ? "scriptUri" : "inline";
  const auto slip = record.slip_of(meant);
  const auto rename = fmt::format(R"(rename "{}" to "{}")", printable(slip, 60), meant);
  const bool validator = context.provisioning_error == "BadValidatorType";
  context.of(validator ? "NoValidatorScript" : "NoCustomizerScript")
      .error(record.place(),
             fmt::format("{}:OneScript", record.type().name),
             fmt::format(R"(a {} step has {} "inline" {} "scriptUri")",
                         record.type().name,
                         both ? "both" : "neither",
                         both ? "and" : "nor"),
             "inline or scriptUri",
             slip.empty() ? "give exactly one of them" : rename);
}

}  // namespace

std::string ScriptSource::describe() const {
  if (script) return fmt::format("script {}", redact_url(script->uri));
  return fmt::format("{} inline line{}", lines.size(), lines.size() == 1 ? "" : "s");
}

std::vector<StepInput> ScriptSource::inputs() const {
  if (!script) return {};
  return {*script};
}

Result<ScriptSource> parse_script(const Record& record, const ContractContext& context) {
  // An empty one beside the other is what conditions in a template leave.
  const auto given = [&](std::string_view field, bool empty) {
    return record.has(field) && (!empty || record.is_unknown(field));
  };
  auto has_uri = given("scriptUri", record.text("scriptUri").empty());
  auto has_lines = given("inline", record.texts("inline").empty());
  if (!has_uri && !has_lines) {  // then even an empty one says what was meant
    has_uri = record.has("scriptUri");
    has_lines = record.has("inline");
  }
  ScriptSource source;
  if (has_lines == has_uri) {
    refuse_count(record, context, has_uri);
    return source;  // the error is in context.found
  }
  if (has_uri) {
    KILN_TRY_ASSIGN(source.script, parse_input(record, "scriptUri", context));
  } else {
    KILN_TRY_ASSIGN(source.lines, parse_lines(record));
  }
  return source;
}

}  // namespace kiln
