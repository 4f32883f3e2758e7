#pragma once

#include <mutex>
#include <string>

#include "uploaders/arm/azure_access.h"

namespace kiln {

/// The signature with which a managed disk that waits for its contents may be written. It ends
/// after a day at most, and is then granted anew.
class DiskAccess : public RenewableSecret {
 public:
  /// Grants the first one.
  static Result<std::shared_ptr<DiskAccess>> grant(AzureAccess& azure,
                                                   const ArmResource& disk,
                                                   const CancelToken& cancel);

  /// Where the contents go, without the signature.
  [[nodiscard]] const BlobLocation& location() const { return location_; }
  Result<Secret> value(const CancelToken& cancel) override;
  Result<void> renew(const Secret& used, const CancelToken& cancel) override;

 private:
  DiskAccess(AzureAccess& azure, ArmResource disk) : azure_(azure), disk_(std::move(disk)) {}
  Result<BlobLocation> ask(const CancelToken& cancel);

  AzureAccess& azure_;
  ArmResource disk_;
  BlobLocation location_;
  std::mutex mutex_;
  Secret query_;
};

}  // namespace kiln
