// Everything that an installer may do instead of installing, by a fake one in a real machine.
#include "engine/sandbox/installation.h"

#include <thread>

#include "disk/image/probe.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "engine/sandbox/host_kernel.h"
#include "engine/sandbox/initramfs.h"
#include "engine/sandbox/micro/host_programs.h"
#include "engine/sandbox/micro/micro_files.h"
#include "tests/support/fixture_guests.h"
#include "tests/support/iso_image.h"
#include "tests/support/matchers.h"
#include "tests/support/processes.h"
#include "tests/support/recording_sink.h"

extern "C" {
extern const char kiln_boot_sector[];
extern const char kiln_boot_sector_end[];
}

namespace kiln::test {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = ConsoleMark::Kind;

/// The embedded driver has one folder in the life of a process, so all tests share it.
const std::filesystem::path& work_folder() {
  static const auto folder = TempDir::create().value();
  return folder.path();
}

/// Installers have drivers for SATA, which not every flavour of a host's kernel has.
Result<std::filesystem::path> kernel_with_sata() {
  const HostPaths host;
  for (const auto& entry : std::filesystem::directory_iterator(host.modules_folder)) {
    const auto version = entry.path().filename().string();
    auto kernel = host.boot_folder / ("vmlinuz-" + version);
    const auto driver = entry.path() / "kernel/drivers/ata/ahci.ko";
    const bool has_driver = std::filesystem::exists(driver) ||
                            std::filesystem::exists(driver.string() + ".xz") ||
                            std::filesystem::exists(driver.string() + ".zst");
    if (has_driver && std::filesystem::exists(kernel)) return kernel;
  }
  return fail(ErrorKind::kHostNotReady, "Test:NoKernel", "no kernel here has a driver for SATA")
      .cure("fixtures/packages.sh test");
}

/// A file system with a system that was installed half, and its installer's log.
Result<std::string> half_installed_system(ProcessRunner& runner) {
  const auto root = work_folder() / "root";
  for (const char* folder : {"etc", "var/log/installer", "usr/lib", "bin", "proc"}) {
    KILN_TRY(make_directories(root / folder));
  }
  KILN_TRY(write_file_atomic(root / "etc/os-release", "ID=fake\nPRETTY_NAME=\"Fake 1\"\n"));
  KILN_TRY(write_file_atomic(root / "etc/fstab", "/dev/sda / ext4 defaults 0 1\n"));
  KILN_TRY(write_file_atomic(root / "var/log/installer/syslog",
                             "main: 1 of 2\ngrub-install: error: disk `sda' is full\n"));
  const auto image = work_folder() / "installed.img";
  Command command;
  command.argv = {"mke2fs", "-q", "-t", "ext4", "-d", root.string(), image.string(), "8M"};
  KILN_TRY(run_checked(runner, command, {}));
  return read_file(image);
}

Result<void> add_modules(Initramfs& initramfs,
                         ProcessRunner& runner,
                         const std::string& list,
                         const std::vector<std::string>& wanted) {
  KILN_TRY_ASSIGN(const auto kernel, kernel_with_sata());
  KILN_TRY_ASSIGN(const auto modules, module_files(runner, kernel, wanted, {}));
  std::string names;
  for (const auto& file : modules) {
    KILN_TRY_ASSIGN(const auto contents, read_file(file));
    const auto name = fmt::format("modules/{}-{}", list, file.filename().string());
    KILN_TRY(initramfs.add_file(name, contents, 0644));
    names += "/" + name + "\n";
  }
  return initramfs.add_file(list, names, 0644);
}

Result<std::string> fake_initrd(ProcessRunner& runner) {
  Initramfs initramfs;
  KILN_TRY_ASSIGN(const auto program, read_file(KILN_FAKE_INSTALLER));
  KILN_TRY(initramfs.add_file("init", program, 0755));
  KILN_TRY(add_modules(initramfs, runner, "modules.list", {"virtio_pci", "virtio_scsi", "sd_mod"}));
  KILN_TRY(add_modules(initramfs, runner, "drives.list", {"ahci", "sr_mod"}));
  KILN_TRY_ASSIGN(const auto system, half_installed_system(runner));
  KILN_TRY(initramfs.add_file("installed.img", system, 0644));
  return initramfs.finish();
}

class InstallationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto runner = make_process_runner();
    const auto initrd = fake_initrd(*runner);
    ASSERT_OK(initrd);
    ASSERT_OK(write_file_atomic(work_folder() / "initrd", *initrd));
    write_iso(work_folder() / "fake.iso", {{"initrd", *initrd}});
  }

  void SetUp() override {
    const auto kernel = kernel_with_sata();
    ASSERT_OK(kernel);
    const auto files = prepare_micro_files(*runner_, *kernel, fixtures_cache(), {});
    ASSERT_OK(files);
    installation_.system = "Fake 1";
    installation_.iso = work_folder() / "fake.iso";
    installation_.kernel = files->kernel;
    installation_.initrd = work_folder() / "initrd";
    installation_.firmware = Firmware::kBios;
    installation_.disk_bytes = 16 * kMiB;
    installation_.memory_mib = 256;
    options_.memory_mib = 256;
    installation_.time_limit = 120s;
    installation_.idle_limit = 12s;
    installation_.silence_limit = 20s;
    installation_.loop_limit = 8s;
    installation_.marks = {
        {Kind::kProgress, "step ([0-9]) of 2", "installing, step $1"},
        {Kind::kQuestion, "^Prompt:", "a prompt of the text front end"},
        {Kind::kFailure, "step failed: (.*)", "the step $1"},
        {Kind::kDone, "fake installer: done", ""},
    };
    std::filesystem::remove(disk());
    std::filesystem::remove(work_folder() / kInstallerLog);
  }

  static std::filesystem::path disk() { return work_folder() / "disk.qcow2"; }
  /// The machine's keeper goes by itself when the machine has gone.
  static bool is_free() {
    return wait_for([] { return processes_with(disk().string()).empty(); }, 5s);
  }

  Result<void> install(const std::string& what, const CancelToken& cancel = {}) {
    installation_.arguments =
        "console=ttyS0 quiet mitigations=off nokaslr tsc=reliable no_timer_check lpj=4000000 "
        "cryptomgr.notests rdinit=/init -- " +
        what;
    return run_installation(installation_,
                            disk(),
                            options_,
                            {*runner_, events_, cancel, work_folder(), fixtures_cache()});
  }

  /// The error of an installation that does not come to its end.
  Error failure_of(const std::string& what) {
    auto installed = install(what);
    EXPECT_FALSE(installed);
    EXPECT_TRUE(is_free());
    return installed ? fail(ErrorKind::kInternal, "Test:Installed", "it was installed")
                     : std::move(installed).error();
  }

  std::unique_ptr<ProcessRunner> runner_ = make_process_runner();
  RecordingSink events_;
  Installation installation_;
  SandboxOptions options_;
};

