#pragma once

#include "engine/core/error.h"

namespace kiln {

/// The program's contract with scripts; documented in README.
enum class ExitCode : int {
  kOk = 0,
  kBuildFailed = 1,
  kUsage = 2,  ///< command line or template
  kHostNotReady = 3,
  kCancelled = 4,
  kInternal = 70,  ///< EX_SOFTWARE of sysexits.h
};

/// What is wrong with a template, or not yet supported in one, is the template's fault wherever it
/// is noticed.
inline ExitCode exit_code(const Error& error) {
  if (error.code().rfind("Template:", 0) == 0) return ExitCode::kUsage;
  switch (error.kind()) {
    case ErrorKind::kInvalidTemplate:
      return ExitCode::kUsage;
    case ErrorKind::kHostNotReady:
      return ExitCode::kHostNotReady;
    case ErrorKind::kCancelled:
      return ExitCode::kCancelled;
    case ErrorKind::kInternal:
      return ExitCode::kInternal;
    default:
      return ExitCode::kBuildFailed;
  }
}

}  // namespace kiln
