// What the host decodes, from a guest that is not trusted: total, and one encoding per message.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/agent/messages.h"
#include "engine/core/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kiln::agent;
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  const auto check = [payload](const auto& message) {
    if (message) KILN_CHECK(encode(*message) == payload);
  };
  check(decode_hello(payload));
  check(decode_input_taken(payload));
  check(decode_exit(payload));
  check(decode_removed(payload));
  check(decode_stream_open(payload));
  check(decode_error(payload));
  return 0;
}