TEST_F(InstallationTest, InstallsUntilTheMachineIsOff) {
  ASSERT_OK(install("install"));
  const auto notices = events_.messages(EventType::kNotice);
  EXPECT_THAT(notices, Contains("installing, step 1"));
  EXPECT_THAT(notices, Contains("installing, step 2"));
  EXPECT_THAT(notices, Contains(HasSubstr("Fake 1 installed in ")));
  const auto image = probe_image(disk());
  ASSERT_OK(image);
  EXPECT_EQ(image->format, DiskFormat::kQcow2);
  EXPECT_EQ(image->virtual_size, 16 * kMiB);
  const auto raw = work_folder() / "disk.raw";
  Command command;
  command.argv = {"qemu-img", "convert", "-f", "qcow2", "-O", "raw", disk().string(), raw.string()};
  ASSERT_OK(run_checked(*runner_, command, {}));
  const auto written = read_file(raw);
  ASSERT_OK(written);
  EXPECT_THAT(*written, HasSubstr("grub-install: error: disk `sda' is full"));
}

TEST_F(InstallationTest, TheInstallerHasMediaBesideItsDisc) {
  const auto media = work_folder() / "drivers.iso";
  write_iso(media, {{"readme", "drivers"}}, "volume-id=DRIVERS");
  installation_.media = {media};
  installation_.marks.push_back({Kind::kProgress, "/dev/(sr[0-9]) has ([A-Z]+)", "$1 has $2"});
  ASSERT_OK(install("labels"));
  const auto notices = events_.messages(EventType::kNotice);
  EXPECT_THAT(notices, Contains("sr0 has CDROM"));
  EXPECT_THAT(notices, Contains("sr1 has DRIVERS"));
}

TEST_F(InstallationTest, TakesARestartForTheEnd) {
  EXPECT_OK(install("restart"));
  EXPECT_TRUE(is_free());
}

