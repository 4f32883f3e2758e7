#include "disk/sources/image_facts.h"

#include "engine/core/digest.h"
#include "engine/core/text.h"

namespace kiln {

std::string_view to_string(OsType os_type) {
  switch (os_type) {
    case OsType::kLinux:
      return "Linux";
    case OsType::kWindows:
      return "Windows";
    case OsType::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view to_string(HyperVGeneration generation) {
  switch (generation) {
    case HyperVGeneration::kV1:
      return "V1";
    case HyperVGeneration::kV2:
      return "V2";
    case HyperVGeneration::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view to_string(SecurityType security_type) {
  return security_type == SecurityType::kTrustedLaunch ? "TrustedLaunch" : "Standard";
}

Result<OsType> parse_os_type(std::string_view text) {
  for (const auto os_type : {OsType::kLinux, OsType::kWindows, OsType::kUnknown}) {
    if (equal_ignoring_case(text, to_string(os_type))) return os_type;
  }
  return fail(ErrorKind::kInvalidTemplate,
              "Source:BadOsType",
              "\"{}\" is not an OS type",
              printable(text, 40))
      .cure("write Linux or Windows");
}

Result<HyperVGeneration> parse_hyper_v_generation(std::string_view text) {
  for (const auto generation :
       {HyperVGeneration::kV1, HyperVGeneration::kV2, HyperVGeneration::kUnknown}) {
    if (equal_ignoring_case(text, to_string(generation))) return generation;
  }
  return fail(ErrorKind::kInvalidTemplate,
              "Source:BadGeneration",
              "\"{}\" is not a Hyper-V generation",
              printable(text, 40))
      .cure("write V1 (BIOS) or V2 (UEFI)");
}

Result<SecurityType> parse_security_type(std::string_view text) {
  for (const auto security_type : {SecurityType::kStandard, SecurityType::kTrustedLaunch}) {
    if (equal_ignoring_case(text, to_string(security_type))) return security_type;
  }
  return fail(ErrorKind::kInvalidTemplate,
              "Source:BadSecurityType",
              "\"{}\" is not a security type that Kiln can start",
              printable(text, 40))
      .cure("write Standard or TrustedLaunch (Secure Boot and a TPM)");
}

Result<OsType> read_os_type(const JsonReader& object) {
  const auto field = object.find("osType");
  if (!field) return OsType::kUnknown;
  KILN_TRY_ASSIGN(const auto text, field->as_string());
  auto os_type = parse_os_type(text);
  if (!os_type) return std::move(os_type).error().at(field->where());
  return os_type;
}

Result<HyperVGeneration> read_hyper_v_generation(const JsonReader& object) {
  const auto field = object.find("hyperVGeneration");
  if (!field) return HyperVGeneration::kUnknown;
  KILN_TRY_ASSIGN(const auto text, field->as_string());
  auto generation = parse_hyper_v_generation(text);
  if (!generation) return std::move(generation).error().at(field->where());
  return generation;
}

Result<SecurityType> read_security_type(const JsonReader& object) {
  const auto field = object.find("securityType");
  if (!field) return SecurityType::kStandard;
  KILN_TRY_ASSIGN(const auto text, field->as_string());
  auto security_type = parse_security_type(text);
  if (!security_type) return std::move(security_type).error().at(field->where());
  return security_type;
}

Result<std::string> read_sha256(const JsonReader& object, std::string_view member) {
  const auto field = object.find(member);
  if (!field) return std::string();
  KILN_TRY_ASSIGN(const auto text, field->as_string());
  if (text.empty() || is_sha256(text)) return to_lower(text);
  return field->error("Source:BadChecksum", "this is not a SHA-256 digest")
      .expecting("64 hexadecimal digits")
      .cure("write the 64 hex digits that sha256sum prints, or leave the field out");
}

}  // namespace kiln
