#include "engine/sandbox/micro/saved_machine.h"

#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/host_kernel.h"
#include "engine/sandbox/micro/micro_cache.h"
#include "engine/sandbox/micro/qmp.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// It is there after three seconds under emulation; a busy host needs more.
constexpr auto kStartPatience = std::chrono::minutes(2);
constexpr auto kSavePatience = std::chrono::seconds(30);
constexpr auto kLookEvery = std::chrono::milliseconds(10);
constexpr mode_t kOwnerOnly = 0600;
constexpr const char* kStream = "stream";
/// Stands in a record instead of an id.
constexpr const char* kRefused = "refused";

/// The files of a kind of machine. The record names the pair, so that a pair that another build has
/// made at the same time is never mixed with ours.
struct Place {
  fs::path folder;
  fs::path record;

  [[nodiscard]] SavedMachine machine(const std::string& id) const {
    const auto stem = (folder / id).string();
    return {stem + ".memory", stem + ".devices"};
  }
};

/// The boot's id, because nothing is written through here: after a power cut the files may be
/// anything.
Result<Place> place_of(const MicroOptions& options,
                       const MicroFiles& files,
                       const fs::path& cache_folder) {
  KILN_TRY_ASSIGN(const auto folder, micro_cache(cache_folder));
  KILN_TRY_ASSIGN(const auto boot, read_file(HostPaths().boot_id));
  auto neutral = options;
  neutral.disk.clear();
  neutral.discs.clear();
  neutral.console_log.clear();
  neutral.port.reset();
  const auto command = micro_command(neutral, files, "/tools.sock", FileMemory{});
  const auto key = micro_key(fmt::format("{}\n{}{}",
                                         fmt::join(command.argv, "\n"),
                                         file_identity(find_program(command.argv.front())),
                                         boot));
  return Place{folder, folder / ("machine-" + key)};
}

/// What the record says: a machine, or that there is none to be had. Nothing where it says neither.
std::optional<std::optional<SavedMachine>> recorded(const Place& place) {
  const auto id = read_file(place.record);
  if (!id) return std::nullopt;
  if (*id == kRefused) return std::optional<SavedMachine>();
  const auto machine = place.machine(*id);
  const bool whole = renew(machine.memory) && renew(machine.devices) && renew(place.record);
  return whole ? std::optional(std::optional(machine)) : std::nullopt;
}

/// Held while a machine is made.
UniqueFd try_lock(const fs::path& record) {
  UniqueFd file(
      ::open((record.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly));
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) file.reset();
  return file;
}

/// What a killed build left of the same kind. Whoever has the lock is the only one that makes any.
void remove_unfinished(const Place& place) {
  const auto begin = place.record.filename().string() + "-";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(place.folder, error)) {
    std::error_code ignored;
    if (entry.path().filename().string().rfind(begin, 0) == 0) fs::remove(entry.path(), ignored);
  }
}

Error not_saved(std::string_view why) {
  return fail(
      ErrorKind::kUnsupported, "Micro:NotSaved", "no micro-appliance could be saved: {}", why);
}

/// Waits until `there` says so.
template <class Condition>
Result<void> await(ChildProcess& qemu,
                   std::chrono::milliseconds patience,
                   const CancelToken& cancel,
                   Condition there) {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    KILN_TRY_ASSIGN(const bool done, there());
    if (done) return {};
    KILN_TRY(cancel.check());
    if (qemu.poll()) return not_saved("qemu ended: " + printable(qemu.error_output()));
    if (Clock::now() > deadline) return not_saved("it takes too long");
    std::this_thread::sleep_for(kLookEvery);
  }
}

/// The memory's own file holds it already.
Result<void> share_memory(Qmp& monitor, const CancelToken& cancel) {
  KILN_TRY(
      monitor.execute("migrate-set-capabilities",
                      {{"capabilities", {{{"capability", "x-ignore-shared"}, {"state", true}}}}},
                      cancel));
  return {};
}