TEST_F(InstallationTest, NoticesAQuestionOnAConsole) {
  const auto error = failure_of("prompt");
  EXPECT_EQ(error.code(), "Installer:Question");
  EXPECT_THAT(error.message(), HasSubstr("a prompt of the text front end"));
  EXPECT_THAT(error.quoted(), Contains("Prompt: '?' for help>"));
}

TEST_F(InstallationTest, NoticesADialogThatNobodyAnswers) {
  const auto error = failure_of("dialog");
  EXPECT_EQ(error.code(), "Installer:Idle");
  EXPECT_THAT(error.quoted(), ElementsAre("Which disk is to be", "erased? [sda] [sdb]"));
}

TEST_F(InstallationTest, NoticesAnInstallerThatStops) {
  const auto error = failure_of("stop");
  EXPECT_EQ(error.code(), "Installer:Idle");
  EXPECT_THAT(error.quoted(), Contains("fake installer: started"));
}

TEST_F(InstallationTest, NoticesAnInstallerThatHangs) {
  const auto error = failure_of("spin");
  EXPECT_EQ(error.code(), "Installer:Silent");
  EXPECT_THAT(error.quoted(), Contains("fake installer: started"));
}

TEST_F(InstallationTest, NoticesAPanic) {
  const auto error = failure_of("panic");
  EXPECT_EQ(error.code(), "Installer:Failed");
  EXPECT_THAT(error.message(), HasSubstr("kernel panicked: Attempted to kill init!"));
  EXPECT_THAT(error.quoted(), Contains(HasSubstr("Kernel panic - not syncing")));
}

TEST_F(InstallationTest, NoticesALoop) {
  const auto error = failure_of("loop");
  EXPECT_EQ(error.code(), "Installer:Loop");
  EXPECT_THAT(error.quoted(), Contains(HasSubstr("mirror not found, attempt ")));
}

TEST_F(InstallationTest, NoticesAFailureAndReadsTheLogFromTheDisk) {
  installation_.logs = {"/var/log/installer/absent", "/var/log/installer/syslog"};
  const auto error = failure_of("fail");
  EXPECT_EQ(error.code(), "Installer:Failed");
  EXPECT_THAT(error.message(), HasSubstr("the step boot loader"));
  EXPECT_THAT(error.quoted(), Contains("grub-install: error: disk `sda' is full"));
  EXPECT_FALSE(std::filesystem::exists(work_folder() / "installed.qcow2"));
}

TEST_F(InstallationTest, QuotesTheLogPort) {
  const auto error = failure_of("fail-with-port");
  EXPECT_EQ(error.code(), "Installer:Failed");
  EXPECT_THAT(error.quoted(), Contains("grub-installer: no space left on device"));
}

TEST_F(InstallationTest, DoesNotTakeAnEarlyEndForSuccess) {
  const auto error = failure_of("early");
  EXPECT_EQ(error.code(), "Installer:EndedEarly");
  EXPECT_THAT(error.quoted(), Contains("fake installer: step 1 of 2"));
}

TEST_F(InstallationTest, HasALimitForTheWhole) {
  installation_.time_limit = 12s;
  installation_.loop_limit = 60s;
  const auto error = failure_of("loop");
  EXPECT_EQ(error.code(), "Installer:Timeout");
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
}

TEST_F(InstallationTest, CanBeCancelled) {
  CancelSource source;
  std::jthread later([&source] {
    std::this_thread::sleep_for(4s);
    source.request();
  });
  const auto installed = install("stop", source.token());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().kind(), ErrorKind::kCancelled);
  EXPECT_TRUE(is_free());
}

TEST_F(InstallationTest, StartsAnIsoByFirmwareAndPressesItsKey) {
  const auto iso = work_folder() / "bootable.iso";
  write_iso(iso,
            {{"boot.img", std::string(kiln_boot_sector, kiln_boot_sector_end)}},
            "boot=boot.img,boot-type=no-emulation,boot-load-size=4");
  installation_.iso = iso;
  installation_.kernel.clear();
  installation_.initrd.clear();
  auto without_key = failure_of("");
  EXPECT_EQ(without_key.code(), "Installer:Idle");
  std::filesystem::remove(disk());
  installation_.key_to_boot = true;
  EXPECT_OK(install(""));
}

}  // namespace
}  // namespace kiln::test
