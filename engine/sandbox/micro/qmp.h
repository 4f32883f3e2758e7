#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/core/cancel.h"
#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// qemu's monitor, by the QEMU machine protocol. Each call has one command under way.
class Qmp {
 public:
  /// @param socket on which qemu listens
  static Result<Qmp> connect(const std::filesystem::path& socket, const CancelToken& cancel);
  /// @param socket connected already
  static Result<Qmp> connect(UniqueFd socket, const CancelToken& cancel);

  /// What the command returns. Qmp:Refused where qemu says that it did not do it; after any other
  /// error it may have been done.
  Result<nlohmann::json> execute(const std::string& command,
                                 const nlohmann::json& arguments,
                                 const CancelToken& cancel);
  /// Gives qemu a copy of a file's descriptor, which the next command that knows it by its name
  /// uses up.
  Result<void> pass_file(const std::string& name, int fd, const CancelToken& cancel);

 private:
  explicit Qmp(UniqueFd socket) : socket_(std::move(socket)) {}
  Result<nlohmann::json> await_answer(const std::string& command, const CancelToken& cancel);
  /// @param fd goes along with the first byte; none where negative
  Result<void> send(const std::string& text, int fd = -1) const;
  Result<nlohmann::json> receive(std::chrono::steady_clock::time_point deadline,
                                 const CancelToken& cancel);

  UniqueFd socket_;
  std::string unread_;
};

}  // namespace kiln
