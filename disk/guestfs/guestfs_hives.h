#pragma once

#include <functional>

#include <guestfs.h>

#include "disk/guestfs/appliance_killer.h"
#include "disk/inspect/windows/hives.h"
#include "engine/core/error.h"

namespace kiln {

/// Hives in an appliance, where hivex reads them. `error` makes the Error of a call that has just
/// failed, from what was being done.
class GuestfsHives : public Hives {
 public:
  GuestfsHives(guestfs_h* handle,
               ApplianceKiller& killer,
               std::function<Error(std::string doing)> error)
      : handle_(handle), killer_(killer), error_(std::move(error)) {}

  Result<std::unique_ptr<Hive>> open(const std::string& path, Access access) override;
  Result<std::string> head(const std::string& path, std::size_t count) override;
  Result<std::string> blocks(const std::string& device,
                             std::uint64_t offset,
                             std::size_t count) override;
  Result<bool> ntfs_log_is_clean(const std::string& device) override;
  Result<void> unpack(std::string_view tar, const std::string& folder) override;

 private:
  guestfs_h* handle_;
  ApplianceKiller& killer_;
  std::function<Error(std::string)> error_;
};

}  // namespace kiln
