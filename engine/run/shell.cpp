#include "engine/run/shell.h"

#include <algorithm>

#include "engine/core/file.h"
#include "engine/sandbox/registry.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

/// The image's better shell; with input that is no terminal it reads commands from it.
constexpr const char* kStartShell = "exec \"$(command -v bash || command -v sh)\"";

/// The sandbox's folder, for as long as the shell is open.
class WorkFolder {
 public:
  explicit WorkFolder(const RunFolder& folder) : folder_(folder) {}
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    fs::rename(folder_.work() / kConsoleLog, folder_.path() / "shell-console.log", ignored);
    fs::remove_all(folder_.work(), ignored);
  }
  Result<void> make() const {
    std::error_code ignored;  // a shell that was killed may have left one
    fs::remove_all(folder_.work(), ignored);
    return make_directories(folder_.work());
  }

 private:
  const RunFolder& folder_;
};

Result<const SandboxBackend*> backend_named(std::string_view name) {
  for (const auto& backend : sandbox_registry()) {
    if (backend.name == name) return &backend;
  }
  return fail(ErrorKind::kUnsupported,
              "Run:UnknownSandbox",
              "the run had a sandbox called \"{}\", which this version does not know",
              name)
      .cure("choose one with --mode mount or --mode boot");
}

constexpr std::string_view kWindows = "windows";

std::vector<std::string> default_shell(std::string_view sandbox) {
  if (sandbox == kWindows) return {"powershell.exe", "-NoLogo", "-ExecutionPolicy", "Bypass"};
  return {"sh", "-c", kStartShell};
}

int shell_code(const GuestExit& exit) {
  constexpr int kSignalled = 128;
  return exit.kind == GuestExit::Kind::kSignalled ? kSignalled + exit.code : exit.code;
}

}  // namespace

Result<int> run_shell(const RunFolder& folder,
                      const KeptDisk& kept,
                      const ShellOptions& options,
                      const ShellServices& services) {
  KILN_TRY_ASSIGN(const auto disk, open_kept_disk(folder, kept));
  KILN_TRY_ASSIGN(const auto* backend,
                  backend_named(options.sandbox.empty() ? kept.sandbox : options.sandbox));
  const WorkFolder work(folder);
  KILN_TRY(work.make());
  auto sandbox_options = kept.options;
  sandbox_options.accelerator = options.accelerator;
  sandbox_options.network = options.network;
  sandbox_options.connect = options.connect;
  sandbox_options.destinations = options.destinations;
  sandbox_options.boot_time_limit = options.boot_time_limit;
  KILN_TRY_ASSIGN(auto sandbox,
                  backend->start(disk,
                                 sandbox_options,
                                 {services.runner,
                                  services.events,
                                  services.cancel,
                                  folder.work(),
                                  options.cache_folder}));
  GuestCommand command;
  command.argv = options.command;
  if (command.argv.empty()) command.argv = default_shell(backend->name);
  if (backend->name == kWindows) command.directory = "/C:/Windows/System32";
  command.environment = services.environment;
  command.input = services.input;
  const auto exit = sandbox->agent().run(command, services.output, services.cancel);
  services.ended();
  if (!exit) return exit.error();
  KILN_TRY_WHILE(sandbox->halt(), "bringing the kept disk to rest");
  return shell_code(*exit);
}

}  // namespace kiln
