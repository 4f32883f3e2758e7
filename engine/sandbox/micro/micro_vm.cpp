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

/// Whatever the reason: libguestfs may start where this does not.
Error MicroVm::not_started(Error cause) const {
  if (cause.kind() == ErrorKind::kCancelled) return cause;
  return failure(fail(ErrorKind::kHostNotReady,
                      "Micro:NotStarted",
                      "the micro-appliance did not start: {}",
                      cause.summary())
                     .cure("build with --sandbox appliance, which is libguestfs's"));
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

Result<void> MicroVm::reach_monitor(const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto socket, reach(micro_monitor(port_.socket()), cancel));
  KILN_TRY_ASSIGN(monitor_, Qmp::connect(std::move(socket), cancel));
  return {};
}

Result<MicroVm> MicroVm::begin(ProcessRunner& runner,
                               const MicroOptions& options,
                               const MicroFiles& files,
                               const std::optional<SavedMachine>& saved,
                               const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto port, PortFolder::create(options.work_folder, kSocketName));
  MicroVm machine(options.console_log, std::move(port), saved.has_value());
  std::optional<FileMemory> memory;
  if (saved) memory = FileMemory{saved->memory, /*resume=*/true};
  KILN_TRY_ASSIGN(machine.qemu_,
                  runner.start(micro_command(options, files, machine.port_.socket(), memory)));
  const auto set_off = [&]() -> Result<void> {
    KILN_TRY(machine.reach_monitor(cancel));
    return saved ? resume_machine(*machine.monitor_, *saved, cancel) : Result<void>();
  };
  if (auto off = set_off(); !off) return machine.not_started(std::move(off).error());
  return machine;
}

Result<void> MicroVm::put_in(const nlohmann::json& node,
                             nlohmann::json device,
                             const CancelToken& cancel) {
  KILN_TRY(monitor_->execute("blockdev-add", node, cancel));
  device["drive"] = node.at("node-name");
  device["bus"] = kMicroBus;
  KILN_TRY(monitor_->execute("device_add", device, cancel));
  return {};
}

/// Its first process waits for the disk, and finds it when it is in.
Result<void> MicroVm::bring_up(const MicroOptions& options, const CancelToken& cancel) {
  node_ = "disk";
  KILN_TRY(put_in(micro_disk_node(options.disk, node_), {{"driver", "scsi-hd"}}, cancel));
  for (std::size_t i = 0; i < options.discs.size(); ++i) {
    const auto& disc = options.discs[i];
    KILN_TRY(put_in(micro_disc_node(disc.iso, fmt::format("disc{}", i)),
                    {{"driver", "scsi-cd"}, {"product", disc.drive}},
                    cancel));
  }
  KILN_TRY_ASSIGN(auto socket, reach(port_.socket(), cancel));
  KILN_TRY_ASSIGN(tools_, connect_agent(std::move(socket), kBootPatience, cancel));
  return resumed_ ? make_distinct(*tools_, kOwnTools, cancel) : Result<void>();
}

Result<void> MicroVm::give_disk(const MicroOptions& options, const CancelToken& cancel) {
  auto up = bring_up(options, cancel);
  if (!up) return not_started(std::move(up).error());
  return {};
}

Result<void> MicroVm::begin_layer(const std::filesystem::path& overlay, const CancelToken& cancel) {
  const auto next = fmt::format("layer{}", ++layers_);
  KILN_TRY(monitor_->execute("blockdev-snapshot-sync",
                             {{"node-name", node_},
                              {"snapshot-node-name", next},
                              {"snapshot-file", overlay.string()},
                              {"format", "qcow2"},
                              {"mode", "existing"}},
                             cancel));
  node_ = next;
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
