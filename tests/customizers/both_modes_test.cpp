// Each step runs mounted and booted, in the same guest, and must look the same in both. One
// appliance and one boot serve all cases; what restarts the guest comes last.
#include <algorithm>
#include <fstream>
#include <regex>

#include "customizers/customizer.h"
#include "customizers/generalize/generalize.h"
#include "engine/core/temp_dir.h"
#include "engine/sandbox/registry.h"
#include "tests/support/fixture_guests.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::RecordingSink;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Lines = std::vector<std::string>;

struct StepCase {
  std::string name;
  nlohmann::json step;
  std::string code;  ///< of the error, empty where the step must succeed
  Lines lines;       ///< all that it prints; compared between the modes only where `any`
  bool any = false;
};

nlohmann::json shell(Lines lines) {
  return {{"type", "Shell"}, {"inline", std::move(lines)}};
}
nlohmann::json file(const std::string& destination) {
  return {{"type", "File"}, {"sourceUri", "payload"}, {"destination", destination}};
}

std::vector<StepCase> cases() {
  return {
      {"user",
       shell({"id -un", "id -gn", "echo $HOME $USER $LOGNAME $SHELL"}),
       "",
       {"root", "root", "/root root root /bin/sh"}},
      {"folder", shell({"pwd", "umask"}), "", {"/root", "0022"}},
      {"environment", shell({"env | grep -v '^_=' | sort"}), "", {}, true},
      {"packer's variables",
       shell({"echo $PACKER_BUILDER_TYPE $PACKER_BUILD_NAME"}),
       "",
       {"azure-arm azure-arm"}},
      {"input", shell({"wc -c", "[ -t 0 ] || echo no terminal"}), "", {"0", "no terminal"}},
      {"descriptors", shell({"ls /proc/$$/fd | sort -n | tr '\\n' ' '"}), "", {}, true},
      {"staging",
       shell({"echo $0 | sed 's/[0-9]\\+/N/'", "stat -c '%a %U' $0"}),
       "",
       {"/tmp/script_N.sh", "755 root"}},
      {"shell", shell({"readlink /proc/$$/exe", "echo $-"}), "", {}, true},
      {"own interpreter", shell({"#!/bin/bash", "echo ${BASH_VERSION%%.*} $-"}), "", {"5 hB"}},
      {"host name", shell({"hostname", "uname -n"}), "", {"kiln-guest", "kiln-guest"}},
      {"sudo", shell({"sudo -n id -u", "sudo -n sh -c 'echo $SUDO_USER'"}), "", {"0", "root"}},
      {"standard error", shell({"echo out", "echo error >&2"}), "", {}, true},
      {"a variable of one step", shell({"export KILN_X=1", "echo set"}), "", {"set"}},
      {"is not there in the next", shell({"echo [$KILN_X]"}), "", {"[]"}},
      {"exit code", shell({"exit 7"}), "Shell:ExitCode", {}},
      {"a line that fails",
       shell({"echo before", "false", "echo never"}),
       "Shell:ExitCode",
       {"before"}},
      {"no such command", shell({"kiln-no-such-command"}), "Shell:ExitCode", {}, true},
      {"no such interpreter", shell({"#!/no/such/interpreter"}), "Shell:ExitCode", {}, true},
      {"a signal", shell({"kill -TERM $$"}), "", {}, true},
      {"too long", shell({"echo begun", "sleep 600"}), "Shell:Timeout", {"begun"}},
      {"left behind",
       shell({"setsid sleep 4242 </dev/null >/dev/null 2>&1 &", "echo started"}),
       "",
       {"started"}},
      {"and gone", shell({"! pgrep -f '[s]leep 4242'", "echo gone"}), "", {"gone"}},
      {"much output", shell({"seq 20000 | sha256sum", "seq 20000 | tail -n 1"}), "", {}, true},
      {"odd bytes", shell({"printf 'a\\tb\\nno newline'"}), "", {"a\tb", "no newline"}},
      {"a file", file("/etc/kiln-both"), "", {"wrote /etc/kiln-both (8 bytes)"}},
      {"its owner, mode and text",
       shell({"stat -c '%a %U %G' /etc/kiln-both", "cat /etc/kiln-both"}),
       "",
       {"644 root root", "payload"}},
      {"a file again", file("/etc/kiln-both"), "", {"wrote /etc/kiln-both (8 bytes)"}},
      {"a file in no folder", file("/no/such/folder/file"), "File:NoParent", {}},
      {"a file that is a folder", file("/etc"), "File:IsFolder", {}},
      {"a memory file system", file("/run/kiln-both"), "", {"wrote /run/kiln-both (8 bytes)"}},
      {"no network", shell({"ls /sys/class/net"}), "", {"lo"}},
  };
}

