#include "engine/cli/core_dumps.h"

#include <algorithm>
#include <sys/resource.h>

namespace kiln {

void forbid_core_dumps() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  // One byte, because the kernel still starts a program that collects dumps where the limit is 0
  // (core(5)). Being undumpable (prctl(2)) would take our own /proc/self away from an ordinary
  // user.
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 1);
  ::setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace kiln
