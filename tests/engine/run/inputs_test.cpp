#include "engine/run/inputs.h"

#include <atomic>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "engine/core/digest.h"
#include "engine/core/temp_dir.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

/// Serves one text for every URI and counts; what is called slow only when it is let go.
class CountingFetcher : public Fetcher {
 public:
  Result<std::string> fetch(const std::string& uri,
                            const std::filesystem::path& destination,
                            const CancelToken& cancel) override {
    while (uri.ends_with("slow") && !let_go) {
      KILN_TRY(cancel.check());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (uri.ends_with("missing.sh")) {
      return fail(ErrorKind::kNotFound, "Fetch:NotFound", "no {}", uri);
    }
    ++fetched;
    std::ofstream(destination) << "contents";
    return sha256_hex("contents");
  }
  Result<void> check(const std::string& /*uri*/, const CancelToken& /*cancel*/) override {
    return {};
  }
  std::atomic<int> fetched = 0;
  std::atomic<bool> let_go = false;
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

  Result<std::shared_ptr<Inputs>> begin(const Plan& plan) {
    return Inputs::fetch(plan, folder_.path(), {fetcher_, record_, events_, user_.token()});
  }
  Result<Inputs::Files> fetch(const Plan& plan) {
    KILN_TRY_ASSIGN(const auto inputs, begin(plan));
    return inputs->wait();
  }

  TempDir folder_ = *TempDir::create();
  Redactor redactor_;
  RunRecord record_{folder_.path() / "run.json", "id", {}, redactor_};
  test::RecordingSink events_;
  CountingFetcher fetcher_;
  CancelSource user_;
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

constexpr const char* kSlow = R"({"type":"Shell","scriptUri":"https://host/slow"})";

TEST_F(InputsTest, WhatComesOverTheNetworkArrivesMeanwhile) {
  const auto plan = plan_with(std::string(kSlow) + R"(,{"type":"Shell","scriptUri":"a.sh"})");
  const auto inputs = begin(plan);
  ASSERT_OK(inputs);
  EXPECT_FALSE((*inputs)->arrived());
  EXPECT_FALSE((*inputs)->failed());
  EXPECT_EQ(fetcher_.fetched, 1) << "the file of this host is here";
  fetcher_.let_go = true;
  ASSERT_OK((*inputs)->wait());
  EXPECT_TRUE((*inputs)->wait()->contains("https://host/slow"));
  EXPECT_FALSE((*inputs)->token().requested());
}

TEST_F(InputsTest, AMissingInputEndsWhatGoesOnMeanwhileAndTellsWhy) {
  const auto plan = plan_with(R"({"type":"Shell","scriptUri":"https://host/missing.sh"})");
  const auto inputs = begin(plan);
  ASSERT_OK(inputs);
  EXPECT_THAT((*inputs)->wait(), test::FailsWith("Fetch:NotFound"));
  EXPECT_TRUE((*inputs)->token().requested());
  EXPECT_EQ((*inputs)->explain(cancelled()).code(), "Fetch:NotFound");
  const auto other = fail(ErrorKind::kIo, "Other", "this has nothing to do with it");
  EXPECT_EQ((*inputs)->explain(other).code(), "Other");
}

TEST_F(InputsTest, ACancelledRunGivesUpWhatIsArriving) {
  const auto plan = plan_with(kSlow);
  const auto inputs = begin(plan);
  ASSERT_OK(inputs);
  user_.request();
  ASSERT_FALSE((*inputs)->wait().has_value());
  EXPECT_EQ((*inputs)->wait().error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ((*inputs)->explain(cancelled()).kind(), ErrorKind::kCancelled);
}

TEST_F(InputsTest, NothingArrivesForWhoIsGone) {
  const auto plan = plan_with(kSlow);
  { ASSERT_OK(begin(plan)); }
  EXPECT_EQ(fetcher_.fetched, 0);
}

}  // namespace
}  // namespace kiln
