#include "engine/run/job_slots.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "engine/core/bytes.h"
#include "engine/core/file.h"
#include "engine/sandbox/agent_port.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr auto kLookEvery = std::chrono::milliseconds(200);

Error slot_error(const fs::path& path) {
  return fail(ErrorKind::kIo, "Run:JobSlot", "cannot open {}: {}", path.string(), strerror(errno))
      .cure("--jobs 0 builds without looking at other builds");
}

Result<UniqueFd> open_slot(const fs::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return slot_error(path);
  return file;
}

std::uint64_t claimed_in(const fs::path& path) {
  const auto text = read_file(path, kKiB);
  return text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
}

}  // namespace

JobLimits host_job_limits() {
  JobLimits limits;
  limits.slots = std::max(std::thread::hardware_concurrency(), 1U);
  const auto bytes = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L)) *
                     static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  limits.memory_mib = bytes / kMiB * 4 / 5;
  return limits;
}

Result<fs::path> job_folder() {
  auto folder = short_folder() / fmt::format("kiln-jobs-{}", ::geteuid());
  struct stat status {};
  const bool made = ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST;
  if (!made || ::lstat(folder.c_str(), &status) != 0) return slot_error(folder);
  if (S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 0022) == 0) {
    return folder;
  }
  return fail(ErrorKind::kIo, "Run:JobSlot", "{} is not this user's alone", folder.string())
      .cure("--jobs 0 builds without looking at other builds");
}

Result<UniqueFd> JobSlots::take(std::uint64_t memory_mib,
                                EventSink& events,
                                const CancelToken& cancel) {
  if (limits_.slots == 0) return UniqueFd();
  bool told = false;
  while (true) {
    KILN_TRY(cancel.check());
    KILN_TRY_ASSIGN(auto slot, try_take(memory_mib));
    if (slot) return slot;
    if (!told) notice(events, "waiting until other builds on this host are through");
    told = true;
    pollfd polled{cancel.fd(), POLLIN, 0};
    ::poll(&polled, 1, static_cast<int>(kLookEvery.count()));
  }
}

Result<UniqueFd> JobSlots::try_take(std::uint64_t memory_mib) {
  KILN_TRY_ASSIGN(const auto guard, open_slot(folder_ / "guard"));
  if (::flock(guard.get(), LOCK_EX) != 0) return UniqueFd();
  UniqueFd free;
  std::uint64_t claimed = 0;
  for (unsigned i = 0; i < limits_.slots; ++i) {
    const auto path = folder_ / fmt::format("slot-{}", i);
    KILN_TRY_ASSIGN(auto slot, open_slot(path));
    if (::flock(slot.get(), LOCK_EX | LOCK_NB) != 0) {
      claimed += claimed_in(path);
    } else if (!free) {
      free = std::move(slot);
    }
  }
  if (!free || (claimed > 0 && claimed + memory_mib > limits_.memory_mib)) return UniqueFd();
  const auto text = std::to_string(memory_mib);
  if (::ftruncate(free.get(), 0) != 0 || ::pwrite(free.get(), text.data(), text.size(), 0) < 0) {
    return slot_error(folder_);
  }
  return free;
}

}  // namespace kiln
