#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "disk/guestfs/guestfs_session.h"
#include "disk/inspect/windows/windows_facts.h"
#include "engine/core/file.h"
#include "engine/core/process_runner.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "tests/support/fixture_guests.h"
#include "tests/support/matchers.h"

namespace kiln::test {

inline constexpr const char* kSystem = "/Windows/System32/config/SYSTEM";

/// What is in the registry of a disk, and in the folder of its Windows.
struct Registry {
  std::map<std::string, std::string> files;  ///< bytes of the hives but SYSTEM, of their logs too
  std::vector<std::string> system;           ///< lines of dump_hive.py, sorted
  std::vector<std::string> windows;          ///< names in \Windows
};

/// In the order of their devices, /dev/sda and so on.
inline constexpr std::array<const char*, 10> kDisks = {"server-2016",
                                                       "server-2019",
                                                       "server-2022",
                                                       "server-2025",
                                                       "10",
                                                       "11",
                                                       "unclean",
                                                       "bitlocker",
                                                       "unfit",
                                                       "damaged"};

/// One appliance with an overlay over each disk that fixtures/guests/make-windows-disks.sh makes.
class WindowsDisks : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto folder = TempDir::create();
    ASSERT_OK(folder);
    folder_ = std::make_unique<TempDir>(*std::move(folder));
    const auto runner = make_process_runner();
    GuestfsOptions options;
    options.console_log = folder_->path() / "console.log";
    options.temp_folder = folder_->path();
    for (const std::string name : kDisks) {
      const auto disk = fixture_guest("windows-disks/" + name + ".qcow2");
      ASSERT_OK(disk);
      const auto overlay = folder_->path() / (name + ".qcow2");
      Command command;
      command.argv = {"qemu-img",
                      "create",
                      "-q",
                      "-f",
                      "qcow2",
                      "-F",
                      "qcow2",
                      "-b",
                      disk->string(),
                      overlay.string()};
      ASSERT_OK(run_checked(*runner, command, {}));
      if (options.disk.empty()) {
        options.disk = overlay;
      } else {
        options.further_disks.push_back(overlay);
      }
    }
    auto session = launch_guestfs(options, {});
    ASSERT_OK(session);
    session_ = *std::move(session);
    auto found = session_->file_systems();
    ASSERT_OK(found);
    file_systems_ = *std::move(found);
  }
  static void TearDownTestSuite() {
    if (session_) EXPECT_OK(session_->finish());
    session_.reset();
    facts_.clear();
    folder_.reset();
  }
  void SetUp() override { ASSERT_NE(session_, nullptr); }

  static std::string disk_device(const std::string& name) {
    const auto at = std::find(kDisks.begin(), kDisks.end(), name) - kDisks.begin();
    return std::string("/dev/sd") + static_cast<char>('a' + at);
  }
  static std::vector<FileSystem> file_systems_of(const std::string& name) {
    std::vector<FileSystem> found;
    for (const auto& each : file_systems_) {
      if (each.device.starts_with(disk_device(name))) found.push_back(each);
    }
    return found;
  }
  /// As the disk was made; looked at once.
  static WindowsFacts facts_of(const std::string& name) {
    if (!facts_.contains(name)) facts_[name] = inspect(name);
    return facts_[name];
  }
  static WindowsFacts inspect(const std::string& name) {
    auto facts = inspect_windows(*session_, file_systems_of(name));
    EXPECT_OK(facts);
    if (!facts || !*facts) {
      ADD_FAILURE() << "no Windows on " << name;
      return {};
    }
    return **std::move(facts);
  }

  static Result<Registry> registry(const std::string& device) {
    KILN_TRY(session_->mount({device, "/", "ntfs"}, true));
    auto found = mounted_registry();
    KILN_TRY(session_->unmount_all());
    return found;
  }

  /// A volume as a file of its own, once the appliance has ended.
  static Result<std::filesystem::path> copy_of_volume(const std::string& name,
                                                      const std::string& device) {
    const auto found = std::find_if(file_systems_.begin(),
                                    file_systems_.end(),
                                    [&](const FileSystem& each) { return each.device == device; });
    auto copy = folder_->path() / "volume.raw";
    Command command;
    command.argv = {
        "qemu-img",
        "convert",
        "-O",
        "raw",
        fmt::format(R"(json:{{"driver":"raw","offset":{},"size":{},"file":{{"driver":"qcow2",)"
                    R"("file":{{"driver":"file","filename":"{}"}}}}}})",
                    found->partition->offset,
                    found->partition->size,
                    (folder_->path() / (name + ".qcow2")).string()),
        copy.string()};
    KILN_TRY(run_checked(*make_process_runner(), command, {}));
    return copy;
  }

  static inline std::unique_ptr<TempDir> folder_;
  static inline std::unique_ptr<ImageSession> session_;
  static inline std::vector<FileSystem> file_systems_;
  static inline std::map<std::string, WindowsFacts> facts_;

 private:
  static Result<Registry> mounted_registry() {
    Registry found;
    auto& files = session_->files();
    KILN_TRY_ASSIGN(const auto hives, files.glob("/Windows/System32/config/*"));
    for (const auto& path : hives) {
      if (path == kSystem) continue;
      KILN_TRY_ASSIGN(found.files[path], files.read(path));
    }
    KILN_TRY_ASSIGN(const auto bytes, files.read(kSystem));
    const auto copy = folder_->path() / "hive";
    KILN_TRY(write_file_atomic(copy, bytes));
    Command command;
    command.argv = {KILN_SOURCE_DIR "/tests/disk/inspect/windows/dump_hive.py", copy.string()};
    KILN_TRY_ASSIGN(const auto dumped, run_checked(*make_process_runner(), command, {}));
    found.system = split_lines(dumped.out);
    std::sort(found.system.begin(), found.system.end());
    KILN_TRY_ASSIGN(found.windows, files.list("/Windows"));
    return found;
  }
};

}  // namespace kiln::test