Result<void> save_devices(Qmp& monitor,
                          ChildProcess& qemu,
                          const fs::path& file,
                          const CancelToken& cancel) {
  const UniqueFd stream(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerOnly));
  if (!stream) return not_saved("cannot create " + file.string());
  KILN_TRY(monitor.execute("stop", nlohmann::json::object(), cancel));
  KILN_TRY(share_memory(monitor, cancel));
  KILN_TRY(monitor.pass_file(kStream, stream.get(), cancel));
  KILN_TRY(monitor.execute("migrate", {{"uri", std::string("fd:") + kStream}}, cancel));
  return await(qemu, kSavePatience, cancel, [&]() -> Result<bool> {
    KILN_TRY_ASSIGN(const auto answer,
                    monitor.execute("query-migrate", nlohmann::json::object(), cancel));
    const auto status = answer.value("status", std::string());
    if (status == "failed" || status == "cancelled") {
      return not_saved(printable(answer.value("error-desc", status)));
    }
    return status == "completed";
  });
}

Result<void> make_machine(ProcessRunner& runner,
                          MicroOptions options,
                          const MicroFiles& files,
                          const SavedMachine& machine,
                          const CancelToken& cancel) {
  // qemu would let everybody read what the machine's random numbers begin with.
  if (!UniqueFd(
          ::open(machine.memory.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly))) {
    return not_saved("cannot create " + machine.memory.string());
  }
  KILN_TRY_ASSIGN(const auto port, PortFolder::create(options.work_folder, "saved.sock"));
  const auto& socket = port.socket();
  options.console_log = options.work_folder / "saved-console.log";
  options.port.reset();
  KILN_TRY_ASSIGN(const auto qemu,
                  runner.start(micro_command(options, files, socket, FileMemory{machine.memory})));
  KILN_TRY(await(*qemu, kStartPatience, cancel, [&]() -> Result<bool> {
    const auto console = read_file(options.console_log);
    return console && console->find(kWaitsForDisk) != std::string::npos;
  }));
  KILN_TRY_ASSIGN(auto monitor, Qmp::connect(micro_monitor(socket), cancel));
  return save_devices(monitor, *qemu, machine.devices, cancel);
}

}  // namespace

Result<std::optional<SavedMachine>> prepare_saved_machine(ProcessRunner& runner,
                                                          const MicroOptions& options,
                                                          const MicroFiles& files,
                                                          const fs::path& cache_folder,
                                                          const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto place, place_of(options, files, cache_folder));
  if (const auto known = recorded(place)) return *known;
  const auto lock = try_lock(place.record);
  if (!lock) return std::optional<SavedMachine>();
  // Another build may have made it just now.
  if (const auto known = recorded(place)) return *known;
  remove_unused(place.folder);
  remove_unfinished(place);
  const auto id = fmt::format("{}-{}", place.record.filename().string(), ::getpid());
  auto machine = place.machine(id);
  auto made = make_machine(runner, options, files, machine, cancel);
  if (made) made = write_file_atomic(place.record, id);
  if (made) return machine;
  std::error_code ignored;
  fs::remove(machine.memory, ignored);
  fs::remove(machine.devices, ignored);
  if (made.error().kind() != ErrorKind::kCancelled) {
    give_up_saved_machine(options, files, cache_folder);
  }
  return std::move(made).error();
}

Result<void> resume_machine(Qmp& monitor, const SavedMachine& saved, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto stream, open_read_only(saved.devices));
  KILN_TRY(share_memory(monitor, cancel));
  KILN_TRY(monitor.pass_file(kStream, stream.get(), cancel));
  KILN_TRY(monitor.execute("migrate-incoming", {{"uri", std::string("fd:") + kStream}}, cancel));
  const auto deadline = Clock::now() + kSavePatience;
  for (;;) {
    KILN_TRY_ASSIGN(const auto answer,
                    monitor.execute("query-status", nlohmann::json::object(), cancel));
    if (answer.value("status", std::string()) != "inmigrate") break;
    if (Clock::now() > deadline) {
      return fail(ErrorKind::kTimeout, "Micro:NotResumed", "qemu does not read the saved machine");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  // It was saved at rest, so it is loaded at rest.
  KILN_TRY(monitor.execute("cont", nlohmann::json::object(), cancel));
  return {};
}

void give_up_saved_machine(const MicroOptions& options,
                           const MicroFiles& files,
                           const fs::path& cache_folder) {
  const auto place = place_of(options, files, cache_folder);
  if (place) std::ignore = write_file_atomic(place->record, kRefused);
}

}  // namespace kiln
