#include "engine/agent/frame.h"

#include <algorithm>
#include <cstdlib>

#include <zlib.h>

#include "engine/core/bytes.h"

namespace kiln::agent {
namespace {

constexpr std::uint32_t kMagic = 0x4e4c494b;  // "KILN"
constexpr std::size_t kVersionOffset = 4;
constexpr std::size_t kTypeOffset = 5;
constexpr std::size_t kReservedOffset = 6;
constexpr std::size_t kRequestOffset = 8;
constexpr std::size_t kLengthOffset = 12;
constexpr std::size_t kChecksumOffset = 16;

std::uint32_t checksum(std::string_view header, std::string_view payload) {
  const auto* head = reinterpret_cast<const Bytef*>(header.data());
  const auto* body = reinterpret_cast<const Bytef*>(payload.data());
  auto crc = ::crc32(0, head, kChecksumOffset);
  // zlib answers a null pointer with its initial value, dropping what was summed so far.
  if (!payload.empty()) crc = ::crc32(crc, body, static_cast<uInt>(payload.size()));
  return static_cast<std::uint32_t>(crc);
}

Bytes bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

std::string encode_frame(FrameType type, std::uint32_t request, std::string_view payload) {
  if (payload.size() > kMaxPayload) std::abort();  // callers cut or refuse before
  std::string frame(kFrameHeaderSize, '\0');
  frame.reserve(kFrameHeaderSize + payload.size());
  const auto header = std::as_writable_bytes(std::span(frame));
  write_le<std::uint32_t>(header, 0, kMagic);
  write_le<std::uint8_t>(header, kVersionOffset, kProtocolVersion);
  write_le<std::uint8_t>(header, kTypeOffset, static_cast<std::uint8_t>(type));
  write_le<std::uint32_t>(header, kRequestOffset, request);
  write_le<std::uint32_t>(header, kLengthOffset, static_cast<std::uint32_t>(payload.size()));
  write_le<std::uint32_t>(header, kChecksumOffset, checksum(frame, payload));
  frame.append(payload);
  return frame;
}

const char* describe(FrameFault fault) {
  switch (fault) {
    case FrameFault::kNone:
      return "no fault";
    case FrameFault::kMagic:
      return "not a frame (wrong magic number)";
    case FrameFault::kVersion:
      return "a frame of another protocol version";
    case FrameFault::kType:
      return "a frame of unknown type";
    case FrameFault::kReserved:
      return "a frame with reserved bits set";
    case FrameFault::kLength:
      return "a frame longer than allowed";
    case FrameFault::kChecksum:
      return "a frame with a wrong checksum";
  }
  return "an unknown fault";
}

FrameFault FrameDecoder::check_header() {
  const auto header = bytes_of(buffer_);
  if (read_le<std::uint32_t>(header, 0) != kMagic) return FrameFault::kMagic;
  if (read_le<std::uint8_t>(header, kVersionOffset) != kProtocolVersion) {
    return FrameFault::kVersion;
  }
  if (!is_known(static_cast<FrameType>(read_le<std::uint8_t>(header, kTypeOffset)))) {
    return FrameFault::kType;
  }
  if (read_le<std::uint16_t>(header, kReservedOffset) != 0) return FrameFault::kReserved;
  const auto length = read_le<std::uint32_t>(header, kLengthOffset);
  if (length > kMaxPayload) return FrameFault::kLength;
  wanted_ = kFrameHeaderSize + length;
  return FrameFault::kNone;
}

FrameDecoder::Status FrameDecoder::feed(std::string_view& data, Frame& frame) {
  while (fault_ == FrameFault::kNone) {
    const auto piece = data.substr(0, wanted_ - buffer_.size());
    buffer_.append(piece);
    data.remove_prefix(piece.size());
    if (buffer_.size() < wanted_) return Status::kNeedMore;
    if (wanted_ == kFrameHeaderSize) {
      fault_ = check_header();
      if (fault_ != FrameFault::kNone || wanted_ > kFrameHeaderSize) continue;
    }
    const auto header = bytes_of(buffer_);
    const auto payload = std::string_view(buffer_).substr(kFrameHeaderSize);
    if (read_le<std::uint32_t>(header, kChecksumOffset) != checksum(buffer_, payload)) {
      fault_ = FrameFault::kChecksum;
      continue;
    }
    frame.type = static_cast<FrameType>(read_le<std::uint8_t>(header, kTypeOffset));
    frame.request = read_le<std::uint32_t>(header, kRequestOffset);
    frame.payload.assign(payload);
    buffer_.clear();
    wanted_ = kFrameHeaderSize;
    return Status::kFrame;
  }
  return Status::kFaulty;
}

bool skip_to_frame(std::string& data) {
  constexpr std::string_view kMark = "KILN";
  auto rest = std::string_view(data);
  bool whole = false;
  for (; !rest.empty(); rest.remove_prefix(1)) {
    if (!rest.starts_with(kMark.substr(0, rest.size()))) continue;
    auto tried = rest;
    Frame frame;
    const auto status = FrameDecoder().feed(tried, frame);
    whole = status == FrameDecoder::Status::kFrame;
    if (status != FrameDecoder::Status::kFaulty) break;
  }
  data.erase(0, data.size() - rest.size());
  return whole;
}

}  // namespace kiln::agent
