// `kiln shell RUN`
#include <fcntl.h>
#include <map>
#include <unistd.h>

#include "engine/cli/choice.h"
#include "engine/cli/network_flags.h"
#include "engine/cli/run_record_file.h"
#include "engine/cli/services.h"
#include "engine/cli/terminal.h"
#include "engine/plan/plan.h"
#include "engine/run/shell.h"

namespace kiln {
namespace {

struct ShellFlags {
  std::string run;
  SandboxMode mode = SandboxMode::kAuto;
  SandboxOptions options;
  NetworkFlags network;
  unsigned boot_timeout_minutes = 15;
  std::vector<std::string> command;
};

/// What cannot be written is lost, as the guest's program must not wait for it for ever.
void pass_output(GuestStream stream, std::string_view data) {
  const int fd = stream == GuestStream::kStdout ? STDOUT_FILENO : STDERR_FILENO;
  while (!data.empty()) {
    const auto written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return;
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

Result<ExitCode> shell(const ShellFlags& flags, Services& services) {
  const auto& settings = services.settings;
  KILN_TRY_ASSIGN(const auto path, find_run_folder(settings.state_folder, flags.run));
  KILN_TRY_ASSIGN(const auto folder, RunFolder::adopt(path));
  KILN_TRY_ASSIGN(const auto record, read_run_record(path));
  KILN_TRY_ASSIGN(const auto kept, read_kept_disk(record, folder.id()));
  const auto display = make_display(settings);
  if (!kept.clean) warning(*display, "the disk was kept as after a power cut");

  ShellOptions options;
  const bool windows = kept.sandbox == "windows";
  if (windows && flags.mode == SandboxMode::kMount) {
    return fail(ErrorKind::kUnsupported,
                "Shell:WindowsNeedsBoot",
                "the disk holds Windows, whose programs run only in a Windows that is booted")
        .at("--mode")
        .cure("leave --mode out, or write --mode boot");
  }
  if (flags.mode != SandboxMode::kAuto && !windows) {
    options.sandbox = flags.mode == SandboxMode::kBoot ? "guest" : "appliance";
  }
  options.accelerator = flags.options.accelerator;
  auto network = flags.options;
  KILN_TRY(flags.network.apply(network));
  options.network = network.network;
  options.connect = flags.options.connect;
  options.destinations = std::move(network.destinations);
  options.boot_time_limit = std::chrono::minutes(flags.boot_timeout_minutes);
  options.command = flags.command;
  options.cache_folder = std::filesystem::absolute(settings.cache_folder);
  ShellServices ends{
      *services.runner, *display, services.cancel, {STDIN_FILENO, {}}, {}, pass_output};
  std::optional<RawTerminal> raw;
  // The agent in Windows has no terminals; a shell there reads lines.
  if (is_interactive() && !windows) {
    ends.input.terminal = [&raw] {
      // Asked for first when the shell is about to start; until then Ctrl-C cancels.
      if (!raw) raw.emplace();
      return terminal_size();
    };
    if (const char* kind = std::getenv("TERM")) ends.environment.emplace_back("TERM", kind);
    ends.ended = [&raw] { raw.reset(); };
  }
  KILN_TRY_ASSIGN(const int code, run_shell(folder, kept, options, ends));
  return static_cast<ExitCode>(code);
}

}  // namespace

void add_shell_command(CLI::App& app, Services& services) {
  static const std::map<std::string, SandboxMode> kModes = {{"mount", SandboxMode::kMount},
                                                            {"boot", SandboxMode::kBoot}};
  static const std::map<std::string, AcceleratorChoice> kAccelerators = {
      {"auto", AcceleratorChoice::kAuto},
      {"kvm", AcceleratorChoice::kKvm},
      {"tcg", AcceleratorChoice::kTcg}};
  auto* command = app.add_subcommand("shell", "Open a shell in the disk that a failed build kept");
  auto flags = std::make_shared<ShellFlags>();
  command->add_option("run", flags->run, "A run's id, the beginning of one, or `latest`")
      ->required();
  command->add_option("command", flags->command, "What to run instead of a shell, after --");
  command->add_option("--mode", flags->mode, "mount or boot; as the run had it where not given")
      ->transform(choice(kModes, "mount|boot"));
  command->add_option("--accel", flags->options.accelerator, "auto falls back to emulation")
      ->envname("KILN_ACCEL")
      ->transform(choice(kAccelerators, "auto|kvm|tcg"));
  command
      ->add_option("--boot-timeout",
                   flags->boot_timeout_minutes,
                   "Minutes from power-on until the booted system answers")
      ->check(CLI::Range(1, 960))
      ->capture_default_str();
  flags->network.add_to(*command);
  add_connect_option(*command, flags->options);
  command->footer(
      "The exit code is the shell's or the command's. What is changed stays in the kept disk, "
      "which\n"
      "`kiln runs gc --kept` removes.");
  command->callback([&services, flags] {
    services.command = [&services, flags] { return shell(*flags, services); };
  });
}

}  // namespace kiln
