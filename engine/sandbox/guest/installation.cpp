#include "engine/sandbox/installation.h"

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include "disk/image/probe.h"
#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/sandbox/acceleration.h"
#include "engine/sandbox/appliance/mounted_image.h"
#include "engine/sandbox/guest/domain_xml.h"
#include "engine/sandbox/guest/firmware.h"
#include "engine/sandbox/guest/install_watch.h"
#include "engine/sandbox/guest/virt_root.h"
#include "engine/sandbox/host_kernel.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using Clock = InstallWatch::Clock;

constexpr auto kLookEvery = std::chrono::milliseconds(500);
/// What a guest may write to a serial port before it counts as broken.
constexpr std::uint64_t kMostOutput = 256 * kMiB;
constexpr std::size_t kQuotedLogLines = 20;
/// The firmware asks for its key early, and a started installer reads more than this from its CD.
constexpr auto kPressKeysFor = std::chrono::minutes(2);
constexpr std::uint64_t kReadByFirmware = 4 * kMiB;

/// What costs an emulated machine much and protects nobody in it. It must not get into the
/// installed system, so it is only said where the installer's own arguments are set apart from the
/// system's, as Debian's does it.
constexpr std::string_view kEmulatedArguments = "mitigations=off init_on_alloc=0 nokaslr";

std::string kernel_arguments(const std::string& wanted, bool emulate) {
  if (!emulate || wanted.find(" --- ") == std::string::npos) return wanted;
  return fmt::format("{} {} {}", kEmulatedArguments, kEmulatedKernelArguments, wanted);
}

/// A file that somebody else writes on.
class FollowedFile {
 public:
  explicit FollowedFile(fs::path path) : path_(std::move(path)) {}

  /// What has been written since the last call.
  Result<std::string> more() {
    std::string text;
    const UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return text;
    std::array<char, 65536> piece{};
    for (ssize_t got = 0; (got = ::pread(file.get(), piece.data(), piece.size(), offset_)) > 0;) {
      text.append(piece.data(), static_cast<std::size_t>(got));
      offset_ += got;
      if (static_cast<std::uint64_t>(offset_) < kMostOutput) continue;
      return fail(ErrorKind::kGuestFailed,
                  "Installer:Chatter",
                  "the installer has written more than {} to a serial port",
                  format_bytes(kMostOutput));
    }
    return text;
  }

 private:
  fs::path path_;
  off_t offset_ = 0;
};

std::vector<std::string> last_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto& line : split_lines(text)) {
    if (const auto words = trim(line); !words.empty()) lines.push_back(printable(words));
  }
  if (lines.size() > kQuotedLogLines) lines.erase(lines.begin(), lines.end() - kQuotedLogLines);
  return lines;
}

/// How long a process's threads have been kept from a processor by others. On a busy host that is
/// most of the time that a machine works.
std::chrono::nanoseconds waited_for_processor(int process) {
  std::chrono::nanoseconds waited{0};
  std::error_code error;
  const fs::path tasks = fmt::format("/proc/{}/task", process);
  for (const auto& task : fs::directory_iterator(tasks, error)) {
    const auto text = read_file(task.path() / "schedstat");
    if (!text) continue;
    const auto fields = split(*text, ' ');
    if (fields.size() > 1) waited += std::chrono::nanoseconds(std::atoll(fields[1].c_str()));
  }
  return waited;
}

class Installer {
 public:
  Installer(const Installation& installation,
            const fs::path& disk,
            SandboxOptions options,
            const SandboxContext& context)
      : installation_(installation),
        disk_(disk),
        options_(std::move(options)),
        context_(context),
        log_file_(context.work_folder / kInstallerLog) {}

  Result<void> run();

 private:
  Result<void> create_disk();
  Result<DomainSpec> specify();
  Result<void> follow();
  void take_activity();
  /// One look; true where the machine is off.
  Result<bool> look(InstallWatch& watch);
  void press_key();
  Error with_log(Error error);
  /// The installer's log files on the disk, as far as it can be read.
  Result<std::string> read_logs();

  const Installation& installation_;
  const fs::path disk_;
  SandboxOptions options_;
  const SandboxContext& context_;
  Accelerator accelerator_ = Accelerator::kTcg;
  const std::string name_ = options_.connect.empty() ? "kiln" : fmt::format("kiln-{}", ::getpid());
  const fs::path log_file_;
  FollowedFile console_{context_.work_folder / kConsoleLog};
  FollowedFile log_port_{log_file_};
  std::unique_ptr<VirtRoot> virt_;
  std::unique_ptr<RunningDomain> domain_;
  DomainActivity activity_;
  Clock::time_point start_ = Clock::now();
};

Result<void> Installer::run() {
  KILN_TRY_ASSIGN(accelerator_, settle_accelerator(options_, context_));
  KILN_TRY_ASSIGN(virt_,
                  VirtRoot::open(context_.work_folder, context_.cache_folder, options_.connect));
  KILN_TRY(create_disk());
  KILN_TRY_ASSIGN(const auto spec, specify());
  // What an earlier machine of this work folder has said is no sign.
  KILN_TRY(console_.more());
  KILN_TRY(log_port_.more());
  start_ = Clock::now();
  KILN_TRY_ASSIGN(domain_, start_domain(*virt_, spec));
  auto followed = follow();
  domain_.reset();
  if (followed) return {};
  return with_log(std::move(followed).error())
      .while_doing(fmt::format("installing {}", installation_.system));
}

