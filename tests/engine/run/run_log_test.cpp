#include "engine/run/run_log.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

Event output(std::string step, std::string stream, std::string line) {
  Event event;
  event.type = EventType::kStepOutput;
  event.phase = "customize";
  event.step_id = std::move(step);
  event.message = std::move(line);
  event.fields["stream"] = std::move(stream);
  return event;
}

class RunLogTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(folder_.path() / "steps"); }
  std::string contents(const char* name) {
    return read_file(folder_.path() / name).value_or("missing");
  }
  TempDir folder_ = *TempDir::create();
};

TEST_F(RunLogTest, KeepsEachStepsOutputInItsOwnFile) {
  {
    RunLog log(folder_.path());
    log.emit(output("customize-01", "stdout", "one"));
    log.emit(output("customize-01", "stderr", "two"));
    log.emit(output("customize-02", "stdout", "three"));
    EXPECT_EQ(log.trouble(), "");
  }
  EXPECT_EQ(contents("steps/customize-01.log"), "one\ntwo\n");
  EXPECT_EQ(contents("steps/customize-02.log"), "three\n");
}

TEST_F(RunLogTest, WritesTheServicesLayout) {
  {
    RunLog log(folder_.path());
    ActivityScope step(log, ActivityScope::Level::kStep, "customize", "customize-01", "Shell: x");
    log.emit(output("customize-01", "stdout", "plain"));
    log.emit(output("customize-01", "stderr", "arrow"));
    step.succeeded();
  }
  const auto log = contents("customization.log");
  EXPECT_NE(log.find(" ui: (telemetry) Starting provisioner shell (Shell: x)"), std::string::npos)
      << log;
  EXPECT_NE(log.find(" ui:     azure-arm: plain"), std::string::npos) << log;
  EXPECT_NE(log.find(" ui: ==> azure-arm: arrow"), std::string::npos) << log;
  EXPECT_NE(log.find(" ui: (telemetry) ending shell (Shell: x) (succeeded)"), std::string::npos)
      << log;
  EXPECT_NE(log.find("] PACKER "), std::string::npos) << log;
}

TEST_F(RunLogTest, ValidatorsHaveALogOfTheSameLayout) {
  {
    RunLog log(folder_.path());
    for (const auto* phase : {"check", "validate", "distribute"}) {
      ActivityScope scope(log, ActivityScope::Level::kPhase, phase, "", phase);
      notice(log, std::string("in ") + phase);
      scope.succeeded();
    }
  }
  const auto customization = contents("customization.log");
  EXPECT_NE(customization.find("azure-arm: in check"), std::string::npos) << customization;
  EXPECT_NE(customization.find("azure-arm: in distribute"), std::string::npos) << customization;
  EXPECT_EQ(customization.find("validate"), std::string::npos) << customization;
  const auto validation = contents("validation.log");
  EXPECT_NE(validation.find(" ui: ==> azure-arm: validate ..."), std::string::npos) << validation;
  EXPECT_NE(validation.find(" ui:     azure-arm: in validate"), std::string::npos) << validation;
  EXPECT_EQ(validation.find("distribute"), std::string::npos) << validation;
}

TEST_F(RunLogTest, ARunWithoutValidatorsHasNoLogOfThem) {
  { RunLog log(folder_.path()); }
  EXPECT_EQ(contents("validation.log"), "missing");
}

TEST_F(RunLogTest, EventsAreOneJsonObjectALineWhateverTheGuestPrints) {
  {
    RunLog log(folder_.path());
    log.emit(output("customize-01", "stdout", "bad \xff utf-8 and \x1b[31m"));
  }
  const auto lines = split_lines(contents("events.jsonl"));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(nlohmann::json::parse(lines[0])["type"], "step.output");
  EXPECT_EQ(contents("steps/customize-01.log"), "bad \xff utf-8 and \x1b[31m\n");
}

TEST_F(RunLogTest, AFolderThatIsGoneIsTroubleButNoCrash) {
  RunLog log(folder_.path() / "absent");
  log.emit(output("customize-01", "stdout", "x"));
  EXPECT_NE(log.trouble(), "");
}

}  // namespace
}  // namespace kiln
