#include "engine/run/run_record.h"

#include <gtest/gtest.h>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

class RunRecordTest : public testing::Test {
 protected:
  nlohmann::json saved() { return nlohmann::json::parse(read_file(path_).value_or("{}")); }
  TempDir folder_ = *TempDir::create();
  std::filesystem::path path_ = folder_.path() / "run.json";
  Redactor redactor_;
  RunRecord record_{
      path_, "id", {{"template", "web"}, {"id", "/subscriptions/s/i/web"}}, redactor_};
};

TEST_F(RunRecordTest, FollowsTheRunThroughItsPhases) {
  {
    ActivityScope phase(record_, ActivityScope::Level::kPhase, "customize", "", "customize");
    EXPECT_EQ(saved()["lastRunStatus"]["runSubState"], "Customizing");
    EXPECT_EQ(saved()["lastRunStatus"]["runState"], "Running");
    ActivityScope step(record_, ActivityScope::Level::kStep, "customize", "customize-01", "Shell");
    step.failed({ErrorKind::kGuestFailed, "Shell:ExitCode", "exit code 3"});
  }
  ActivityScope validation(record_, ActivityScope::Level::kPhase, "validate", "", "validate");
  EXPECT_EQ(saved()["lastRunStatus"]["runSubState"], "Validating");
  EXPECT_EQ(saved()["steps"][0]["outcome"], "failed");
  EXPECT_EQ(saved()["steps"][0]["error"], "exit code 3");
  EXPECT_EQ(saved()["phases"][0]["name"], "customize");
}

TEST_F(RunRecordTest, HasTheServicesShapes) {
  record_.add_output({"vhd", "VHD", "https://a/x.vhd", "", 10, 5, {}});
  record_.add_output({"image", "ManagedImage", "", "/subscriptions/s/images/i", 0, 0, {}});
  record_.finish(RunState::kSucceeded, "");
  ASSERT_OK(record_.save());
  const auto json = saved();
  EXPECT_EQ(json["lastRunStatus"]["runState"], "Succeeded");
  EXPECT_TRUE(json["lastRunStatus"].contains("endTime"));
  EXPECT_EQ(json["runOutputs"][0]["properties"]["artifactUri"], "https://a/x.vhd");
  EXPECT_EQ(json["runOutputs"][0]["id"], "/subscriptions/s/i/web/runOutputs/vhd");
  EXPECT_FALSE(json["runOutputs"][0]["properties"].contains("artifactId"));
  EXPECT_EQ(json["runOutputs"][0]["type"],
            "Microsoft.VirtualMachineImages/imageTemplates/runOutputs");
  EXPECT_EQ(json["runOutputs"][1]["properties"]["artifactId"], "/subscriptions/s/images/i");
  EXPECT_EQ(record_.artifact_ids(), std::vector<std::string>{"/subscriptions/s/images/i"});
}

TEST_F(RunRecordTest, NeverHoldsASecret) {
  redactor_.add(Secret("topsecretvalue"));
  record_.fail_with({ErrorKind::kRemote, "Blob:Denied", "the key topsecretvalue was refused"});
  record_.add_input("https://host/script.sh?sig=otherwiseunknown", "00", 1);
  ASSERT_OK(record_.save());
  const auto text = read_file(path_).value_or("");
  EXPECT_EQ(text.find("topsecretvalue"), std::string::npos);
  EXPECT_EQ(text.find("otherwiseunknown"), std::string::npos);
}

}  // namespace
}  // namespace kiln