Result<void> Installer::create_disk() {
  Command command;
  command.argv = {"qemu-img", "create", "-q", "-f", "qcow2", disk_.string()};
  command.argv.push_back(std::to_string(installation_.disk_bytes));
  KILN_TRY(run_checked(context_.runner, command, context_.cancel));
  return {};
}

Result<DomainSpec> Installer::specify() {
  DomainSpec spec;
  spec.name = name_;
  spec.accelerator = accelerator_;
  spec.memory_mib = std::max(options_.memory_mib, installation_.memory_mib);
  spec.vcpus = vcpus_to_mount(options_);  // one package is installed after the other
  spec.emulator = virt_->emulator();
  spec.owner = ::getpid();
  spec.console_log = context_.work_folder / kConsoleLog;
  InstallerDevices devices;
  devices.disk = disk_;
  devices.sata_disk = installation_.sata_disk;
  devices.cds = {installation_.iso};
  devices.cds.insert(devices.cds.end(), installation_.media.begin(), installation_.media.end());
  if (installation_.answer_disk) devices.cds.push_back(*installation_.answer_disk);
  devices.kernel = installation_.kernel;
  devices.initrd = installation_.initrd;
  devices.arguments = kernel_arguments(installation_.arguments, accelerator_ == Accelerator::kTcg);
  devices.log_port = log_file_;
  devices.end_on_restart = installation_.restarts == 0;
  spec.installer = std::move(devices);
  if (installation_.firmware == Firmware::kUefi) {
    KILN_TRY_ASSIGN(spec.uefi, prepare_uefi(context_.work_folder, options_.trusted_launch));
  }
  return spec;
}

Result<void> Installer::follow() {
  InstallWatch watch(installation_, start_);
  while (true) {
    auto off = look(watch);
    if (!off) {
      auto error = std::move(off).error();
      return error.quoted().empty() ? std::move(error).quoting(watch.screen()) : error;
    }
    if (!*off) continue;
    if (auto error = watch.judge_end()) return *std::move(error);
    notice(context_.events,
           fmt::format("{} installed in {}",
                       installation_.system,
                       format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(
                           Clock::now() - start_))));
    return {};
  }
}

Result<bool> Installer::look(InstallWatch& watch) {
  KILN_TRY_ASSIGN(bool off, domain_->wait_for_end(kLookEvery, context_.cancel));
  if (!off) {
    take_activity();
    if (installation_.key_to_boot) press_key();
  }
  if (domain_->restarts() > static_cast<int>(installation_.restarts)) {
    domain_->cut_power();
    off = true;
  }
  KILN_TRY_ASSIGN(const auto console, console_.more());
  KILN_TRY_ASSIGN(const auto log_port, log_port_.more());
  auto error = watch.look(Clock::now(), {console, log_port, activity_});
  for (const auto& words : watch.take_progress()) notice(context_.events, words);
  if (error && !off) return *std::move(error);
  return off;
}

void Installer::take_activity() {
  // It may go off at this very moment.
  const auto activity = domain_->activity();
  if (!activity) return;
  activity_ = *activity;
  if (const auto process = virt_->process_of(name_)) {
    activity_.processor += waited_for_processor(*process);
  }
}

void Installer::press_key() {
  if (Clock::now() - start_ > kPressKeysFor || activity_.bytes_read > kReadByFirmware) return;
  domain_->press_return();
}

Error Installer::with_log(Error error) {
  auto lines = error.quoted();
  const auto add = [&lines](std::string_view title, std::string_view text) {
    auto more = last_lines(text);
    if (more.empty()) return;
    lines.emplace_back(title);
    std::move(more.begin(), more.end(), std::back_inserter(lines));
  };
  if (const auto port = read_file(log_file_, kMostOutput)) add("-- log port:", *port);
  if (error.kind() != ErrorKind::kCancelled && !installation_.logs.empty()) {
    if (const auto logs = read_logs()) add("-- installer's log on the disk:", *logs);
  }
  return std::move(error).quoting(std::move(lines));
}

Result<std::string> Installer::read_logs() {
  const auto overlay = context_.work_folder / "installed.qcow2";
  const SandboxContext quiet{
      context_.runner, null_sink(), context_.cancel, context_.work_folder, context_.cache_folder};
  const auto read = [&]() -> Result<std::string> {
    KILN_TRY_ASSIGN(const auto image, probe_image(disk_));
    KILN_TRY_ASSIGN(const auto work,
                    WorkDisk::create(context_.runner, image, overlay, context_.cancel));
    KILN_TRY_ASSIGN(auto mounted, mount_image(work, options_, quiet, std::nullopt));
    std::string text;
    for (const auto& path : installation_.logs) {
      if (const auto log = mounted.session->files().read(path)) text += *log + "\n";
    }
    return text;
  };
  auto text = read();
  ::unlink(overlay.c_str());
  return text;
}

}  // namespace

Result<void> run_installation(const Installation& installation,
                              const fs::path& disk,
                              const SandboxOptions& options,
                              const SandboxContext& context) {
  return Installer(installation, disk, options, context).run();
}

}  // namespace kiln
