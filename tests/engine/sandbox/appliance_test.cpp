#include "engine/sandbox/appliance/appliance.h"

#include <array>
#include <csignal>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/sandbox/host_kernel.h"
#include "engine/sandbox/micro/micro_files.h"
#include "engine/sandbox/micro/micro_vm.h"
#include "tests/contract/sandbox_contract.h"
#include "tests/support/processes.h"

namespace kiln::test {
namespace {

const std::vector<SandboxCase> kGuests = {
    {"appliance", "debian12.vhd", "kiln-guest", "ext4", {"/boot/efi"}},
    {"appliance", "layout-ext4.qcow2", "kiln-ext4", "ext4", {}},
    {"appliance", "layout-xfs.vhd", "kiln-xfs", "xfs", {"/boot", "/boot/efi"}},
    {"appliance", "layout-btrfs.vhdx", "kiln-btrfs", "btrfs", {"/home"}},
    {"appliance", "layout-lvm.raw", "kiln-lvm", "ext4", {"/boot", "/boot/efi", "/var", "/home"}}};

std::vector<SandboxCase> in_micro(std::vector<SandboxCase> guests) {
  for (auto& guest : guests) guest.appliance = ApplianceChoice::kMicro;
  return guests;
}

/// With their disks grown, for which each needs libguestfs.
std::vector<SandboxCase> grown_in_libguestfs(std::vector<SandboxCase> guests) {
  constexpr std::array<std::pair<std::uint64_t, std::uint64_t>, 4> kSizes = {
      {{2 * kGiB, 1900 * kMiB},
       {4 * kGiB, 3600 * kMiB},
       {4 * kGiB, 4094 * kMiB},
       {5 * kGiB, 3300 * kMiB}}};
  for (std::size_t i = 0; i < guests.size(); ++i) {
    guests[i].appliance = ApplianceChoice::kLibguestfs;
    if (i == 0) continue;  // as it is, for the same in both
    guests[i].grown_to = kSizes[i - 1].first;
    guests[i].least_root = kSizes[i - 1].second;
  }
  return guests;
}

INSTANTIATE_TEST_SUITE_P(Micro, SandboxContract, ::testing::ValuesIn(in_micro(kGuests)), case_name);
INSTANTIATE_TEST_SUITE_P(Libguestfs,
                         SandboxContract,
                         ::testing::ValuesIn(grown_in_libguestfs(kGuests)),
                         case_name);

/// Starts a sandbox, says so on `ready`, and waits to be killed.
[[noreturn]] void hold_a_sandbox(const WorkDisk& disk,
                                 const std::filesystem::path& folder,
                                 int ready) {
  const auto runner = make_process_runner();
  SandboxOptions options;
  options.accelerator = AcceleratorChoice::kTcg;
  const auto sandbox =
      start_appliance(disk, options, {*runner, null_sink(), {}, folder, fixtures_cache()});
  const char answer = sandbox ? 'y' : 'n';
  if (::write(ready, &answer, 1) == 1) ::pause();
  ::_exit(1);
}

TEST(ApplianceKilled, LeavesNoVirtualMachineAndTheSourceUntouched) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto runner = make_process_runner();
  const auto guest = fixture_guest("layout-ext4.qcow2");
  ASSERT_OK(guest);
  const auto before = sha256_file(*guest);
  ASSERT_OK(before);
  const auto disk = fixture_disk(*runner, "layout-ext4.qcow2", folder->path());
  ASSERT_OK(disk);

  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t holder = ::fork();
  ASSERT_GE(holder, 0);
  if (holder == 0) hold_a_sandbox(*disk, folder->path(), ready[1]);
  ::close(ready[1]);
  char answer = 'n';
  EXPECT_EQ(::read(ready[0], &answer, 1), 1);
  ::close(ready[0]);
  EXPECT_EQ(answer, 'y');
  const auto marker = folder->path().string();
  EXPECT_FALSE(processes_with(marker).empty());

  ASSERT_EQ(::kill(holder, SIGKILL), 0);
  ASSERT_EQ(::waitpid(holder, nullptr, 0), holder);
  EXPECT_TRUE(wait_for([&] { return processes_with(marker).empty(); }, std::chrono::seconds(5)));
  EXPECT_EQ(sha256_file(*guest).value(), before.value());
}

std::vector<std::filesystem::path> files_like(const std::filesystem::path& folder,
                                              const std::string& end) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == end) found.push_back(entry.path());
  }
  return found;
}

