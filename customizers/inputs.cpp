#include "customizers/inputs.h"

#include <algorithm>
#include <array>

#include "engine/core/digest.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/core/uri.h"

namespace kiln {
namespace {

/// What looks like a web address and is none, or leads to another page than was meant.
void warn_of_odd_uri(const JsonReader& place,
                     const std::string& uri,
                     const ContractContext& context) {
  const auto warn = [&](std::string message, std::string cure) {
    context.warning(place, "Template:OddUri", std::move(message), std::move(cure));
  };
  const auto first = to_lower(uri.substr(0, uri.find('/')));
  constexpr std::array<std::string_view, 4> kEndings = {".com", ".net", ".org", ".io"};
  const bool like_a_host = std::any_of(kEndings.begin(), kEndings.end(), [&](auto ending) {
    return uri.find('/') != std::string::npos && first.ends_with(ending);
  });
  if (trim(uri).size() != uri.size()) {
    warn("this URI begins or ends with a blank", "remove the blank");
  } else if (first == "https" || first == "http") {
    warn("this is read as a path, because a colon is missing", fmt::format("write {}://", first));
  } else if (like_a_host && uri_scheme(uri).empty()) {
    warn("this looks like a web address, but is read as a path", "write https:// before it");
  } else if (uri.starts_with("https://github.com/") && uri.find("/blob/") != std::string::npos) {
    warn("this address gives a web page that shows the file, not the file",
         "use raw.githubusercontent.com, or /raw/ in place of /blob/");
  }
}

}  // namespace

Result<StepInput> parse_input(const Record& record,
                              std::string_view field,
                              const ContractContext& context) {
  const auto& member = record.at(field);
  auto uri = record.text(field);
  if (uri.empty()) {
    return member.error("Template:EmptyUri", fmt::format("the field \"{}\" is empty", field))
        .expecting("a URI or a path")
        .cure("give an https: or file: URI, or a path");
  }
  KILN_TRY(check_uri(member, uri));
  warn_of_odd_uri(member, uri, context);
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
