#include "engine/sandbox/appliance/launch.h"

#include <cstdlib>

#include "disk/guestfs/guestfs_session.h"
#include "engine/agent/guest_agent.h"
#include "engine/core/bytes.h"
#include "engine/core/file.h"
#include "engine/sandbox/micro/micro_session.h"

namespace kiln {
namespace {

using Session = Result<std::unique_ptr<ImageSession>>;

constexpr const char* kEarlyPort = "early.sock";

/// Without driving anything out of memory but the page cache.
bool has_room(unsigned memory_mib) {
  constexpr std::string_view kName = "MemAvailable:";
  const auto text = read_file("/proc/meminfo");
  const auto at = text ? text->find(kName) : std::string::npos;
  if (at == std::string::npos) return false;
  return std::strtoull(text->c_str() + at + kName.size(), nullptr, 10) / kKiB >= memory_mib;
}

MicroOptions micro_options(const ApplianceLaunch& launch) {
  MicroOptions options;
  options.emulate = launch.emulate();
  options.memory_mib = launch.options.memory_mib;
  options.vcpus = vcpus_to_mount(launch.options);
  options.network = launch.options.network;
  options.console_log = launch.context.work_folder / kConsoleLog;
  options.work_folder = launch.context.work_folder;
  options.port = launch.port;
  return options;
}

Result<MicroFiles> micro_files(const ApplianceLaunch& launch) {
  const auto& context = launch.context;
  return prepare_micro_files(
      context.runner, launch.acceleration.kernel, context.cache_folder, context.cancel);
}

/// Under KVM a kernel starts in less time than this would save.
Result<std::optional<SavedMachine>> saved_machine(const ApplianceLaunch& launch,
                                                  const MicroOptions& options,
                                                  const MicroFiles& files) {
  if (!launch.emulate()) return std::optional<SavedMachine>();
  const auto& context = launch.context;
  return prepare_saved_machine(
      context.runner, options, files, context.cache_folder, context.cancel);
}

/// @param saved what it goes on from, instead of starting
Session start_micro(const ApplianceLaunch& launch,
                    const MicroOptions& options,
                    const MicroFiles& files,
                    const std::optional<SavedMachine>& saved) {
  const auto& context = launch.context;
  KILN_TRY_ASSIGN(auto machine,
                  MicroVm::begin(context.runner, options, files, saved, context.cancel));
  return open_micro(std::move(machine), options, context.cancel);
}

/// Goes on from a machine that has started before; null where that cannot be.
Session resume_micro(const ApplianceLaunch& launch,
                     const MicroOptions& options,
                     const MicroFiles& files) {
  const auto saved = saved_machine(launch, options, files);
  if (saved && !*saved) return std::unique_ptr<ImageSession>();
  auto session = saved ? start_micro(launch, options, files, *saved) : Session(saved.error());
  if (session || session.error().kind() == ErrorKind::kCancelled) return session;
  if (saved) give_up_saved_machine(options, files, launch.context.cache_folder);
  notice(launch.context.events, session.error().summary() + "; it is started from the beginning");
  return std::unique_ptr<ImageSession>();
}

Result<EarlyAppliance> try_early(const SandboxOptions& options, const SandboxContext& context) {
  KILN_TRY_ASSIGN(auto port, PortFolder::create(context.work_folder, kEarlyPort));
  KILN_TRY_ASSIGN(const auto launch,
                  prepare_launch(options, context, GuestPort{port.socket(), kAgentPortName}));
  KILN_TRY_ASSIGN(const auto files, micro_files(launch));
  auto micro = micro_options(launch);
  KILN_TRY_ASSIGN(const auto saved, saved_machine(launch, micro, files));
  KILN_TRY_ASSIGN(auto machine,
                  MicroVm::begin(context.runner, micro, files, saved, context.cancel));
  return EarlyAppliance{std::move(port), std::move(micro), std::move(machine)};
}

}  // namespace

Result<ApplianceLaunch> prepare_launch(const SandboxOptions& options,
                                       const SandboxContext& context,
                                       std::optional<GuestPort> port) {
  KILN_TRY_ASSIGN(auto acceleration,
                  choose_accelerator(options.accelerator,
                                     context.runner,
                                     context.cache_folder,
                                     context.events,
                                     context.cancel));
  ApplianceLaunch launch{options, context, std::move(port), std::move(acceleration), {}};
  for (const auto& medium : options.media) {
    launch.discs.push_back({medium.iso, drive_of_medium(launch.discs.size() + 1)});
  }
  return launch;
}

std::optional<EarlyAppliance> begin_early(const SandboxOptions& options,
                                          const SandboxContext& context) {
  if (options.appliance == ApplianceChoice::kLibguestfs) return std::nullopt;
  if (!has_room(options.memory_mib)) return std::nullopt;
  auto early = try_early(options, context);
  return early ? std::optional(*std::move(early)) : std::nullopt;
}

Session launch_libguestfs(const ApplianceLaunch& launch, const std::filesystem::path& disk) {
  GuestfsOptions appliance;
  appliance.disk = disk;
  appliance.emulate = launch.emulate();
  appliance.memory_mib = launch.options.memory_mib;
  appliance.vcpus = vcpus_to_mount(launch.options);
  appliance.network = launch.options.network;
  appliance.console_log = launch.context.work_folder / kConsoleLog;
  appliance.temp_folder = launch.context.work_folder;
  appliance.port = launch.port;
  appliance.agent = embedded_linux_agent();
  appliance.discs = launch.discs;
  return launch_guestfs(appliance, launch.context.cancel);
}

Session launch_micro(const ApplianceLaunch& launch,
                     const std::filesystem::path& disk,
                     EarlyAppliance* early) {
  auto options = micro_options(launch);
  options.disk = disk;
  options.discs = launch.discs;
  if (early != nullptr) {
    auto session = open_micro(std::move(early->machine), options, launch.context.cancel);
    if (session || session.error().kind() == ErrorKind::kCancelled) return session;
    notice(launch.context.events, session.error().summary() + "; it is started once more");
  }
  KILN_TRY_ASSIGN(const auto files, micro_files(launch));
  if (launch.emulate()) {
    KILN_TRY_ASSIGN(auto resumed, resume_micro(launch, options, files));
    if (resumed) return resumed;
  }
  return start_micro(launch, options, files, {});
}

}  // namespace kiln