/// What is seen of a step from outside.
struct Outcome {
  std::string code;
  Lines lines;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {  // NOLINT: GoogleTest's name
  *out << "error '" << outcome.code << "', output " << ::testing::PrintToString(outcome.lines);
}

class BothModes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    state_ = new State;
    for (const char* name : {"appliance", "guest"}) {
      const auto folder = state_->folder.path() / name;
      std::filesystem::create_directory(folder);
      // A dynamic VHD: the other tests boot the other formats.
      auto disk = test::fixture_disk(
          *state_->runner, "debian12.vhd", folder, {.virtual_size = {}, .convert_to = "vpc"});
      ASSERT_OK(disk);
      const auto registry = sandbox_registry();
      const auto backend = std::find_if(
          registry.begin(), registry.end(), [&](const auto& each) { return each.name == name; });
      ASSERT_NE(backend, registry.end());
      SandboxOptions options;
      options.firmware = Firmware::kBios;
      auto sandbox = backend->start(
          *disk, options, {*state_->runner, state_->events, {}, folder, test::fixtures_cache()});
      ASSERT_OK(sandbox);
      state_->sandboxes.push_back(*std::move(sandbox));
    }
    std::ofstream(state_->folder.path() / "payload") << "payload\n";
  }
  static void TearDownTestSuite() { delete state_; }

  void SetUp() override { ASSERT_EQ(state_->sandboxes.size(), 2U) << "a sandbox did not start"; }

  static Sandbox& mounted() { return *state_->sandboxes[0]; }
  static Sandbox& booted() { return *state_->sandboxes[1]; }

  static Result<void> run(Sandbox& sandbox, const nlohmann::json& body, RecordingSink& sink) {
    KILN_TRY_ASSIGN(const auto step, parse_customizer(JsonReader::of(body, "template.json")));
    StepContext context{sandbox.agent(),
                        sink,
                        "customize",
                        "customize-01",
                        {{"payload", state_->folder.path() / "payload"}},
                        std::chrono::seconds(15),
                        {}};
    context.restart = [&](std::chrono::milliseconds limit) { return sandbox.restart(limit); };
    return step->run(context);
  }

  /// Streams arrive independently, so lines are told apart by stream and compared in order there.
  static Outcome outcome_in(Sandbox& sandbox, const nlohmann::json& body) {
    RecordingSink sink;
    const auto result = run(sandbox, body, sink);
    Outcome outcome{result ? std::string() : result.error().code(), {}};
    for (const char* stream : {"stdout", "stderr"}) {
      for (const auto& event : sink.events()) {
        if (event.type != EventType::kStepOutput || event.fields.at("stream") != stream) continue;
        const auto line = (std::string(stream) == "stderr" ? "! " : "") + event.message;
        static const std::regex kScript("/tmp/script_[0-9]+");
        outcome.lines.push_back(std::regex_replace(line, kScript, "/tmp/script_N"));
      }
    }
    return outcome;
  }

  struct State {
    TempDir folder = *TempDir::create();
    std::unique_ptr<ProcessRunner> runner = make_process_runner();
    RecordingSink events;
    std::vector<std::unique_ptr<Sandbox>> sandboxes;
  };
  static inline State* state_ = nullptr;
};

TEST_F(BothModes, EveryStepLooksTheSame) {
  for (const auto& each : cases()) {
    SCOPED_TRACE(each.name);
    const auto in_image = outcome_in(mounted(), each.step);
    const auto in_system = outcome_in(booted(), each.step);
    EXPECT_EQ(in_system, in_image);
    if (each.name != "a signal") {
      EXPECT_EQ(in_image.code, each.code);
    }
    if (!each.any) {
      EXPECT_EQ(in_image.lines, each.lines);
    }
  }
}

TEST_F(BothModes, OnlyTheBootedSystemRuns) {
  const auto state = shell({"systemctl is-system-running"});
  EXPECT_THAT(outcome_in(booted(), state).lines, ElementsAre("running"));
  EXPECT_NE(outcome_in(mounted(), state).code, "");
  // As Azure's machines call themselves.
  EXPECT_THAT(outcome_in(booted(), shell({"cat /sys/class/dmi/id/chassis_asset_tag"})).lines,
              ElementsAre("7783-7084-3265-9085-8269-3286-77"));
  EXPECT_THAT(outcome_in(booted(), shell({"lsblk -dno NAME,SIZE"})).lines.front(),
              HasSubstr("sda"));
  RecordingSink sink;
  EXPECT_THAT(run(mounted(), {{"type", "KilnRestart"}}, sink),
              test::FailsWith("Sandbox:NothingToRestart"));
}

TEST_F(BothModes, ARestartKeepsWhatTheBuildNeeds) {
  ASSERT_OK(stage_deprovision_script(booted().agent(), {}));
  ASSERT_THAT(outcome_in(booted(),
                         shell({"echo '# edited' >> /tmp/DeprovisioningScript.sh",
                                "touch /tmp/kiln-lost /etc/kiln-kept"}))
                  .code,
              IsEmpty());
  RecordingSink sink;
  ASSERT_OK(run(booted(),
                {{"type", "KilnRestart"}, {"restartCheckCommand", "test -e /etc/kiln-kept"}},
                sink));
  EXPECT_THAT(outcome_in(booted(),
                         shell({"tail -n 1 /tmp/DeprovisioningScript.sh",
                                "[ -e /tmp/kiln-lost ] || echo emptied"}))
                  .lines,
              ElementsAre("# edited", "emptied"));
}

TEST_F(BothModes, ASystemThatRestartsByItselfIsRecognized) {
  RecordingSink sink;
  const auto result = run(booted(), shell({"systemctl reboot", "sleep 600"}), sink);
  EXPECT_THAT(result, test::FailsWith("Sandbox:GuestRestarted"));
}

}  // namespace
}  // namespace kiln
