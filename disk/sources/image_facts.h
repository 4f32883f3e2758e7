#pragma once

#include <string>
#include <string_view>

#include "engine/core/json.h"

namespace kiln {

enum class OsType { kUnknown, kLinux, kWindows };
enum class HyperVGeneration { kUnknown, kV1, kV2 };
/// What the machines of an image have: TrustedLaunch is Secure Boot and a TPM.
enum class SecurityType { kStandard, kTrustedLaunch };

/// Azure's words, e.g. `Linux` and `V2`; `unknown` where nobody said.
std::string_view to_string(OsType os_type);
std::string_view to_string(HyperVGeneration generation);
std::string_view to_string(SecurityType security_type);

/// The member `osType` or `hyperVGeneration` of an object; unknown where absent. `securityType`;
/// standard where absent.
Result<OsType> read_os_type(const JsonReader& object);
Result<HyperVGeneration> read_hyper_v_generation(const JsonReader& object);
Result<SecurityType> read_security_type(const JsonReader& object);
/// The member `sha256Checksum`, in lower case; empty where absent or empty, as in the contract.
Result<std::string> read_sha256(const JsonReader& object, std::string_view member);

/// For a command line's words; case does not matter.
Result<OsType> parse_os_type(std::string_view text);
Result<HyperVGeneration> parse_hyper_v_generation(std::string_view text);
Result<SecurityType> parse_security_type(std::string_view text);

}  // namespace kiln
