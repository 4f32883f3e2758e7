#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "engine/agent/protocol.h"
#include "engine/agent/windows/handle.h"

namespace kiln::agent {

/// One overlapped read or write at a time on a port or a pipe, and its buffer, which the system
/// uses until the transfer is over.
class Transfer {
 public:
  enum class Status { kUnderWay, kDone, kEnded };

  Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { cancel(); }

  /// @param file overlapped; borrowed until the transfer is over
  /// @return false where the other end is gone
  bool read(HANDLE file);
  /// Writes at most kMaxPayload bytes of `data`.
  bool write(HANDLE file, std::string_view data);
  [[nodiscard]] bool under_way() const { return file_ != nullptr; }
  /// Signalled when there is something to collect.
  [[nodiscard]] HANDLE event() const { return event_.get(); }
  /// @param moved what was read or written; valid until the next transfer
  Status collect(std::string_view& moved);
  void cancel();

 private:
  bool begun(HANDLE file, BOOL at_once);

  UniqueHandle event_;
  HANDLE file_ = nullptr;
  OVERLAPPED overlapped_{};
  std::array<char, kMaxPayload> buffer_{};
};

}  // namespace kiln::agent
