// What the agent decodes, and the order in which it takes it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/agent/messages.h"
#include "engine/agent/protocol.h"
#include "engine/core/result.h"

namespace {

/// Each byte is a frame: its type in the lower six bits, its request in the upper two.
void check_order(std::string_view bytes) {
  using namespace kiln::agent;
  RequestOrder order;
  bool active = false;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    const auto type = static_cast<FrameType>(byte & 0x3fU);
    if (byte == 0xff) {
      order.finished();
      active = false;
      continue;
    }
    const auto verdict = order.admit(type, byte >> 6U);
    if (verdict == RequestOrder::Verdict::kViolation) return;
    const bool needs_job = type == FrameType::kCancel || type == FrameType::kPutData ||
                           type == FrameType::kPutEnd || type == FrameType::kInput ||
                           type == FrameType::kInputEnd || type == FrameType::kResize ||
                           type == FrameType::kThaw;
    // The session relies on this: what continues a request is only accepted while there is one.
    if (verdict == RequestOrder::Verdict::kAccept && needs_job) KILN_CHECK(active);
    if (verdict == RequestOrder::Verdict::kAccept && !needs_job && type != FrameType::kPing) {
      KILN_CHECK(!active || type == FrameType::kQuit);
      active = true;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kiln::agent;
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  const auto check = [payload](const auto& message) {
    if (message) KILN_CHECK(encode(*message) == payload);
  };
  check(decode_run(payload));
  check(decode_terminal_size(payload));
  check(decode_put(payload));
  check(decode_get(payload));
  check(decode_remove(payload));
  check(decode_clock(payload));
  check(decode_freeze(payload));
  check(decode_forward(payload));
  check_order(payload);
  return 0;
}
