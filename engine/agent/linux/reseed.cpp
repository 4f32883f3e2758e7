#include <cerrno>
#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/agent/linux/image_tool.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {

int reseed(const std::vector<std::string>& /*arguments*/) {
  constexpr int kLargestSeed = 256;
  constexpr int kBitsPerByte = 8;
  alignas(rand_pool_info) char room[sizeof(rand_pool_info) + kLargestSeed] = {};
  auto* seed = reinterpret_cast<rand_pool_info*>(room);
  int size = 0;
  while (size < kLargestSeed) {
    const auto got = ::read(STDIN_FILENO,
                            room + sizeof(rand_pool_info) + size,
                            static_cast<std::size_t>(kLargestSeed - size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tool_failure("read", "the seed");
    if (got == 0) break;
    size += static_cast<int>(got);
  }
  seed->buf_size = size;
  seed->entropy_count = size * kBitsPerByte;
  const UniqueFd device(::open("/dev/urandom", O_RDWR | O_CLOEXEC));
  // The first only adds to the pool; the second draws the generator's key from it anew.
  const bool seeded = size > 0 && device && ::ioctl(device.get(), RNDADDENTROPY, seed) == 0 &&
                      ::ioctl(device.get(), RNDRESEEDCRNG) == 0;
  return seeded ? 0 : tool_failure("seed", "/dev/urandom");
}

}  // namespace kiln::agent
