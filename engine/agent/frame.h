#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/agent/protocol.h"

namespace kiln::agent {

struct Frame {
  FrameType type = FrameType::kPing;
  std::uint32_t request = 0;
  std::string payload;
};

/// Integers are little-endian: magic u32, version u8, type u8, reserved u16 (0), request u32,
/// payload length u32, then CRC-32 (zlib's) of the 16 bytes before it and of the payload.
inline constexpr std::size_t kFrameHeaderSize = 20;

/// @param payload at most kMaxPayload bytes
std::string encode_frame(FrameType type, std::uint32_t request, std::string_view payload);

/// Drops what comes before a whole frame, or before what may become one: text of others on a port
/// that is not the agent's alone.
/// @return whether a whole frame is at the front now
bool skip_to_frame(std::string& data);

enum class FrameFault {
  kNone,
  kMagic,
  kVersion,
  kType,
  kReserved,
  kLength,
  kChecksum,
};
const char* describe(FrameFault fault);

/// Cuts an untrusted byte stream into frames. A header is checked before its payload is waited
/// for, so at most one frame is held. After a fault the stream has no meaning any more, so the
/// decoder stays faulty.
class FrameDecoder {
 public:
  enum class Status { kNeedMore, kFrame, kFaulty };
  /// Takes bytes off the front of `data` until a frame is complete or `data` is empty.
  Status feed(std::string_view& data, Frame& frame);
  [[nodiscard]] FrameFault fault() const { return fault_; }

 private:
  FrameFault check_header();

  std::string buffer_;
  std::size_t wanted_ = kFrameHeaderSize;
  FrameFault fault_ = FrameFault::kNone;
};

}  // namespace kiln::agent
