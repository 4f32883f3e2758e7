#include "engine/plan/plan.h"

#include <fstream>

#include <gtest/gtest.h>

#include "engine/core/temp_dir.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

class PlanTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_.path() / "disk.raw").close();
    std::filesystem::resize_file(folder_.path() / "disk.raw", kMiB + 512);
  }

  static Result<CheckedTemplate> check(const std::string& customize,
                                       const std::string& distribute) {
    KILN_TRY_ASSIGN(auto image_template,
                    parse_template(R"({"type":"Microsoft.VirtualMachineImages/imageTemplates",
      "name":"web","apiVersion":"2023-07-01","properties":{
      "source":{"type":"KilnLocalImage","path":"disk.raw","hyperVGeneration":"V2"},
      "customize":[)" + customize + R"(],"distribute":[)" +
                                       distribute + "]}}",
                                   "web.json"));
    return check_template(std::move(image_template));
  }

  PlanOptions options() const {
    PlanOptions options;
    options.template_folder = folder_.path();
    options.catalog = folder_.path() / "catalog.json";
    return options;
  }

  Result<Plan> plan() const {
    KILN_TRY_ASSIGN(auto checked,
                    check(R"({"type":"Shell","name":"hello","inline":["echo hi"]},
                             {"type":"File","sourceUri":"a","destination":"/etc/a"})",
                          R"({"type":"VHD","runOutputName":"vhd"})"));
    return make_plan(std::move(checked), options());
  }

  TempDir folder_ = *TempDir::create();
};

TEST_F(PlanTest, NumbersStepsAndTargetsInTheTemplatesOrder) {
  const auto made = plan();
  ASSERT_OK(made);
  ASSERT_EQ(made->checked.steps.size(), 2U);
  EXPECT_EQ(made->checked.steps[0].id, "customize-01");
  EXPECT_EQ(made->checked.steps[1].customizer->type(), "File");
  EXPECT_EQ(made->checked.targets[0].id, "distribute-01");
}

TEST_F(PlanTest, ShowsEverythingThatABuildWouldDo) {
  const auto made = plan();
  ASSERT_OK(made);
  const auto text = describe_plan(*made);
  for (const char* expected : {"web (api-version 2023-07-01)",
                               "disk.raw",
                               "generation V2",
                               "appliance",
                               "network off",
                               "Shell \"hello\"",
                               "fetches a",
                               "no sha256Checksum",
                               "2.0 MiB",
                               "VHD \"vhd\"",
                               "240 min"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected << " in\n" << text;
  }
}

TEST_F(PlanTest, EqualInputsGiveEqualPlans) {
  const auto first = plan();
  const auto second = plan();
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_EQ(plan_to_json(*first), plan_to_json(*second));
  EXPECT_EQ(plan_to_json(*first)["disk"]["virtualSize"], 2 * kMiB);
}

TEST_F(PlanTest, RefusesARepeatedRunOutputName) {
  const auto checked = check("", R"({"type":"VHD","runOutputName":"a"},
                                    {"type":"VHD","runOutputName":"a"})");
  ASSERT_FALSE(checked.has_value());
  EXPECT_NE(checked.error().where().find("/properties/distribute/1"), std::string::npos);
}

TEST_F(PlanTest, RefusesAnUnknownGeneralizeOperation) {
  auto checked = check("", R"({"type":"VHD","runOutputName":"a"})");
  ASSERT_OK(checked);
  auto with_typo = options();
  with_typo.generalize_skip = {"machin-id"};
  const auto made = make_plan(*std::move(checked), with_typo);
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().describe().find("machine-id"), std::string::npos);
}

TEST_F(PlanTest, RefusesAGeneration1DiskThatAzureCannotStart) {
  auto image_template = parse_template(
      R"({"type":"Microsoft.VirtualMachineImages/imageTemplates","properties":{
          "source":{"type":"KilnLocalImage","path":"disk.raw","hyperVGeneration":"V1"},
          "distribute":[{"type":"VHD","runOutputName":"vhd"}]}})",
      "web.json");
  ASSERT_OK(image_template);
  std::filesystem::resize_file(folder_.path() / "disk.raw", 2 * kTiB + kMiB);
  auto checked = check_template(*std::move(image_template));
  ASSERT_OK(checked);
  EXPECT_THAT(make_plan(*std::move(checked), options()),
              test::FailsWith("Plan:TooLargeForGeneration1"));
}

}  // namespace
}  // namespace kiln
