#pragma once

#include <cstdint>

namespace kiln {

/// As whom the agent runs a program. The numbers are the wire format. Elsewhere than in Windows
/// there is kSystem only, which is root.
enum class Account : std::uint8_t {
  kSystem = 0,  ///< LocalSystem
  /// The build's administrator, logged on by password with a full token: `runElevated`.
  kElevatedAdministrator = 1,
  /// The same account without elevation, as steps have it that ask for nothing.
  kLimitedAdministrator = 2,
};

}  // namespace kiln
