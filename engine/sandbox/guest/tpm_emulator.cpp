#include "engine/sandbox/guest/tpm_emulator.h"

#include <array>
#include <chrono>
#include <thread>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr const char* kProgram = "swtpm";
constexpr const char* kSocketName = "tpm.sock";
/// Without these libvirt knows of no emulated TPM, not even of one that it has not to start.
constexpr std::array kAskedFor = {"swtpm_setup", "swtpm_ioctl"};

Error not_installed(const char* program, const char* package) {
  return fail(ErrorKind::kHostNotReady,
              "Sandbox:NoTpm",
              "{} is not installed, and images of security type TrustedLaunch need a TPM",
              program)
      .cure(fmt::format("apt-get install {}", package));
}

}  // namespace

Result<std::filesystem::path> find_tpm_emulator() {
  auto program = find_program(kProgram);
  if (program.empty()) return not_installed(kProgram, "swtpm swtpm-tools");
  for (const char* asked_for : kAskedFor) {
    if (find_program(asked_for).empty()) return not_installed(asked_for, "swtpm-tools");
  }
  return program;
}

Result<TpmEmulator> TpmEmulator::start(ProcessRunner& runner,
                                       const std::filesystem::path& folder,
                                       const CancelToken& cancel) {
  KILN_TRY(find_tpm_emulator());
  Command command;
  command.argv = {kProgram,
                  "socket",
                  "--tpm2",
                  "--tpmstate",
                  "dir=.,mode=0600",
                  "--ctrl",
                  fmt::format("type=unixio,path={},mode=0600", kSocketName),
                  "--terminate"};
  command.directory = folder;  // names in swtpm's options may hold no comma
  KILN_TRY_ASSIGN(auto process, runner.start(command));
  auto socket = folder / kSocketName;
  constexpr auto kLookEvery = std::chrono::milliseconds(20);
  std::error_code error;
  while (!std::filesystem::exists(socket, error)) {
    KILN_TRY(cancel.check());
    if (const auto code = process->poll()) {
      return fail(ErrorKind::kHostNotReady, "Sandbox:Tpm", "swtpm ended with exit code {}", *code)
          .quoting(split_lines(process->error_output()));
    }
    std::this_thread::sleep_for(kLookEvery);
  }
  return TpmEmulator(std::move(socket), std::move(process));
}

}  // namespace kiln