TEST(SavedMachine, ServesSeveralAtOnceAndIsGivenUpWhereItDoesNot) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto runner = make_process_runner();
  const auto cache = folder->path() / "cache";
  RecordingSink events;
  SandboxOptions options;
  options.accelerator = AcceleratorChoice::kTcg;
  options.appliance = ApplianceChoice::kMicro;
  const auto start = [&](const char* name) {
    const auto work = folder->path() / name;
    std::filesystem::create_directory(work);
    const auto disk = fixture_disk(*runner, "layout-ext4.qcow2", work);
    EXPECT_OK(disk);
    auto sandbox = start_appliance(*disk, options, {*runner, events, {}, work, cache});
    EXPECT_OK(sandbox);
    return *std::move(sandbox);
  };
  const auto resumed = [&] { return processes_with((cache / "micro/machine-").string()).size(); };
  const auto first = start("first");
  const auto second = start("second");
  EXPECT_EQ(resumed(), 2U);
  const auto devices = files_like(cache / "micro", ".devices");
  ASSERT_EQ(devices.size(), 1U);  // both go on from it
  ASSERT_OK(write_file_atomic(devices[0], "no machine"));
  const auto third = start("third");
  const auto fourth = start("fourth");
  EXPECT_EQ(resumed(), 2U);
  const auto told = events.messages(EventType::kNotice);
  EXPECT_EQ(std::count_if(told.begin(),
                          told.end(),
                          [](const std::string& text) {
                            return text.find("started from the beginning") != std::string::npos;
                          }),
            1);
}

/// Before anything else has run in them. Ten, because two that are not seeded differ by chance in
/// three of four cases.
TEST(SavedMachine, MachinesOfOneDrawOtherRandomNumbers) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto runner = make_process_runner();
  const auto kernel = find_host_kernel({});
  ASSERT_OK(kernel);
  const auto files = prepare_micro_files(*runner, *kernel, fixtures_cache(), {});
  ASSERT_OK(files);
  constexpr std::size_t kMachines = 10;
  std::set<std::string> drawn;
  for (std::size_t i = 0; i < kMachines; ++i) {
    const auto work = folder->path() / std::to_string(i);
    std::filesystem::create_directory(work);
    const auto disk = fixture_disk(*runner, "layout-ext4.qcow2", work);
    ASSERT_OK(disk);
    MicroOptions options;
    options.disk = disk->overlay();
    options.console_log = work / "console.log";
    options.work_folder = work;
    const auto saved = prepare_saved_machine(*runner, options, *files, fixtures_cache(), {});
    ASSERT_OK(saved);
    ASSERT_TRUE(saved->has_value());
    auto machine = MicroVm::begin(*runner, options, *files, *saved, {});
    ASSERT_OK(machine);
    ASSERT_OK(machine->give_disk(options, {}));
    const auto uuid = machine->tools().get("/proc/sys/kernel/random/uuid", kKiB, {});
    ASSERT_OK(uuid);
    drawn.insert(*uuid);
  }
  EXPECT_EQ(drawn.size(), kMachines);
}

TEST(EarlyAppliance, IsStartedOnceMoreWhereItDies) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto runner = make_process_runner();
  const auto disk = fixture_disk(*runner, "layout-ext4.qcow2", folder->path());
  ASSERT_OK(disk);
  RecordingSink events;
  const SandboxContext context{*runner, events, {}, folder->path(), fixtures_cache()};
  SandboxOptions options;
  options.accelerator = AcceleratorChoice::kTcg;
  auto early = begin_early(options, context);
  ASSERT_TRUE(early.has_value());
  for (const int pid : processes_with(folder->path().string())) ::kill(pid, SIGKILL);
  const auto sandbox = start_appliance(*disk, options, context, std::move(early));
  ASSERT_OK(sandbox);
  EXPECT_OK((*sandbox)->agent().get("/etc/fstab", kKiB, {}));
  EXPECT_THAT(events.messages(EventType::kNotice),
              ::testing::Contains(::testing::HasSubstr("it is started once more")));

  options.appliance = ApplianceChoice::kLibguestfs;
  EXPECT_FALSE(begin_early(options, context).has_value());
}

/// A host's kernel that is none of those that a micro-appliance was ever tried with.
TEST(ApplianceFallback, IsLibguestfsWhereTheMicroApplianceDoesNotStart) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto runner = make_process_runner();
  const auto disk = fixture_disk(*runner, "layout-ext4.qcow2", folder->path());
  ASSERT_OK(disk);
  const auto cache = folder->path() / "cache";
  const auto kernel = find_host_kernel({});
  ASSERT_OK(kernel);
  const auto files = prepare_micro_files(*runner, *kernel, cache, {});
  ASSERT_OK(files);
  ASSERT_OK(write_file_atomic(files->kernel, "no kernel"));

  RecordingSink events;
  const SandboxContext context{*runner, events, {}, folder->path(), cache};
  SandboxOptions options;
  options.accelerator = AcceleratorChoice::kTcg;
  options.appliance = ApplianceChoice::kMicro;
  EXPECT_THAT(start_appliance(*disk, options, context), FailsWith("Micro:NotStarted"));
  options.appliance = ApplianceChoice::kAuto;
  const auto sandbox = start_appliance(*disk, options, context);
  ASSERT_OK(sandbox);
  EXPECT_THAT(events.messages(EventType::kNotice),
              ::testing::Contains(::testing::HasSubstr("libguestfs takes over")));
}

}  // namespace
}  // namespace kiln::test
