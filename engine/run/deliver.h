#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/run/run_folder.h"
#include "engine/run/run_record.h"
#include "uploaders/distributor.h"

namespace kiln {

/// One target, with what it is called in this run.
struct Delivery {
  std::string id;  ///< `distribute-01`
  const Distributor& distributor;
  std::string suggested_name;
};

/// What deliveries work with. All references outlive them.
struct DeliveryServices {
  const RunFolder& folder;
  EventSink& events;
  CancelToken cancel;
  Redactor& redactor;
  RunRecord& record;
  std::filesystem::path output_folder;
  bool overwrite = false;
  AzureAccess* azure = nullptr;
  ImageTraits image = {};
};

/// Distributors are independent: each has its artifact or its error.
struct DistributeOutcome {
  std::vector<Artifact> artifacts;
  std::vector<Error> errors;  ///< a failed validation's first
  bool validated = true;
};

/// The targets that nothing stands in the way of, and what stands in the others' way.
struct CheckedDeliveries {
  std::vector<Delivery> fit;
  std::vector<Error> errors;
};

/// Asks every target, before any work, and records the files of the fit ones that a kill may leave
/// half written. Two targets must not write the same file. An error is the cancellation.
/// @param disk_size bytes
Result<CheckedDeliveries> check_each(const std::vector<Delivery>& deliveries,
                                     const DeliveryServices& services,
                                     std::uint64_t disk_size);

/// The same where all have to be fit.
Result<void> check_deliveries(const std::vector<Delivery>& deliveries,
                              const DeliveryServices& services,
                              std::uint64_t disk_size);

/// Sends the disk to all targets at the same time, on one walk over it; only a target that can be
/// made of another's artifact waits for that one. What is delivered is in the record at once. An
/// error is the cancellation; a target's own is in the outcome.
Result<DistributeOutcome> deliver(const std::vector<Delivery>& deliveries,
                                  BlockSource& disk,
                                  const DeliveryServices& services);

}  // namespace kiln
