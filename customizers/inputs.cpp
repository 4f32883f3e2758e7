#include "customizers/inputs.h"

#include "engine/core/digest.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/core/uri.h"

namespace kiln {
Result<StepInput> parse_input(const Record& record, std::string_view field) {
  const auto& member = record.at(field);
  auto uri = record.text(field);
  if (uri.empty()) {
    return member.error("Template:EmptyUri", fmt::format("the field \"{}\" is empty", field))
        .expecting("a URI or a path")
        .cure("give an https: or file: URI, or a path");
  }
  KILN_TRY(check_uri(member, uri));
  StepInput input{std::move(uri), {}, member.where()};
  const auto text = record.text("sha256Checksum");
  // An empty string is the service's default and means unchecked.
  if (!text.empty() && !is_sha256(text)) {
    return record.at("sha256Checksum")
        .error("Template:BadChecksum", "sha256Checksum is not a SHA-256 digest in hexadecimal")
        .expecting("64 hexadecimal digits")
        .cure("give the 64 hex digits that `sha256sum` prints for the file");
  }
  input.sha256 = to_lower(text);
  return input;
}

Result<std::filesystem::path> fetched_input(const StepContext& context, const StepInput& input) {
  const auto found = context.inputs.find(input.uri);
  if (found != context.inputs.end()) return found->second;
  return fail(ErrorKind::kInternal,
              "Input:NotFetched",
              "{} was not fetched before the step",
              redact_url(input.uri))
      .at(input.where);
}

Result<void> verify_input(const std::filesystem::path& path, const StepInput& input) {
  if (input.sha256.empty()) return {};
  KILN_TRY_ASSIGN(const auto actual, sha256_file(path));
  if (actual == input.sha256) return {};
  return fail(ErrorKind::kInvalidTemplate,
              "Input:ChecksumMismatch",
              "the content of {} has the SHA-256 {}, but the template says {}",
              redact_url(input.uri),
              actual,
              input.sha256)
      .at(input.where)
      .cure("if the new content is what you want, put its digest into sha256Checksum");
}

}  // namespace kiln
