#include "engine/sandbox/acceleration.h"

#include <array>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/agent/guest_agent.h"
#include "engine/core/file.h"
#include "engine/core/json.h"
#include "engine/core/text.h"
#include "engine/sandbox/initramfs.h"

namespace kiln {
namespace {

constexpr const char* kQemu = "qemu-system-x86_64";
constexpr const char* kCacheFile = "acceleration.json";
constexpr const char* kInitrdFile = "acceleration-probe.cpio";

/// A file's identity, which changes when a package replaces it.
std::string identity_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return path.string();
  return fmt::format("{} {} {}.{:09}",
                     path.string(),
                     status.st_size,
                     status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

/// Everything that the answer depends on. The qemu binary's identity stands for its version: it
/// changes with each package and costs no process to learn.
Result<nlohmann::json> cache_key(const HostPaths& host, const std::filesystem::path& kernel) {
  KILN_TRY_ASSIGN(const auto boot_id, read_file(host.boot_id));
  return nlohmann::json{{"bootId", trim(boot_id)},
                        {"qemu", identity_of(find_program(kQemu))},
                        {"kernel", identity_of(kernel)}};
}

/// A cache that cannot be read or understood counts as empty: asking again is always right.
std::optional<AccelerationReport> recall(const std::filesystem::path& file,
                                         const nlohmann::json& key) {
  auto text = read_file(file);
  if (!text) return std::nullopt;
  const auto document = JsonReader::parse(*std::move(text), file.string());
  if (!document) return std::nullopt;
  const auto remembered_key = document->find("key");
  const auto accelerator = document->string("accelerator");
  const auto why = document->string("why");
  if (!remembered_key || remembered_key->value() != key || !accelerator || !why) {
    return std::nullopt;
  }
  AccelerationReport report;
  report.accelerator = *accelerator == "kvm" ? Accelerator::kKvm : Accelerator::kTcg;
  report.why = *why;
  report.from_cache = true;
  return report;
}

Result<void> remember(const std::filesystem::path& file,
                      const nlohmann::json& key,
                      const AccelerationReport& report) {
  const bool kvm = report.accelerator == Accelerator::kKvm;
  const nlohmann::json document = {
      {"key", key}, {"accelerator", kvm ? "kvm" : "tcg"}, {"why", report.why}};
  return write_file_atomic(file, dump_json(document, 2) + "\n");
}

std::string last_line(const std::string& text) {
  const auto lines = split_lines(trim(text));
  return lines.empty() ? std::string("it said nothing") : lines.back();
}

/// Runs the probe's guest under KVM.
Result<AccelerationReport> probe_kvm(ProcessRunner& runner,
                                     const std::filesystem::path& cache_folder,
                                     const std::filesystem::path& kernel,
                                     const CancelToken& cancel) {
  Initramfs initramfs;
  KILN_TRY(initramfs.add_file("init", embedded_linux_agent(), 0755));
  KILN_TRY_ASSIGN(const auto initrd, initramfs.finish());
  const auto initrd_file = cache_folder / kInitrdFile;
  KILN_TRY(write_file_atomic(initrd_file, initrd));
  const auto start = std::chrono::steady_clock::now();
  const auto output = runner.run(probe_command(Accelerator::kKvm, kernel, initrd_file), cancel);
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  ::unlink(initrd_file.c_str());
  AccelerationReport report;
  if (!output) {
    if (output.error().kind() != ErrorKind::kTimeout) return output.error();
    report.why = fmt::format("KVM does not work here: a tiny guest hung under it for {}",
                             format_duration(kProbeLimit));
  } else if (output->out.find(kProbeAnswer) != std::string::npos) {
    report.accelerator = Accelerator::kKvm;
    report.why = fmt::format("a tiny guest ran under KVM in {}", format_duration(elapsed));
  } else {
    report.why = fmt::format("KVM does not work here: qemu ended with exit code {}: {}",
                             output->exit_code,
                             last_line(output->err));
  }
  return report;
}

}  // namespace

Command probe_command(Accelerator accelerator,
                      const std::filesystem::path& kernel,
                      const std::filesystem::path& initrd) {
  const bool kvm = accelerator == Accelerator::kKvm;
  Command command;
  // libguestfs runs its appliance with `-cpu host` under KVM and knows no other, so a KVM that
  // works only with another model is of no use and is not looked for.
  command.argv = {kQemu,
                  "-nodefaults",
                  "-no-user-config",
                  "-display",
                  "none",
                  "-no-reboot",
                  "-machine",
                  "pc,graphics=off",
                  "-accel",
                  kvm ? "kvm" : "tcg",
                  "-cpu",
                  kvm ? "host" : "max",
                  "-smp",
                  "1",
                  "-m",
                  "256",
                  "-serial",
                  "stdio",
                  "-kernel",
                  kernel.string(),
                  "-initrd",
                  initrd.string(),
                  "-append",
                  "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable"};
  command.time_limit = kProbeLimit;
  return command;
}

Result<AccelerationReport> prove_acceleration(ProcessRunner& runner,
                                              const std::filesystem::path& cache_folder,
                                              const CancelToken& cancel,
                                              const HostPaths& host) {
  KILN_TRY(cancel.check());
  KILN_TRY_ASSIGN(auto kernel, find_host_kernel(host));
  AccelerationReport report;
  if (::access(host.kvm_device.c_str(), F_OK) != 0) {
    report.why = fmt::format("this host has no {}", host.kvm_device.string());
  } else if (::access(host.kvm_device.c_str(), R_OK | W_OK) != 0) {
    report.why = fmt::format("this user may not open {}; `sudo usermod -aG kvm $USER` lets it",
                             host.kvm_device.string());
  } else {
    KILN_TRY(make_directories(cache_folder));
    const auto cache = cache_folder / kCacheFile;
    KILN_TRY_ASSIGN(const auto key, cache_key(host, kernel));
    if (auto remembered = recall(cache, key)) {
      report = *std::move(remembered);
    } else {
      KILN_TRY_ASSIGN(report, probe_kvm(runner, cache_folder, kernel, cancel));
      KILN_TRY(remember(cache, key, report));
    }
  }
  report.kernel = std::move(kernel);
  return report;
}

std::optional<AccelerationReport> recall_acceleration(const std::filesystem::path& cache_folder,
                                                      const HostPaths& host) {
  const auto kernel = find_host_kernel(host);
  if (!kernel) return std::nullopt;
  const auto key = cache_key(host, *kernel);
  if (!key) return std::nullopt;
  return recall(cache_folder / kCacheFile, *key);
}

Result<AccelerationReport> choose_accelerator(AcceleratorChoice choice,
                                              ProcessRunner& runner,
                                              const std::filesystem::path& cache_folder,
                                              EventSink& events,
                                              const CancelToken& cancel,
                                              const HostPaths& host) {
  if (choice == AcceleratorChoice::kTcg) {
    AccelerationReport report;
    KILN_TRY_ASSIGN(report.kernel, find_host_kernel(host));
    report.why = "emulation was asked for";
    return report;
  }
  KILN_TRY_ASSIGN(auto report, prove_acceleration(runner, cache_folder, cancel, host));
  if (report.accelerator == Accelerator::kKvm) return report;
  if (choice == AcceleratorChoice::kKvm) {
    return fail(ErrorKind::kHostNotReady, "Sandbox:NoKvm", "KVM was asked for, but {}", report.why)
        .cure("use a host on which KVM runs guests, or `--accel auto` to accept emulation");
  }
  warning(events,
          fmt::format("{}, so the sandbox is emulated: programs in it run about 10 to 20 times "
                      "slower",
                      report.why));
  return report;
}

Result<Accelerator> settle_accelerator(SandboxOptions& options, const SandboxContext& context) {
  KILN_TRY_ASSIGN(const auto report,
                  choose_accelerator(options.accelerator,
                                     context.runner,
                                     context.cache_folder,
                                     context.events,
                                     context.cancel));
  options.accelerator =
      report.accelerator == Accelerator::kKvm ? AcceleratorChoice::kKvm : AcceleratorChoice::kTcg;
  return report.accelerator;
}

}  // namespace kiln
