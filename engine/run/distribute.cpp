// The distribute phase: the finished disk to every target of the template, or kept for later.
#include <algorithm>

#include "disk/convert/fixed_vhd.h"
#include "disk/extents/mapped_source.h"
#include "engine/core/file.h"
#include "engine/run/finished_run.h"
#include "engine/run/phases.h"
#include "engine/run/run_steps.h"
#include "uploaders/delivery_progress.h"

namespace kiln {
namespace {

/// The template's name; where several targets would take it, each its run output's, which no other
/// has.
std::string suggested_name(const Plan& plan, const PlannedTarget& target) {
  const auto& targets = plan.checked.targets;
  const auto takers = std::count_if(targets.begin(), targets.end(), [](const auto& one) {
    return one.distributor->takes_suggested_name();
  });
  return takers > 1 ? target.distributor->run_output_name() : plan.checked.image_template.name;
}

FinishedRun finished_run(const Plan& plan, bool validated) {
  FinishedRun finished;
  finished.validated = validated;
  finished.image = plan.image_traits();
  const auto& bodies = plan.checked.canonical.at("properties").at("distribute");
  for (std::size_t i = 0; i < plan.checked.targets.size(); ++i) {
    const auto& target = plan.checked.targets[i];
    finished.targets.push_back(
        {target.id, suggested_name(plan, target), without_signatures(bodies.at(i))});
  }
  return finished;
}

/// From here on a kill, a failure and a cancellation leave the disk, for `kiln distribute`.
void keep_finished(const WorkDisk& disk, bool validated, const RunContext& context) {
  auto finished = finished_run(context.plan, validated);
  auto linked = link_disk(disk, context.folder.finished());
  if (!linked) {
    return warning(context.events,
                   "this run cannot be distributed later: " + linked.error().summary());
  }
  finished.overlays = *std::move(linked);
  context.record.set_finished(to_json(finished));
}

/// Makes one disk of the overlay and what lies below it.
Result<void> keep_whole(BlockSource& blocks, bool validated, const RunContext& context) {
  KILN_TRY(make_directories(context.folder.finished()));
  const auto path = whole_disk(context.folder);
  constexpr const char* kStep = "distribute-later";
  KILN_TRY_ASSIGN(const auto vhd,
                  as_step(context, "distribute", kStep, "keep the disk for later", [&] {
                    DeliveryProgress progress(context.events, kStep, "writing disk.vhd");
                    return write_fixed_vhd(
                        blocks, path, context.cancel, [&](std::uint64_t done, std::uint64_t total) {
                          progress.update(done, total);
                        });
                  }));
  context.record.set_finished(to_json(finished_run(context.plan, validated)));
  notice(context.events,
         fmt::format(
             "{} is kept; `kiln distribute {}` sends it", vhd.path.string(), context.folder.id()));
  return {};
}

}  // namespace

std::vector<Delivery> deliveries(const Plan& plan) {
  std::vector<Delivery> all;
  for (const auto& target : plan.checked.targets) {
    all.push_back({target.id, *target.distributor, suggested_name(plan, target)});
  }
  return all;
}

DeliveryServices delivery_services(const RunContext& context) {
  return {context.folder,
          context.events,
          context.cancel,
          context.redactor,
          context.record,
          context.output_folder,
          context.overwrite,
          context.azure,
          context.plan.image_traits()};
}

Result<DistributeOutcome> distribute(ValidatedDisk validated, const RunContext& context) {
  KILN_TRY_ASSIGN(auto blocks,
                  open_mapped_source(context.runner,
                                     validated.disk.node(/*read_only=*/true),
                                     validated.disk.files(),
                                     context.folder.work(),
                                     context.cancel));
  const bool passed = !validated.failure.has_value();
  DistributeOutcome outcome;
  if (context.distribute_later) {
    KILN_TRY(keep_whole(*blocks, passed, context));
  } else {
    keep_finished(validated.disk, passed, context);
    KILN_TRY_ASSIGN(outcome,
                    deliver(deliveries(context.plan), *blocks, delivery_services(context)));
    if (outcome.errors.empty()) forget_finished(context.folder, context.record);
  }
  if (validated.failure) {
    outcome.validated = false;
    outcome.errors.insert(outcome.errors.begin(), *std::move(validated.failure));
  }
  return outcome;
}

}  // namespace kiln
