#pragma once

#include <string>
#include <utility>

#include "uploaders/run_output.h"

namespace kiln {

/// What targets share that are read and planned in full, while this version of Kiln cannot serve
/// them yet.
class PlannedDistributor : public Distributor {
 public:
  PlannedDistributor(const Record& record, RunOutput output)
      : type_(record.type().name), output_(std::move(output)), where_(record.place().where()) {}
  [[nodiscard]] std::string_view type() const override { return type_; }
  [[nodiscard]] const std::string& run_output_name() const override { return output_.name; }
  [[nodiscard]] std::optional<Error> blocker() const override;
  [[nodiscard]] Result<void> check(const DistributeContext& context,
                                   std::uint64_t disk_size) const override;
  Result<Artifact> distribute(FinishedDisk& disk, const DistributeContext& context) const override;

 private:
  std::string_view type_;
  RunOutput output_;
  std::string where_;
};

}  // namespace kiln
