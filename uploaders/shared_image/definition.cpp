#include "uploaders/shared_image/definition.h"

#include "engine/core/text.h"
#include "uploaders/staging/azure_target.h"

namespace kiln {
namespace {

using nlohmann::json;

std::string feature(const json& definition, std::string_view name) {
  for (const auto& one : part(part(definition, "properties"), "features")) {
    if (equal_ignoring_case(text_member(one, "name"), name)) return text_member(one, "value");
  }
  return {};
}

Error mismatch(const json& definition,
               std::string_view what,
               const std::string& wanted,
               const std::string& have) {
  return fail(ErrorKind::kInvalidTemplate,
              "SharedImage:OtherDefinition",
              "the image definition {} is for the {} {}, and the image has {}",
              text_member(definition, "id"),
              what,
              printable(wanted, 60),
              have)
      .cure("name a definition that fits the image, or choose another source");
}

}  // namespace

Result<void> check_definition(const json& definition, const ImageTraits& image) {
  const auto os_type = property(definition, "osType");
  if (!equal_ignoring_case(os_type, image.os_type)) {
    return mismatch(definition, "system", os_type, image.os_type);
  }
  auto generation = property(definition, "hyperVGeneration");
  if (generation.empty()) generation = "V1";  // the service's default
  if (generation != image.generation) {
    return mismatch(definition, "Hyper-V generation", generation, image.generation);
  }
  if (const auto state = property(definition, "osState"); state != "Generalized") {
    return mismatch(definition, "state", state, "Generalized");
  }
  const auto architecture = property(definition, "architecture");
  if (!architecture.empty() && !equal_ignoring_case(architecture, "x64")) {
    return mismatch(definition, "architecture", architecture, "x64");
  }
  const auto security = feature(definition, "SecurityType");
  if (security.starts_with("ConfidentialVM") && security != "ConfidentialVMSupported") {
    return fail(ErrorKind::kUnsupported,
                "SharedImage:Confidential",
                "the image definition {} is for {}, which needs a guest state that is uploaded "
                "with the disk",
                text_member(definition, "id"),
                printable(security, 60))
        .cure("name a definition with ConfidentialVMSupported, or without a security type");
  }
  if (security == "TrustedLaunch" && image.security_type != "TrustedLaunch") {
    return mismatch(definition, "security type", security, "Standard");
  }
  return {};
}

bool is_standard(const json& definition) {
  const auto security = feature(definition, "SecurityType");
  return security.empty() || security == "Standard";
}

}  // namespace kiln
