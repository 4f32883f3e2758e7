#pragma once

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "disk/convert/file_digest.h"
#include "engine/core/bytes.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "engine/sandbox/registry.h"
#include "tests/support/fixture_guests.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln::test {

/// One guest in one backend.
struct SandboxCase {
  std::string backend;  ///< name in the registry
  std::string guest;    ///< file among the fixture guests
  std::string hostname;
  std::string root_filesystem;
  std::vector<std::string> mount_points;                 ///< besides the root
  std::optional<std::uint64_t> grown_to = std::nullopt;  ///< bytes of the disk, where it grows
  std::uint64_t least_root = 0;                          ///< bytes of the root's file system then
  std::string convert_to = {};  ///< a format of qemu-img's, where not the guest's own
  ApplianceChoice appliance = ApplianceChoice::kAuto;
};

// GoogleTest finds it by this name.
inline void PrintTo(const SandboxCase& sandbox_case, std::ostream* out) {  // NOLINT
  *out << sandbox_case.guest << " in " << sandbox_case.backend;
}

inline std::string case_name(const ::testing::TestParamInfo<SandboxCase>& info) {
  const auto& appliance = info.param.appliance;
  auto name = info.param.backend +
              (appliance == ApplianceChoice::kMicro        ? "_micro_"
               : appliance == ApplianceChoice::kLibguestfs ? "_libguestfs_"
                                                           : "_") +
              info.param.guest;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

/// What every sandbox promises, on a real guest. One start serves all of it, because a start is
/// what takes the time.
class SandboxContract : public ::testing::TestWithParam<SandboxCase> {
 protected:
  void SetUp() override {
    auto folder = TempDir::create();
    ASSERT_OK(folder);
    folder_ = std::make_unique<TempDir>(*std::move(folder));
    auto disk = fixture_disk(
        *runner_, GetParam().guest, folder_->path(), {GetParam().grown_to, GetParam().convert_to});
    ASSERT_OK(disk);
    const auto registry = sandbox_registry();
    const auto backend = std::find_if(registry.begin(), registry.end(), [](const auto& each) {
      return each.name == GetParam().backend;
    });
    ASSERT_NE(backend, registry.end());
    const SandboxContext context{*runner_, events_, {}, folder_->path(), fixtures_cache()};
    SandboxOptions options;
    options.appliance = GetParam().appliance;
    disk_.emplace(*disk);
    auto sandbox = backend->start(*disk, options, context);
    ASSERT_OK(sandbox);
    sandbox_ = *std::move(sandbox);
  }

  /// What a command in the guest prints on standard output.
  std::string output_of(std::vector<std::string> argv) {
    GuestCommand command;
    command.argv = std::move(argv);
    std::string text;
    const auto keep = [&text](GuestStream stream, std::string_view data) {
      if (stream == GuestStream::kStdout) text.append(data);
    };
    const auto exit = sandbox_->agent().run(command, keep, {});
    EXPECT_OK(exit);
    EXPECT_TRUE(exit.has_value() && exit->ok()) << command.argv.back();
    return std::string(trim(text));
  }

  void expect_system();
  void expect_size();
  void expect_isolation();
  void leave_files();
  void begin_layer();
  void expect_files_in(FileTree& tree);

  std::unique_ptr<ProcessRunner> runner_ = make_process_runner();
  RecordingSink events_;
  std::unique_ptr<TempDir> folder_;
  std::optional<WorkDisk> disk_;
  std::string below_;  ///< digest of the disk's file when a layer was begun over it
  std::unique_ptr<Sandbox> sandbox_;
};

inline void SandboxContract::expect_system() {
  const auto& system = sandbox_->system();
  EXPECT_EQ(system.os_id, "debian");
  EXPECT_THAT(system.pretty_name, ::testing::HasSubstr("Debian GNU/Linux 12"));
  EXPECT_EQ(system.root_filesystem, GetParam().root_filesystem);
  EXPECT_EQ(system.mounts.size(), GetParam().mount_points.size() + 1);
  EXPECT_EQ(output_of({"cat", "/etc/hostname"}), GetParam().hostname);
  EXPECT_EQ(output_of({"stat", "--file-system", "--format=%T", "/"}),
            system.root_filesystem == "ext4" ? "ext2/ext3" : system.root_filesystem);
  for (const auto& folder : GetParam().mount_points) {
    EXPECT_EQ(output_of({"mountpoint", folder}), folder + " is a mountpoint");
  }
}

/// Once, and as far as the partition's end: file systems keep some of it to themselves.
inline void SandboxContract::expect_size() {
  const auto notices = events_.messages(EventType::kNotice);
  const auto told = std::count_if(notices.begin(), notices.end(), [](const auto& text) {
    return text.find("disk grown from") != std::string::npos;
  });
  EXPECT_EQ(told, GetParam().grown_to ? 1 : 0);
  const auto size = std::stoull(output_of({"sh", "-c", "df -B1 --output=size / | tail -n 1"}));
  EXPECT_GE(size, GetParam().least_root);
  constexpr std::uint64_t kSector = 512;
  // libguestfs's own disk is another of them, and on a busy host the first.
  const auto sizes = split_lines(output_of({"sh", "-c", "cat /sys/block/sd?/size"}));
  EXPECT_THAT(sizes, ::testing::Contains(std::to_string(*GetParam().grown_to / kSector)));
}

inline void SandboxContract::expect_isolation() {
  EXPECT_EQ(output_of({"ls", "/sys/class/net"}), "lo");
  EXPECT_EQ(output_of({"id", "-u"}), "0");
}

inline void SandboxContract::leave_files() {
  ASSERT_OK(sandbox_->agent().put("put\n", "/etc/kiln-put", 0640, {}));
  output_of({"sh", "-c", "echo ran > /etc/kiln-ran"});
  for (const auto& folder : GetParam().mount_points) {
    output_of({"touch", folder + "/kiln-was-here"});
  }
  GuestCommand failing;
  failing.argv = {"sh", "-c", "exit 7"};
  const auto exit = sandbox_->agent().run(failing, nullptr, {});
  ASSERT_OK(exit);
  EXPECT_EQ(exit->code, 7);
}

/// What follows goes to a layer over the disk, but in libguestfs's appliance, where nothing
/// changes, and where qemu does not save what runs.
inline void SandboxContract::begin_layer() {
  const auto layer = disk_->create_over(*runner_, folder_->path() / "layer.qcow2", {});
  ASSERT_OK(layer);
  const auto notices = events_.messages(EventType::kNotice);
  const auto launched = std::find_if(notices.rbegin(), notices.rend(), [](const auto& text) {
    return text.find(" launched in ") != std::string::npos;
  });
  ASSERT_NE(launched, notices.rend());
  const bool mounted = GetParam().backend == "appliance";
  const auto system = folder_->path() / "layer.system";
  const auto begun = sandbox_->begin_layer(*layer, system);
  const bool saved = !mounted && GetParam().convert_to != "vhdx";
  EXPECT_EQ(std::filesystem::exists(system), saved);
  if (!saved && !(mounted && launched->starts_with("micro-appliance"))) {
    ASSERT_FALSE(begun.has_value());
    EXPECT_EQ(begun.error().kind(), ErrorKind::kUnsupported);
    return;
  }
  ASSERT_OK(begun);
  below_ = file_digest(disk_->overlay(), {}).value_or("");
}

inline void SandboxContract::expect_files_in(FileTree& tree) {
  EXPECT_EQ(tree.read("/etc/kiln-put").value(), "put\n");
  EXPECT_EQ(tree.read("/etc/kiln-ran").value(), "ran\n");
  for (const auto& folder : GetParam().mount_points) {
    EXPECT_EQ(tree.kind(folder + "/kiln-was-here").value(), FileTree::Kind::kFile) << folder;
  }
  EXPECT_EQ(tree.kind("/etc/kiln-absent").value(), FileTree::Kind::kAbsent);
  EXPECT_EQ(tree.kind("/etc").value(), FileTree::Kind::kDirectory);
  EXPECT_EQ(tree.kind("/etc/os-release").value(), FileTree::Kind::kSymlink);
  EXPECT_THAT(tree.read("/etc/os-release").value(), ::testing::HasSubstr("ID=debian"));
  EXPECT_EQ(tree.file_size("/etc/kiln-put").value(), 4U);
  EXPECT_THAT(tree.list("/etc").value(), ::testing::Contains("kiln-put"));
  EXPECT_THAT(tree.list("/nowhere").value(), ::testing::IsEmpty());
  EXPECT_THAT(tree.glob("/etc/kiln-*").value(),
              ::testing::ElementsAre("/etc/kiln-layer", "/etc/kiln-put", "/etc/kiln-ran"));
  EXPECT_THAT(
      tree.glob_each({"/etc/kiln-absent*", "/etc/kiln-[pr]*", "/nowhere/*", "/etc/kiln-put"})
          .value(),
      ::testing::ElementsAre(::testing::IsEmpty(),
                             ::testing::ElementsAre("/etc/kiln-put", "/etc/kiln-ran"),
                             ::testing::IsEmpty(),
                             ::testing::ElementsAre("/etc/kiln-put")));
  EXPECT_THAT(tree.glob_each({}).value(), ::testing::IsEmpty());
  // Nothing of the agent stays.
  EXPECT_THAT(tree.glob("/.kiln*").value(), ::testing::IsEmpty());
  EXPECT_THAT(tree.glob("/tmp/*kiln*").value(), ::testing::IsEmpty());
  EXPECT_THAT(tree.glob("/var/cache/rc/*kiln*").value(), ::testing::IsEmpty());
  if (tree.kind("/etc/inittab").value() == FileTree::Kind::kFile) {
    EXPECT_THAT(tree.read("/etc/inittab").value(), ::testing::Not(::testing::HasSubstr("kiln")));
  }
  EXPECT_EQ(tree.kind("/usr/sbin/policy-rc.d").value(), FileTree::Kind::kAbsent);
}

TEST_P(SandboxContract, RunsStepsInTheGuestAndKeepsWhatTheyDid) {
  expect_system();
  if (GetParam().grown_to) expect_size();
  expect_isolation();
  leave_files();
  begin_layer();
  output_of({"sh", "-c", "echo over > /etc/kiln-layer"});
  const auto sealed = sandbox_->seal();
  ASSERT_OK(sealed);
  auto& files = *sealed->files;
  expect_files_in(files);
  EXPECT_EQ(files.read("/etc/kiln-layer").value(), "over\n");
  EXPECT_OK(sandbox_->finish());
  if (below_.empty()) return;  // no layer was begun
  EXPECT_EQ(file_digest(disk_->overlay(), {}).value_or(""), below_);
}

}  // namespace kiln::test
