#include "engine/run/distribute_later.h"

#include <algorithm>

#include "engine/core/file.h"
#include "engine/run/deliver.h"
#include "engine/run/event_bus.h"
#include "engine/run/finished_run.h"
#include "engine/run/run_log.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

/// A target of the run with its distributor.
struct LaterTarget {
  FinishedTarget target;
  std::unique_ptr<Distributor> distributor;
  bool delivered = false;
};

bool has_output(const nlohmann::json& record, const std::string& name) {
  const auto& outputs = record.value("runOutputs", nlohmann::json::array());
  return std::ranges::any_of(outputs,
                             [&](const auto& output) { return output.value("name", "") == name; });
}

Result<std::vector<LaterTarget>> all_targets(const FinishedRun& finished,
                                             const nlohmann::json& record) {
  std::vector<LaterTarget> targets;
  for (const auto& target : finished.targets) {
    KILN_TRY_ASSIGN(auto distributor,
                    parse_distributor(JsonReader::of(target.body, "run.json " + target.id)));
    const bool delivered = has_output(record, distributor->run_output_name());
    targets.push_back({target, std::move(distributor), delivered});
  }
  return targets;
}

Result<std::vector<Delivery>> choose(const std::vector<LaterTarget>& targets,
                                     const std::vector<std::string>& only) {
  const auto named = [&](const LaterTarget& one) {
    return std::ranges::find(only, one.distributor->run_output_name()) != only.end();
  };
  std::vector<Delivery> chosen;
  std::string names;
  for (const auto& one : targets) {
    names += (names.empty() ? "" : ", ") + one.distributor->run_output_name();
    if (only.empty() ? one.delivered : !named(one)) continue;
    chosen.push_back({one.target.id, *one.distributor, one.target.suggested_name});
  }
  if (chosen.size() >= std::max<std::size_t>(only.size(), 1)) return chosen;
  if (only.empty()) {
    return fail(ErrorKind::kInvalidTemplate,
                "Run:NothingToDistribute",
                "every target of the run has been delivered")
        .cure("name one with --only to send it again");
  }
  return fail(ErrorKind::kInvalidTemplate, "Run:NoSuchTarget", "the run has no such target")
      .cure("its targets are " + names);
}

/// The folder for what is only needed meanwhile; an earlier process may have left one.
class WorkFolder {
 public:
  explicit WorkFolder(fs::path path) : path_(std::move(path)) { remove(); }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() { remove(); }
  [[nodiscard]] Result<void> make() const { return make_directories(path_); }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path path_;
};

/// As the whole run has gone, not only this part of it.
RunState state_of(const BuildReport& report, bool validated, std::size_t delivered, bool all) {
  if (!report.errors.empty() && report.errors.front().kind() == ErrorKind::kCancelled) {
    return RunState::kCanceled;
  }
  if (!validated) return RunState::kFailed;
  if (all) return RunState::kSucceeded;
  return delivered == 0 ? RunState::kFailed : RunState::kPartiallySucceeded;
}

Result<DistributeOutcome> send(const std::vector<Delivery>& chosen,
                               const FinishedRun& finished,
                               const DeliveryServices& services,
                               ProcessRunner& runner) {
  ActivityScope scope(
      services.events, ActivityScope::Level::kPhase, "distribute", "", "distribute");
  const auto work = [&]() -> Result<DistributeOutcome> {
    KILN_TRY_ASSIGN(
        auto disk,
        open_finished_disk(
            services.folder, finished, runner, services.folder.work(), services.cancel));
    // Unlike a build, which has all its work before it: what is fit is sent.
    KILN_TRY_ASSIGN(auto checked, check_each(chosen, services, disk->size()));
    KILN_TRY(services.record.save());
    KILN_TRY_ASSIGN(auto outcome, deliver(checked.fit, *disk, services));
    outcome.errors.insert(outcome.errors.begin(),
                          std::make_move_iterator(checked.errors.begin()),
                          std::make_move_iterator(checked.errors.end()));
    return outcome;
  };
  auto outcome = work();
  if (outcome) {
    scope.succeeded();
  } else {
    scope.failed(outcome.error());
  }
  return outcome;
}

}  // namespace

Result<BuildReport> distribute_later(const RunFolder& folder,
                                     nlohmann::json json,
                                     const LaterOptions& options,
                                     const BuildServices& services) {
  KILN_TRY_ASSIGN(const auto finished, read_finished_run(json, folder.id()));
  KILN_TRY_ASSIGN(const auto targets, all_targets(finished, json));
  KILN_TRY_ASSIGN(const auto chosen, choose(targets, options.only));
  const WorkFolder work(folder.work());
  KILN_TRY(work.make());
  RunRecord record(folder.record(), std::move(json), services.redactor);
  KILN_TRY(record.save());
  RunLog log(folder.path());
  EventBus bus(services.redactor);
  bus.add(log);
  bus.add(record);
  bus.add(services.display);
  auto outcome = send(chosen,
                      finished,
                      {folder,
                       bus,
                       services.cancel,
                       services.redactor,
                       record,
                       options.output_folder,
                       options.overwrite,
                       services.azure,
                       finished.image},
                      services.runner);

  BuildReport report{folder.id(), folder.path(), RunState::kFailed};
  report.validated = finished.validated;
  if (outcome) {
    report.artifacts = std::move(outcome->artifacts);
    report.errors = std::move(outcome->errors);
  } else {
    report.errors.push_back(std::move(outcome).error());
  }
  const auto delivered =
      static_cast<std::size_t>(std::ranges::count_if(targets, [&](const auto& one) {
        return record.has_output(one.distributor->run_output_name());
      }));
  const bool all = delivered == targets.size();
  if (all && finished.overlays) forget_finished(folder, record);
  report.to_distribute = !all;
  report.state = state_of(report, finished.validated, delivered, all);
  if (!report.errors.empty()) record.fail_with(report.errors.front());
  record.finish(report.state, report.errors.empty() ? "" : report.errors.front().summary());
  if (auto saved = record.save(); !saved) report.errors.push_back(std::move(saved).error());
  return report;
}

}  // namespace kiln
