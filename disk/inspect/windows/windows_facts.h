#pragma once

#include <optional>
#include <string>
#include <vector>

#include "disk/inspect/image_session.h"
#include "engine/core/result.h"

namespace kiln {

/// What an image of Windows says of itself. Texts are the image's own, as UTF-8; what a value of
/// the registry would have told is empty where there is none.
struct WindowsFacts {
  std::string device;  ///< that holds \Windows: C: to the system that is started
  std::string root;    ///< the folder, as the file system spells it: `/Windows`

  std::string product;       ///< `Windows Server 2022 Datacenter`
  std::string version;       ///< `10.0.20348.1234`
  std::string release;       ///< `21H2`, `1809`
  std::string build;         ///< `20348`
  std::string edition;       ///< `ServerDatacenter`
  std::string installation;  ///< `Server`, `Server Core`, `Client`
  std::string architecture;  ///< `AMD64`, `ARM64`, `x86`

  bool bios = false;                     ///< generation 1 can start it
  bool uefi = false;                     ///< generation 2 can start it
  std::vector<std::string> boot_stores;  ///< device and path of each BCD store with its loader

  std::string control_set;  ///< `ControlSet001`: the one that Windows starts with
  std::string computer_name;
  std::vector<std::string> page_files;
  bool hibernation = false;    ///< is switched on
  bool fast_start_up = false;  ///< likewise; a shutdown then hibernates the kernel

  std::string image_state;                   ///< `IMAGE_STATE_COMPLETE`
  std::vector<std::string> pending_restart;  ///< why Windows wants to be restarted

  /// Why nothing may be written to it, each with its cure; empty where it may be serviced.
  std::vector<Error> refusals;
};

/// Whether a disk's file system could hold Windows or its loader.
bool may_be_windows(const FileSystem& file_system);

/// Looks for Windows on these file systems, mounting one after the other, read-only; none is
/// mounted before or after.
/// @return nothing where there is no Windows. Errors: `Windows:BitLocker`, which hides everything;
///   `Windows:SeveralSystems`; `Windows:NoHives` where the session cannot read a registry
Result<std::optional<WindowsFacts>> inspect_windows(ImageSession& session,
                                                    const std::vector<FileSystem>& file_systems);

/// The first refusal, if there is one.
Result<void> check_serviceable(const WindowsFacts& facts);

}  // namespace kiln
