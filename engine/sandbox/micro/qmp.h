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

  /// What the command returns. Qmp:Refused where qemu says that it did not do it; after any other
  /// error it may have been done.
  Result<nlohmann::json> execute(const std::string& command,
                                 const nlohmann::json& arguments,
                                 const CancelToken& cancel);

 private:
  explicit Qmp(UniqueFd socket) : socket_(std::move(socket)) {}
  Result<void> send(const std::string& text) const;
  Result<nlohmann::json> receive(std::chrono::steady_clock::time_point deadline,
                                 const CancelToken& cancel);

  UniqueFd socket_;
  std::string unread_;
};

}  // namespace kiln
