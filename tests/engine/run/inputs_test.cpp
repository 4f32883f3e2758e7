#include "engine/run/inputs.h"

#include <fstream>

#include <gtest/gtest.h>

#include "engine/core/digest.h"
#include "engine/core/temp_dir.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

/// Serves one text for every URI and counts.
class CountingFetcher : public Fetcher {
 public:
  Result<std::string> fetch(const std::string& uri,
                            const std::filesystem::path& destination,
                            const CancelToken& /*cancel*/) override {
    if (uri == "missing.sh") return fail(ErrorKind::kNotFound, "Fetch:NotFound", "no {}", uri);
    ++fetched;
    std::ofstream(destination) << "contents";
    return sha256_hex("contents");
  }
  Result<void> check(const std::string& /*uri*/, const CancelToken& /*cancel*/) override {
    return {};
  }
  int fetched = 0;
};

class InputsTest : public testing::Test {
 protected:
  /// A plan of which only the steps matter here.
  static Plan plan_with(const std::string& customize, const std::string& validate = "") {
    auto image_template = parse_template(
        R"({"type":"Microsoft.VirtualMachineImages/imageTemplates","properties":{"source":
           {"type":"KilnLocalImage","path":"x.vhd"},"distribute":[{"type":"VHD","runOutputName":
           "vhd"}],"customize":[)" +
            customize + R"(],"validate":{"inVMValidations":[)" + validate + "]}}}",
        "template.json");
    EXPECT_OK(image_template);
    auto checked = check_template(*std::move(image_template));
    EXPECT_OK(checked);
    return {*std::move(checked), {}, {}, "", "", "", "", {}, {}};
  }

  Result<std::map<std::string, std::filesystem::path>> fetch(const Plan& plan) {
    return fetch_inputs(plan, fetcher_, folder_.path(), record_, events_, {});
  }

  TempDir folder_ = *TempDir::create();
  Redactor redactor_;
  RunRecord record_{folder_.path() / "run.json", "id", {}, redactor_};
  test::RecordingSink events_;
  CountingFetcher fetcher_;
};

TEST_F(InputsTest, AUriOfSeveralStepsIsFetchedOnceAndNamedByDigest) {
  const auto plan = plan_with(R"({"type":"Shell","scriptUri":"a.sh"},
                                 {"type":"Shell","scriptUri":"a.sh"},
                                 {"type":"Shell","inline":["true"]})");
  const auto files = fetch(plan);
  ASSERT_OK(files);
  EXPECT_EQ(fetcher_.fetched, 1);
  EXPECT_EQ(files->at("a.sh"), folder_.path() / sha256_hex("contents"));
}

TEST_F(InputsTest, AWrongDigestIsRefusedAtItsPlace) {
  const auto plan = plan_with(R"({"type":"Shell","scriptUri":"a.sh","sha256Checksum":")" +
                              std::string(64, '0') + "\"}");
  const auto files = fetch(plan);
  ASSERT_FALSE(files.has_value());
  EXPECT_NE(files.error().where().find("/properties/customize/0"), std::string::npos);
}

TEST_F(InputsTest, InputsOfValidatorsArePinnedWithThoseOfSteps) {
  const auto files = fetch(plan_with(R"({"type":"Shell","scriptUri":"a.sh"})",
                                     R"({"type":"Shell","scriptUri":"a.sh"},
                                        {"type":"File","sourceUri":"b","destination":"/b"})"));
  ASSERT_OK(files);
  EXPECT_EQ(fetcher_.fetched, 2);
  EXPECT_TRUE(files->contains("b"));
}

TEST_F(InputsTest, AMissingInputNamesItsPlace) {
  const auto files = fetch(plan_with(R"({"type":"Shell","scriptUri":"missing.sh"})"));
  ASSERT_FALSE(files.has_value());
  EXPECT_EQ(files.error().code(), "Fetch:NotFound");
  EXPECT_NE(files.error().where().find("/properties/customize/0"), std::string::npos);
}

}  // namespace
}  // namespace kiln
