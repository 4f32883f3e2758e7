#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

/// What a round did with one update.
struct UpdateAttempt {
  enum class Outcome { kInstalled, kFailed, kSkipped };
  std::string id;  ///< of the update, or the package's path on its disc
  std::string title;
  Outcome outcome = Outcome::kInstalled;
  std::int32_t code = 0;  ///< HRESULT, or a program's exit code
};

/// One run of windows_update.ps1.
struct UpdateRound {
  bool from_disc = false;
  bool restart = false;  ///< Windows wants one, or it stopped at the limit
  std::vector<UpdateAttempt> updates;
};

/// Reads the report that the program writes. It comes from the guest, so anything may be in it.
Result<UpdateRound> parse_update_round(const std::string& report);

/// Watches over rounds that would never end, and names what repeats.
class UpdateRounds {
 public:
  /// Fails at an update that failed, or was installed and offered again, three times; and at the
  /// third restart in a row that is wanted though nothing was installed.
  Result<void> take(const UpdateRound& round);
  /// Packages of the disc that need no further try.
  [[nodiscard]] const std::vector<std::string>& settled() const { return settled_; }
  [[nodiscard]] std::size_t installed() const { return installed_; }

 private:
  struct Tries {
    int installed = 0;
    int failed = 0;
  };
  Result<void> take(const UpdateAttempt& attempt);

  std::map<std::string, Tries> tries_;
  std::vector<std::string> settled_;
  std::size_t installed_ = 0;
  int idle_restarts_ = 0;
};

}  // namespace kiln
