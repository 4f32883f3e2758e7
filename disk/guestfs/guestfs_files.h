#pragma once

#include <functional>

#include <guestfs.h>

#include "disk/guestfs/appliance_killer.h"
#include "disk/inspect/file_tree.h"
#include "engine/core/error.h"

namespace kiln {

/// What is mounted in an appliance. `error` makes the Error of a call that has just failed, from
/// what was being done.
class GuestfsFiles : public FileTree {
 public:
  GuestfsFiles(guestfs_h* handle,
               ApplianceKiller& killer,
               std::function<Error(std::string doing)> error)
      : handle_(handle), killer_(killer), error_(std::move(error)) {}

  Result<Kind> kind(const std::string& path) override;
  Result<std::uint64_t> file_size(const std::string& path) override;
  Result<std::string> read(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::vector<std::string>> glob(const std::string& pattern) override;

 private:
  guestfs_h* handle_;
  ApplianceKiller& killer_;
  std::function<Error(std::string)> error_;
};

}  // namespace kiln
