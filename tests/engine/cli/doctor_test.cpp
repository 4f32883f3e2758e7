#include "engine/cli/doctor.h"

#include <algorithm>
#include <fstream>

#include "engine/core/bytes.h"
#include "engine/core/temp_dir.h"
#include "tests/support/fake_runner.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using Level = Finding::Level;
using ::testing::HasSubstr;

/// A host that has everything but KVM, so that no guest needs to run.
class Doctor : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"boot", "modules/6.1-test", "work"}) {
      std::filesystem::create_directories(folder_.path() / name);
    }
    std::ofstream(folder_.path() / "boot/vmlinuz-6.1-test") << "kernel";
    write_memory("MemTotal: 9 kB\nMemAvailable:    4194304 kB\n");
    host_.paths.boot_folder = folder_.path() / "boot";
    host_.paths.modules_folder = folder_.path() / "modules";
    host_.paths.kvm_device = folder_.path() / "no-kvm";
    host_.memory = folder_.path() / "meminfo";
    host_.find_program = [](std::string_view name) {
      return std::filesystem::path("/usr/bin") / name;
    };
    host_.room = [this](const std::filesystem::path& /*folder*/) { return room_; };
    host_.examine_virt = [] { return Result<std::string>("libvirt 9"); };
    host_.examine_trusted_launch = [] { return Result<std::string>("/secure.fd, /usr/bin/swtpm"); };
    host_.examine_uefi = [] { return Result<std::string>("/code.fd"); };
    const auto work = folder_.path() / "work";
    folders_ = {work / "state", work / "cache", work, work};
  }
  void write_memory(const std::string& text) const {
    std::ofstream(folder_.path() / "meminfo") << text;
  }
  Finding find(const std::string& what) {
    test::FakeRunner runner;
    const auto findings = examine_host(folders_, runner, {}, host_);
    const auto found = std::find_if(
        findings.begin(), findings.end(), [&](const auto& each) { return each.what == what; });
    EXPECT_NE(found, findings.end()) << what;
    return found == findings.end() ? Finding{} : *found;
  }
  /// The row is as `level`, and whatever is not well has a cure.
  void expect(const std::string& what, Level level, const char* detail, const char* cure = "") {
    const auto finding = find(what);
    EXPECT_EQ(finding.level, level) << what << ": " << finding.detail;
    EXPECT_THAT(finding.detail, HasSubstr(detail));
    EXPECT_THAT(finding.cure, HasSubstr(cure));
    EXPECT_EQ(finding.cure.empty(), level == Level::kOk) << finding.cure;
  }

  TempDir folder_ = *TempDir::create();
  std::uint64_t room_ = 20 * kGiB;
  HostView host_;
  DoctorFolders folders_;
};

TEST_F(Doctor, FindsAHostThatHasEverythingReady) {
  test::FakeRunner runner;
  for (const auto& finding : examine_host(folders_, runner, {}, host_)) {
    const auto expected = finding.what == "acceleration" ? Level::kWarning : Level::kOk;
    EXPECT_EQ(finding.level, expected) << finding.what << ": " << finding.detail;
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() / "work"));
}

TEST_F(Doctor, NamesThePackageOfAMissingProgram) {
  for (const auto& [program, package] : {std::pair("qemu-system-x86_64", "qemu-system-x86"),
                                         std::pair("qemu-img", "qemu-utils"),
                                         std::pair("qemu-nbd", "qemu-utils"),
                                         std::pair("supermin", "supermin")}) {
    host_.find_program = [missing = program](std::string_view name) {
      return name == missing ? std::filesystem::path() : std::filesystem::path("/bin") / name;
    };
    expect(program, Level::kProblem, "not installed", package);
  }
  expect("qemu-img", Level::kOk, "/bin/qemu-img");
}

TEST_F(Doctor, NeedsAKernelWithItsModules) {
  expect("sandbox kernel", Level::kOk, "vmlinuz-6.1-test");
  std::filesystem::remove_all(folder_.path() / "modules");
  expect("sandbox kernel", Level::kProblem, "no kernel with its modules", "apt-get install");
  expect("acceleration", Level::kProblem, "no kernel with its modules", "apt-get install");
}

TEST_F(Doctor, NeedsMemoryForOneSandbox) {
  expect("memory", Level::kOk, "4.0 GiB available");
  write_memory("MemAvailable: 1100000 kB\n");
  expect("memory", Level::kWarning, "1.0 GiB", "--memory");
  write_memory("MemAvailable: 1000000 kB\n");
  expect("memory", Level::kProblem, "976.6 MiB", "--memory");
  write_memory("nothing of use\n");
  expect("memory", Level::kProblem, "0 bytes", "--memory");
}

TEST_F(Doctor, NeedsRoomInEveryFolder) {
  for (const auto* what : {"state folder", "output folder", "cache folder", "appliance's folder"}) {
    room_ = 20 * kGiB;
    expect(what, Level::kOk, "20.0 GiB free");
    room_ = kMiB;
    expect(what, Level::kProblem, "a build needs", "free some room");
  }
  room_ = 2 * kGiB;
  expect("state folder", Level::kWarning, "2.0 GiB free", "10.0 GiB are enough");
  expect("output folder", Level::kWarning, "2.0 GiB free");
  expect("cache folder", Level::kOk, "2.0 GiB free");
}

TEST_F(Doctor, NeedsFoldersThatItsUserCanWrite) {
  const auto file = folder_.path() / "work/file";
  std::ofstream(file) << "x";
  folders_ = {file / "a", file / "b", file / "c", file};
  for (const auto* what : {"state folder", "output folder", "cache folder", "appliance's folder"}) {
    expect(what, Level::kProblem, "cannot write", "another folder");
  }
}

TEST_F(Doctor, WithoutBootModeABuildStillRuns) {
  host_.examine_virt = [] {
    return Result<std::string>(
        fail(ErrorKind::kHostNotReady, "Sandbox:Virt", "no driver").cure("apt-get install it"));
  };
  expect("libvirt", Level::kWarning, "boot mode cannot be used: no driver", "apt-get install it");
  host_.examine_uefi = host_.examine_virt;
  expect("UEFI firmware", Level::kWarning, "boot mode cannot be used", "apt-get install it");
  expect("Secure Boot, TPM", Level::kOk, "swtpm");
  host_.examine_trusted_launch = host_.examine_virt;
  expect("Secure Boot, TPM", Level::kWarning, "TrustedLaunch images cannot", "apt-get install it");
}

TEST_F(Doctor, SaysWhyGuestsAreEmulated) {
  expect("acceleration", Level::kWarning, "this host has no", "working KVM");
}

}  // namespace
}  // namespace kiln
