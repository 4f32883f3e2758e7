#pragma once

#include <string>

#include "engine/agent/linux/covered_file.h"
#include "engine/core/unique_fd.h"

namespace kiln::agent {

/// Mount mode: we run chrooted in the root of an image that is not booted, or go there. This makes
/// it look enough like a running system for steps, in a mount namespace of our own, so that the
/// image and libguestfs see nothing of it and nothing of it is left when it ends.
class GuestRoot {
 public:
  /// @param root where the image's root is mounted; empty where we are in it already
  /// @param name_server an IP address; empty leaves /etc/resolv.conf alone
  /// @return an empty string, or what failed
  std::string enter(const std::string& root, const std::string& name_server);
  /// Goes back to the namespace that we came from; the last mounts of ours vanish with that, so
  /// the image's file systems can be unmounted at once.
  void leave();

  /// Debian's maintainer scripts ask this file whether they may start services. It stands in the
  /// image only while a step runs, and only where the image has none of its own. It is a real file
  /// rather than a mount, because steps replace and remove it themselves.
  static void forbid_services();
  static void allow_services();

 private:
  std::string provide_name_server(const std::string& name_server);

  UniqueFd original_namespace_;
  CoveredFile resolv_conf_;
};

}  // namespace kiln::agent
