// The frame decoder of both ends: never accepts what would not be encoded the same way.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/agent/frame.h"
#include "engine/core/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kiln::agent::Frame;
  using kiln::agent::FrameDecoder;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty()) return 0;
  // The first byte says in which pieces the others arrive.
  const std::size_t step = static_cast<std::uint8_t>(rest.front()) + std::size_t{1};
  rest.remove_prefix(1);
  const auto stream = rest;
  std::string accepted;
  FrameDecoder decoder;
  Frame frame;
  while (!rest.empty()) {
    auto piece = rest.substr(0, step);
    rest.remove_prefix(piece.size());
    while (decoder.feed(piece, frame) == FrameDecoder::Status::kFrame) {
      accepted.append(encode_frame(frame.type, frame.request, frame.payload));
    }
    if (decoder.fault() != kiln::agent::FrameFault::kNone) break;
    KILN_CHECK(piece.empty());
  }
  KILN_CHECK(stream.substr(0, accepted.size()) == accepted);
  return 0;
}
