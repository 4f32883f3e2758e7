#pragma once

#include <filesystem>
#include <memory>

#include "engine/core/process_runner.h"

namespace kiln {

/// A new TPM 2.0, emulated by swtpm until this goes out of scope. It is Kiln's own child, because
/// libvirt would have swtpm_setup write into the user's configuration, and as root fail to.
class TpmEmulator {
 public:
  /// @param folder for the socket and what the TPM stores; its path is short enough for a socket's
  static Result<TpmEmulator> start(ProcessRunner& runner,
                                   const std::filesystem::path& folder,
                                   const CancelToken& cancel);
  /// For one virtual machine.
  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }

 private:
  TpmEmulator(std::filesystem::path socket, std::unique_ptr<ChildProcess> process)
      : socket_(std::move(socket)), process_(std::move(process)) {}
  std::filesystem::path socket_;
  std::unique_ptr<ChildProcess> process_;
};

/// swtpm, where all is there that libvirt asks for; the error says which package is missing.
Result<std::filesystem::path> find_tpm_emulator();

}  // namespace kiln
