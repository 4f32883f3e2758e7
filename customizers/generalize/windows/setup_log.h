#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln {

/// What sysprep stumbled over, as its logs tell it.
struct SetupFinding {
  std::string code;     ///< of the error, e.g. `Generalize:AppxOfOneUser`
  std::string message;  ///< names the culprit
  std::string cure;
  std::string line;  ///< of the log
};

/// Reads sysprep's logs, lines such as `2026-01-02 03:04:05, Error SYSPRP <text>`: the errors of
/// setuperr.log, then those of setupact.log. A cause that is known comes before a module that
/// merely failed, and that before any other error; the first of a kind counts, for later ones
/// follow from it.
/// @param errors,actions what one run has written to the logs; UTF-8 or UTF-16 with its mark
/// @return nothing where there is no error
std::optional<SetupFinding> find_culprit(std::string_view errors, std::string_view actions);

}  // namespace kiln
