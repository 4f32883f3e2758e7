#include "engine/sandbox/micro/micro_vm.h"

#include <chrono>
#include <thread>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/sandbox/make_distinct.h"
#include "engine/sandbox/micro/micro_tools.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kSocketName = "tools.sock";
/// It is up after four seconds under emulation; a busy host needs more.
constexpr auto kBootPatience = std::chrono::minutes(2);
constexpr auto kSocketPatience = std::chrono::seconds(30);
constexpr auto kPowerOffPatience = std::chrono::minutes(2);
constexpr auto kLookEvery = std::chrono::milliseconds(5);
constexpr std::size_t kQuotedLines = 12;

}  // namespace

Error MicroVm::failure(Error cause) const {
  std::vector<std::string> lines;
  if (const auto console = read_file(console_log_)) lines = split_lines(*console);
  if (qemu_) {
    for (auto& line : split_lines(qemu_->error_output())) lines.push_back(std::move(line));
  }
  if (lines.size() > kQuotedLines) lines.erase(lines.begin(), lines.end() - kQuotedLines);
  return std::move(cause).quoting(std::move(lines));
}

Result<UniqueFd> MicroVm::reach(const std::filesystem::path& socket, const CancelToken& cancel) {
  const auto deadline = Clock::now() + kSocketPatience;
  auto connected = connect_agent_port(socket);
  while (!connected) {
    KILN_TRY(cancel.check());
    if (const auto code = qemu_->poll()) {
      return fail(ErrorKind::kHostNotReady, "Micro:Qemu", "qemu ended with exit code {}", *code);
    }
    if (Clock::now() > deadline) return std::move(connected).error();
    std::this_thread::sleep_for(kLookEvery);
    connected = connect_agent_port(socket);
  }
  return *std::move(connected);
}

/// Its first process waits for the disk, and finds it when it runs again.
Result<void> MicroVm::resume(const MicroOptions& options,
                             const SavedMachine& saved,
                             const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto socket, reach(micro_monitor(port_.socket()), cancel));
  KILN_TRY_ASSIGN(monitor_, Qmp::connect(std::move(socket), cancel));
  KILN_TRY(resume_machine(*monitor_, saved, cancel));
  const auto plug = [&](nlohmann::json device) {
    device["bus"] = kMicroBus;
    return monitor_->execute("device_add", device, cancel);
  };
  KILN_TRY(plug({{"driver", "scsi-hd"}, {"drive", kMicroDrive}}));
  for (std::size_t i = 0; i < options.discs.size(); ++i) {
    KILN_TRY(plug({{"driver", "scsi-cd"},
                   {"drive", fmt::format("disc{}", i)},
                   {"product", options.discs[i].drive}}));
  }
  return {};
}

Result<MicroVm> MicroVm::start(ProcessRunner& runner,
                               const MicroOptions& options,
                               const MicroFiles& files,
                               const std::optional<SavedMachine>& saved,
                               const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto port, PortFolder::create(options.work_folder, kSocketName));
  MicroVm machine(options.console_log, std::move(port));
  std::optional<FileMemory> memory;
  if (saved) memory = FileMemory{saved->memory, /*resume=*/true};
  KILN_TRY_ASSIGN(machine.qemu_,
                  runner.start(micro_command(options, files, machine.port_.socket(), memory)));
  const auto bring_up = [&]() -> Result<void> {
    if (saved) KILN_TRY(machine.resume(options, *saved, cancel));
    KILN_TRY_ASSIGN(auto socket, machine.reach(machine.port_.socket(), cancel));
    KILN_TRY_ASSIGN(machine.tools_, connect_agent(std::move(socket), kBootPatience, cancel));
    return saved ? make_distinct(*machine.tools_, kOwnTools, cancel) : Result<void>();
  };
  const auto up = bring_up();
  if (up) return machine;
  if (up.error().kind() == ErrorKind::kCancelled) return up.error();
  // Whatever the reason: libguestfs may start where this does not.
  return machine.failure(fail(ErrorKind::kHostNotReady,
                              "Micro:NotStarted",
                              "the micro-appliance did not start: {}",
                              up.error().summary())
                             .cure("build with --sandbox appliance, which is libguestfs's"));
}

Result<void> MicroVm::begin_layer(const std::filesystem::path& overlay, const CancelToken& cancel) {
  if (!monitor_) {
    KILN_TRY_ASSIGN(monitor_, Qmp::connect(micro_monitor(port_.socket()), cancel));
  }
  KILN_TRY(monitor_->execute("blockdev-snapshot-sync",
                             {{"device", kMicroDrive},
                              {"snapshot-file", overlay.string()},
                              {"format", "qcow2"},
                              {"mode", "existing"}},
                             cancel));
  return {};
}

Result<void> MicroVm::power_off(const CancelToken& cancel) {
  KILN_TRY(tools_->quit(cancel));
  const auto deadline = Clock::now() + kPowerOffPatience;
  for (;;) {
    if (const auto code = qemu_->poll()) {
      if (*code == 0) return {};
      return failure(fail(ErrorKind::kIo, "Micro:Qemu", "qemu ended with exit code {}", *code)
                         .cure("look whether the disk of the work folder is full"));
    }
    KILN_TRY(cancel.check());
    if (Clock::now() > deadline) {
      return failure(fail(
          ErrorKind::kTimeout, "Micro:PowerOff", "the micro-appliance did not switch itself off"));
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace kiln
