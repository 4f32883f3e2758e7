#pragma once

#include <functional>

#include <guestfs.h>

#include "disk/grow/volumes.h"
#include "disk/guestfs/appliance_killer.h"
#include "engine/core/error.h"

namespace kiln {

/// The volumes of an appliance's disk. `error` makes the Error of a call that has just failed, from
/// what was being done.
class GuestfsVolumes : public Volumes {
 public:
  GuestfsVolumes(guestfs_h* handle,
                 ApplianceKiller& killer,
                 std::function<Error(std::string doing)> error)
      : handle_(handle), killer_(killer), error_(std::move(error)) {}

  Result<void> move_backup_table() override;
  Result<void> extend_partition(int number, std::uint64_t end) override;
  Result<void> extend_physical_volume(const std::string& device) override;
  Result<std::vector<std::string>> physical_volumes(const std::string& group) override;
  Result<void> extend_logical_volume(const std::string& device) override;
  Result<void> extend_file_system(const std::string& device, const std::string& type) override;

 private:
  [[nodiscard]] Result<void> check(int status, std::string doing) const;

  guestfs_h* handle_;
  ApplianceKiller& killer_;
  std::function<Error(std::string)> error_;
};

}  // namespace kiln
