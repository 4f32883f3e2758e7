#include "customizers/windows_update/windows_update.h"

#include <array>

#include "customizers/embedded_scripts.h"
#include "customizers/script_source.h"
#include "customizers/windows_command.h"
#include "customizers/windows_step.h"
#include "customizers/windows_update/update_rounds.h"
#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::int64_t kDefaultLimit = 1000;

constexpr std::array kFields = {
    kStepNameField,
    Field{.name = "searchCriteria",
          .help = "criteria of the update search",
          .since = ApiVersion::k2020},
    Field{.name = "filters",
          .kind = FieldKind::kStrings,
          .help = "include: and exclude: expressions; the first that holds decides",
          .since = ApiVersion::k2020},
    Field{.name = "updateLimit",
          .kind = FieldKind::kInteger,
          .help = "most updates of one round; 0 is 1000",
          .since = ApiVersion::k2020},
};

/// A WindowsUpdate customizer as the template gives it.
struct UpdateOptions {
  std::string criteria = "BrowseOnly=0 and IsInstalled=0";
  std::vector<std::string> filters = {"include:$true"};
  std::int64_t limit = kDefaultLimit;
};

class WindowsUpdateStep final : public WindowsStep {
 public:
  WindowsUpdateStep(const Record& record, UpdateOptions options)
      : WindowsStep(record), options_(std::move(options)) {}

  [[nodiscard]] std::string describe() const override {
    return fmt::format("search {}, {} filter{}, at most {} a round",
                       printable(options_.criteria, 80),
                       options_.filters.size(),
                       options_.filters.size() == 1 ? "" : "s",
                       options_.limit);
  }

 protected:
  [[nodiscard]] Result<void> perform(const StepContext& context) const override {
    UpdateRounds rounds;
    for (int number = 1;; ++number) {
      KILN_TRY(context.cancel.check());
      KILN_TRY_ASSIGN(const auto round, run_round(context, rounds.settled()));
      KILN_TRY_WHILE(rounds.take(round), "updating Windows, round {}", number);
      if (round.updates.empty() && !round.restart) break;
      if (round.restart) KILN_TRY_WHILE(restart(context), "updating Windows, round {}", number);
    }
    emit_step_line(context,
                   GuestStream::kStdout,
                   fmt::format("no updates are left; {} were installed", rounds.installed()));
    return {};
  }

 private:
  [[nodiscard]] Result<UpdateRound> run_round(const StepContext& context,
                                              const std::vector<std::string>& settled) const {
    const auto base = fmt::format(R"({}\kiln-{})", kWindowsTemp, random_uuid());
    const auto report = base + ".json";
    const GuestFile program{windows_guest_path(base + ".ps1"),
                            powershell_file(windows_update_script()),
                            0644,
                            "the update program"};
    std::string text;
    auto outcome = with_guest_file(context, program, [&]() -> Result<void> {
      constexpr std::int64_t kSuccess[] = {0};
      auto command = powershell_file_command(base + ".ps1", arguments(report, settled));
      KILN_TRY(run_step_program(
          context,
          {std::move(command), "WindowsUpdate", "the update program", kSuccess, windows_cure}));
      KILN_TRY_ASSIGN(text, context.agent.get(windows_guest_path(report), kMiB, context.cancel));
      return {};
    });
    const auto removed = context.agent.remove(windows_guest_path(report), CancelToken());
    if (!outcome) return std::move(outcome).error();
    KILN_TRY_WHILE(removed, "removing the report of the updates from the guest");
    return parse_update_round(text);
  }

  [[nodiscard]] std::string arguments(const std::string& report,
                                      const std::vector<std::string>& settled) const {
    const auto list = [](const std::vector<std::string>& texts) {
      std::vector<std::string> literals;
      literals.reserve(texts.size());
      for (const auto& text : texts) literals.push_back(powershell_literal(text));
      return fmt::format("@({})", fmt::join(literals, ", "));
    };
    return fmt::format("-Report {} -SearchCriteria {} -Filters {} -UpdateLimit {} -Settled {}",
                       powershell_literal(report),
                       powershell_literal(options_.criteria),
                       list(options_.filters),
                       options_.limit,
                       list(settled));
  }

  static Result<void> restart(const StepContext& context) {
    constexpr std::int64_t kValid[] = {0, 1115, 1190};  // as of WindowsRestart
    constexpr auto kLongest = std::chrono::hours(4);    // as in the service
    GuestCommand command;
    command.argv = {
        R"(C:\Windows\System32\shutdown.exe)", "/r", "/f", "/t", "0", "/c", "packer restart"};
    command.directory = "/C:/Windows/System32";
    emit_step_line(context, GuestStream::kStdout, "restarting Windows");
    return restart_windows(
        context, {std::move(command), "WindowsUpdate", "shutdown", kValid, windows_cure}, kLongest);
  }

  UpdateOptions options_;
};

void check_filters(const Record& record, const ContractContext& context) {
  const auto places = record.at("filters").items();
  if (!places) return;  // they are strings, as was checked
  for (const auto& place : *places) {
    const auto text = to_lower(trim(place.value().get_ref<const std::string&>()));
    if (text.starts_with("include:") || text.starts_with("exclude:")) continue;
    context.warning(place,
                    "WindowsUpdate:FilterWithoutAction",
                    "this filter neither includes nor excludes, so it selects nothing",
                    "start it with include: or exclude:");
  }
}

}  // namespace

constexpr RecordType kWindowsUpdateType{.name = "WindowsUpdate",
                                        .help = "updates Windows",
                                        .fields = kFields,
                                        .discriminated = true,
                                        .since = ApiVersion::k2020};

Result<std::unique_ptr<Customizer>> parse_windows_update(const Record& record,
                                                         const ContractContext& context) {
  UpdateOptions options;
  if (const auto text = record.text("searchCriteria"); !text.empty()) options.criteria = text;
  if (record.has("filters")) {
    check_filters(record, context);
    if (auto filters = record.texts("filters"); !filters.empty()) options.filters = filters;
  }
  if (const auto limit = record.integer("updateLimit", 0); limit > 0) options.limit = limit;
  return std::make_unique<WindowsUpdateStep>(record, std::move(options));
}

}  // namespace kiln
