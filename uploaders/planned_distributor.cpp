#include "uploaders/planned_distributor.h"

namespace kiln {

std::optional<Error> PlannedDistributor::blocker() const {
  return fail(ErrorKind::kUnsupported,
              "Template:NotYetSupported",
              "this version of Kiln cannot distribute to a {} yet",
              type_)
      .at(where_)
      .cure("distribute a VHD, and create the image from it");
}

Result<void> PlannedDistributor::check(const DistributeContext& /*context*/,
                                       std::uint64_t /*disk_size*/) const {
  return *blocker();
}

Result<Artifact> PlannedDistributor::distribute(FinishedDisk& /*disk*/,
                                                const DistributeContext& /*context*/) const {
  return *blocker();
}

}  // namespace kiln
