#include "disk/guestfs/appliance_killer.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <dirent.h>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/core/c_handle.h"
#include "engine/core/file.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr int kKillPeriodMs = 50;

/// The fourth field of /proc/PID/stat; the second is the program's name in parentheses, which may
/// itself hold any character.
bool is_our_child(const std::string& folder) {
  const auto stat = read_file(folder + "/stat");
  if (!stat) return false;
  const auto name_end = stat->rfind(')');
  if (name_end == std::string::npos) return false;
  const auto fields = split(trim(std::string_view(*stat).substr(name_end + 1)), ' ');
  return fields.size() > 1 && fields[1] == std::to_string(::getpid());
}

/// qemu by its marker, and supermin, which libguestfs runs first to build the appliance.
bool belongs_to_appliance(const std::string& folder, std::string_view marker) {
  const auto command_line = read_file(folder + "/cmdline");
  if (!command_line || !is_our_child(folder)) return false;
  const auto program = std::string_view(*command_line).substr(0, command_line->find('\0'));
  return command_line->find(marker) != std::string::npos ||
         program.substr(program.rfind('/') + 1) == "supermin";
}

void kill_appliance(std::string_view marker) {
  const CHandle<DIR, ::closedir> folder(::opendir("/proc"));
  if (!folder) return;
  while (const auto* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    // The descriptor is taken before the look, so that a reused number cannot be hit.
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(name), 0)));
    if (process && belongs_to_appliance("/proc/" + name, marker)) {
      ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
    }
  }
}

}  // namespace

ApplianceKiller::ApplianceKiller(std::string marker,
                                 CancelToken cancel,
                                 std::chrono::steady_clock::time_point deadline)
    : marker_(std::move(marker)),
      cancel_(std::move(cancel)),
      deadline_(deadline),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { watch(); }) {}

ApplianceKiller::~ApplianceKiller() {
  stopping_ = true;
  notify();
  thread_.join();
}

void ApplianceKiller::lift_deadline() {
  lifted_ = true;
  notify();
}

void ApplianceKiller::kill_now() const {
  kill_appliance(marker_);
}

void ApplianceKiller::notify() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void ApplianceKiller::watch() {
  std::array<pollfd, 2> entries = {{{wake_.get(), POLLIN, 0}, {cancel_.fd(), POLLIN, 0}}};
  while (true) {
    const bool killing = reason_ != Reason::kNone;
    int patience = -1;
    if (killing) {
      // Again and again, because a call may be about to start the next program.
      patience = kKillPeriodMs;
    } else if (!lifted_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline_ - std::chrono::steady_clock::now());
      patience = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }
    // A token that has fired stays readable, so it is watched only until then.
    ::poll(entries.data(), killing ? 1 : 2, patience);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto drained = ::read(wake_.get(), &count, sizeof count);
    if (stopping_) return;
    if (!killing && cancel_.requested()) {
      reason_ = Reason::kCancelled;
    } else if (!killing && !lifted_ && std::chrono::steady_clock::now() >= deadline_) {
      reason_ = Reason::kTooLate;
    }
    if (reason_ != Reason::kNone && calls_ > 0) kill_appliance(marker_);
  }
}

}  // namespace kiln
