// powershell_texts FOLDER: writes each PowerShell text that the steps of Windows run into a file.
#include <cstdio>

#include "customizers/customizer.h"
#include "customizers/generalize/generalize.h"
#include "engine/core/file.h"
#include "tests/customizers/fake_windows.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

constexpr const char* kSteps[] = {
    R"({"type": "PowerShell", "inline": ["a"], "runElevated": true})",
    R"({"type": "WindowsRestart", "restartCheckCommand": "echo up"})",
    R"({"type": "WindowsUpdate", "filters": ["exclude:$_.Title -like '*it''s a Preview*'",
        "include:$true"], "updateLimit": 40})",
    R"({"type": "File", "sourceUri": "a", "destination": "c:\\it's\\a"})",
};

/// Says yes to whatever is asked, so that every question of a step is put.
Result<GuestExit> agree(test::FakeWindows& agent,
                        const std::string& text,
                        const GuestOutput& output) {
  output(GuestStream::kStdout, "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE\r\n");
  output(GuestStream::kStdout, "ended restarted.\r\n");
  if (const auto begin = text.find("-Report 'C:"); begin != std::string::npos) {
    auto path = "/" + text.substr(begin + 9, text.find('\'', begin + 9) - begin - 9);
    for (auto& c : path) c = c == '\\' ? '/' : c;
    agent.files[path] = R"({"updates": []})";
  }
  return GuestExit{};
}

Result<int> write_texts(const std::filesystem::path& folder) {
  int written = 0;
  Result<void> outcome;
  test::FakeWindows agent;
  agent.answer = [&](const auto& run, const GuestOutput& output) -> Result<GuestExit> {
    if (!run.command.argv[0].ends_with("powershell.exe")) return GuestExit{};
    const auto& text = run.command.argv.back();
    KILN_TRY(write_file_atomic(folder / fmt::format("text-{}.ps1", ++written), text));
    return agree(agent, text, output);
  };
  test::RecordingSink sink;
  StepContext context{agent, sink, "customize", "customize-01", {{"a", "/dev/null"}}, {}, {}};
  context.await_restart = [](auto) { return Result<void>(); };
  for (const auto* const text : kSteps) {
    KILN_TRY_ASSIGN(const auto body, JsonReader::parse(text, "step"));
    KILN_TRY_ASSIGN(const auto step, parse_customizer(body));
    KILN_TRY(step->run(context));
  }
  KILN_TRY(stage_windows_deprovision_script(agent, {}));
  KILN_TRY(run_windows_deprovision(context));
  return written;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto written = kiln::write_texts(argv[1]);
  if (!written) std::fprintf(stderr, "%s\n", written.error().describe().c_str());
  return written ? 0 : 1;
}
