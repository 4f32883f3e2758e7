#include "customizers/windows_update/update_rounds.h"

#include <algorithm>
#include <limits>

#include "engine/core/json.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr int kMostTries = 3;

Result<UpdateAttempt> parse_attempt(const JsonReader& place) {
  UpdateAttempt attempt;
  KILN_TRY_ASSIGN(attempt.id, place.string("id"));
  KILN_TRY_ASSIGN(attempt.title, place.string("title"));
  KILN_TRY_ASSIGN(const auto outcome, place.string("outcome"));
  if (outcome == "failed") {
    attempt.outcome = UpdateAttempt::Outcome::kFailed;
  } else if (outcome == "skipped") {
    attempt.outcome = UpdateAttempt::Outcome::kSkipped;
  } else if (outcome != "installed") {
    return place.error("WindowsUpdate:BadOutcome", "an outcome is unknown");
  }
  KILN_TRY_ASSIGN(const auto code, place.require("code"));
  using Limits = std::numeric_limits<std::int32_t>;
  KILN_TRY_ASSIGN(const auto number, code.as_integer(Limits::min(), Limits::max()));
  attempt.code = static_cast<std::int32_t>(number);
  return attempt;
}

Result<UpdateRound> parse_report(const std::string& report) {
  KILN_TRY_ASSIGN(const auto document, JsonReader::parse(report, "the report of the updates"));
  UpdateRound round;
  KILN_TRY_ASSIGN(round.from_disc, document.bool_or("disc", false));
  KILN_TRY_ASSIGN(round.restart, document.bool_or("restart", false));
  KILN_TRY_ASSIGN(const auto updates, document.require("updates"));
  KILN_TRY_ASSIGN(const auto places, updates.items());
  for (const auto& place : places) {
    KILN_TRY_ASSIGN(auto attempt, parse_attempt(place));
    round.updates.push_back(std::move(attempt));
  }
  return round;
}

std::string named(const UpdateAttempt& attempt) {
  return fmt::format(R"("{}" ({}))", printable(attempt.title, 120), printable(attempt.id, 80));
}

}  // namespace

Result<UpdateRound> parse_update_round(const std::string& report) {
  auto round = parse_report(report);
  if (round) return round;
  return fail(ErrorKind::kGuestFailed,
              "WindowsUpdate:BadReport",
              "the image's system gave a report of its updates that cannot be read: {}",
              round.error().summary())
      .cure("look for what changes PowerShell in the image, and report it to Kiln");
}

Result<void> UpdateRounds::take(const UpdateAttempt& attempt) {
  auto& tries = tries_[attempt.id];
  if (attempt.outcome == UpdateAttempt::Outcome::kFailed) {
    if (++tries.failed < kMostTries) return {};
    return fail(ErrorKind::kGuestFailed,
                "WindowsUpdate:Failed",
                "the update {} failed {} times, at last with 0x{:08X}",
                named(attempt),
                tries.failed,
                static_cast<std::uint32_t>(attempt.code))
        .cure("exclude it in the filters of the step, or look up the code");
  }
  if (attempt.outcome == UpdateAttempt::Outcome::kSkipped) return {};
  ++installed_;
  if (++tries.installed < kMostTries) return {};
  return fail(ErrorKind::kGuestFailed,
              "WindowsUpdate:Loop",
              "the update {} was installed {} times, and Windows offers it again each time",
              named(attempt),
              tries.installed)
      .cure("exclude it in the filters of the step");
}

Result<void> UpdateRounds::take(const UpdateRound& round) {
  const auto before = installed_;
  for (const auto& attempt : round.updates) {
    KILN_TRY(take(attempt));
    const bool failed = attempt.outcome == UpdateAttempt::Outcome::kFailed;
    if (round.from_disc && !failed) settled_.push_back(attempt.id);
  }
  const bool idle = round.restart && installed_ == before && round.updates.empty();
  idle_restarts_ = idle ? idle_restarts_ + 1 : 0;
  if (idle_restarts_ < kMostTries) return {};
  return fail(ErrorKind::kGuestFailed,
              "WindowsUpdate:RestartPending",
              "Windows still wants a restart after {} restarts that installed nothing",
              kMostTries - 1)
      .cure(
          "find out what leaves a restart pending: Component Based Servicing or Windows Update "
          "in the registry");
}

}  // namespace kiln
