#include "engine/run/deliver.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "disk/extents/shared_source.h"

namespace kiln {
namespace {

DistributeContext context_of(const Delivery& delivery, const DeliveryServices& services) {
  DistributeContext context{services.events,
                            delivery.id,
                            services.cancel,
                            services.redactor,
                            services.output_folder,
                            services.overwrite,
                            delivery.suggested_name};
  context.azure = services.azure;
  context.run_id = services.folder.id();
  context.image = services.image;
  context.delivered = services.record.artifact_ids();
  context.journal = services.folder.journals() / (delivery.id + ".journal");
  return context;
}

/// On a thread of the delivery's own. The record has it before anybody else, as it may be long
/// until the other targets are through.
Result<Artifact> deliver_one(const Delivery& delivery,
                             BlockSource& disk,
                             const DeliveryServices& services) {
  const auto& distributor = delivery.distributor;
  ActivityScope scope(services.events,
                      ActivityScope::Level::kStep,
                      "distribute",
                      delivery.id,
                      fmt::format("{}: {}", distributor.type(), distributor.run_output_name()));
  FinishedDisk finished{disk, delivery.suggested_name};
  auto artifact = distributor.distribute(finished, context_of(delivery, services));
  if (!artifact) {
    scope.failed(artifact.error());
    return std::move(artifact).error().while_doing(
        fmt::format("distributing {}", distributor.run_output_name()));
  }
  services.record.add_output(*artifact);
  scope.succeeded();
  return artifact;
}

using Files = std::vector<std::filesystem::path>;

/// @param partial_files of the targets before; it adds its own
Result<void> check_one(const Delivery& delivery,
                       const DeliveryServices& services,
                       std::uint64_t disk_size,
                       Files& partial_files) {
  const auto context = context_of(delivery, services);
  KILN_TRY(delivery.distributor.check(context, disk_size));
  const auto own = delivery.distributor.partial_files(context);
  for (const auto& file : own) {
    if (std::find(partial_files.begin(), partial_files.end(), file) == partial_files.end()) {
      continue;
    }
    return fail(ErrorKind::kInvalidTemplate,
                "Run:SameTarget",
                "the target {} would write the same file as an earlier one",
                delivery.distributor.run_output_name())
        .cure("give it a uri of its own");
  }
  partial_files.insert(partial_files.end(), own.begin(), own.end());
  return {};
}

/// Deliveries that walk over the disk at the same time, each on a thread of its own.
class DeliveryGroup {
 public:
  DeliveryGroup(std::vector<const Delivery*> deliveries, const DeliveryServices& services)
      : deliveries_(std::move(deliveries)), services_(services), results_(deliveries_.size()) {}

  Result<void> start(BlockSource& disk) {
    if (deliveries_.empty()) return {};
    if (deliveries_.size() == 1) return start_one(disk);
    KILN_TRY_ASSIGN(sources_, share_source(disk, deliveries_.size()));
    for (std::size_t i = 0; i < deliveries_.size(); ++i) {
      threads_.emplace_back([this, i] {
        results_[i] = deliver_one(*deliveries_[i], *sources_[i], services_);
        sources_[i].reset();  // the others need not wait for one that has failed
      });
    }
    return {};
  }

  /// Waits for those that `is_awaited` holds for.
  template <class IsAwaited>
  void join(const IsAwaited& is_awaited) {
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (threads_[i].joinable() && is_awaited(deliveries_[i]->distributor)) threads_[i].join();
    }
  }

  /// Waits for all.
  void add_to(DistributeOutcome& outcome) {
    join([](const Distributor&) { return true; });
    for (auto& result : results_) {
      if (!result) continue;
      if (*result) {
        outcome.artifacts.push_back(**std::move(result));
      } else {
        outcome.errors.push_back(std::move(*result).error());
      }
    }
  }

 private:
  /// Alone it reads the disk itself: blocks kept for others would be copied once more.
  Result<void> start_one(BlockSource& disk) {
    threads_.emplace_back(
        [this, &disk] { results_.front() = deliver_one(*deliveries_.front(), disk, services_); });
    return {};
  }

  std::vector<const Delivery*> deliveries_;
  const DeliveryServices& services_;
  std::vector<std::unique_ptr<BlockSource>> sources_;
  std::vector<std::optional<Result<Artifact>>> results_;
  std::vector<std::jthread> threads_;
};

}  // namespace

Result<CheckedDeliveries> check_each(const std::vector<Delivery>& deliveries,
                                     const DeliveryServices& services,
                                     std::uint64_t disk_size) {
  CheckedDeliveries checked;
  Files partial_files;
  for (const auto& delivery : deliveries) {
    auto fit = check_one(delivery, services, disk_size, partial_files);
    KILN_TRY(services.cancel.check());
    if (fit) {
      checked.fit.push_back(delivery);
    } else {
      checked.errors.push_back(std::move(fit).error().while_doing(fmt::format(
          "checking the target {} before any work", delivery.distributor.run_output_name())));
    }
  }
  services.record.set_partial_files(partial_files);
  return checked;
}

Result<void> check_deliveries(const std::vector<Delivery>& deliveries,
                              const DeliveryServices& services,
                              std::uint64_t disk_size) {
  KILN_TRY_ASSIGN(auto checked, check_each(deliveries, services, disk_size));
  if (checked.errors.empty()) return {};
  return std::move(checked.errors.front());
}

Result<DistributeOutcome> deliver(const std::vector<Delivery>& deliveries,
                                  BlockSource& disk,
                                  const DeliveryServices& services) {
  const auto of_another = [&](const Distributor& distributor) {
    return std::ranges::any_of(deliveries, [&](const Delivery& other) {
      return distributor.can_be_made_of(other.distributor.type());
    });
  };
  std::vector<const Delivery*> at_once;
  std::vector<const Delivery*> later;
  for (const auto& delivery : deliveries) {
    (of_another(delivery.distributor) ? later : at_once).push_back(&delivery);
  }
  const auto awaited = [&](const Distributor& distributor) {
    return std::ranges::any_of(later, [&](const Delivery* other) {
      return other->distributor.can_be_made_of(distributor.type());
    });
  };
  DeliveryGroup first(at_once, services);
  DeliveryGroup second(later, services);
  KILN_TRY(first.start(disk));
  first.join(awaited);
  if (!services.cancel.requested()) KILN_TRY(second.start(disk));
  DistributeOutcome outcome;
  first.add_to(outcome);
  second.add_to(outcome);
  KILN_TRY(services.cancel.check());
  return outcome;
}

}  // namespace kiln
