#include "engine/run/deliver.h"

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"
#include "tests/uploaders/support/pattern_disk.h"

namespace kiln::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Takes the whole disk, unless what it can be made of is there.
class FakeTarget : public Distributor {
 public:
  FakeTarget(std::string name, std::string of = {}, bool fails = false)
      : name_(std::move(name)), of_(std::move(of)), fails_(fails) {}

  [[nodiscard]] std::string_view type() const override { return name_; }
  [[nodiscard]] const std::string& run_output_name() const override { return name_; }
  [[nodiscard]] std::string describe() const override { return name_; }
  [[nodiscard]] bool can_be_made_of(std::string_view type) const override { return type == of_; }
  [[nodiscard]] Result<void> check(const DistributeContext& /*context*/,
                                   std::uint64_t /*disk_size*/) const override {
    return {};
  }
  Result<Artifact> distribute(FinishedDisk& disk, const DistributeContext& context) const override {
    seen = context.delivered;
    if (fails_) return fail(ErrorKind::kRemote, "Fake:Failed", "{} fails", name_);
    if (of_.empty() || seen.empty()) {
      std::vector<std::byte> all(disk.blocks.size());
      KILN_TRY(disk.blocks.read(0, all));
      bytes = all.size();
    }
    return Artifact{name_, name_, "", "/id/" + name_, disk.blocks.size(), bytes, {}};
  }

  mutable std::vector<std::string> seen;
  mutable std::uint64_t bytes = 0;

 private:
  std::string name_;
  std::string of_;
  bool fails_;
};

class DeliverTest : public ::testing::Test {
 protected:
  Result<DistributeOutcome> deliver_to(const std::vector<const FakeTarget*>& targets) {
    std::vector<Delivery> deliveries;
    deliveries.reserve(targets.size());
    for (const auto* target : targets) {
      deliveries.push_back(
          {fmt::format("distribute-{:02}", deliveries.size() + 1), *target, "image"});
    }
    return deliver(deliveries,
                   disk_,
                   {run_, events_, cancel_.token(), redactor_, record_, folder_.path(), false});
  }

  TempDir folder_ = *TempDir::create();
  RunFolder run_ = *RunFolder::create(folder_.path());
  Redactor redactor_;
  RecordingSink events_;
  CancelSource cancel_;
  RunRecord record_{run_.record(), run_.id(), {{"template", "web"}}, redactor_};
  PatternDisk disk_{8 * kMiB, {{0, 8 * kMiB}}};
};

TEST_F(DeliverTest, WhatCanBeMadeOfAnotherTargetsArtifactComesAfterIt) {
  const FakeTarget gallery("gallery", "image");
  const FakeTarget image("image");
  const FakeTarget vhd("vhd");
  const auto outcome = deliver_to({&gallery, &image, &vhd});
  ASSERT_OK(outcome);
  EXPECT_THAT(outcome->errors, IsEmpty());
  EXPECT_THAT(outcome->artifacts, SizeIs(3));
  EXPECT_THAT(gallery.seen, testing::Contains("/id/image"));
  EXPECT_EQ(gallery.bytes, 0);
  EXPECT_EQ(image.bytes, 8 * kMiB);
  EXPECT_EQ(vhd.bytes, 8 * kMiB);
}

TEST_F(DeliverTest, IsMadeOfTheDiskWhereTheOtherTargetFails) {
  const FakeTarget gallery("gallery", "image");
  const FakeTarget image("image", "", /*fails=*/true);
  const auto outcome = deliver_to({&gallery, &image});
  ASSERT_OK(outcome);
  ASSERT_THAT(outcome->errors, SizeIs(1));
  EXPECT_EQ(outcome->errors.front().code(), "Fake:Failed");
  EXPECT_THAT(gallery.seen, IsEmpty());
  EXPECT_EQ(gallery.bytes, 8 * kMiB);
}

TEST_F(DeliverTest, KnowsWhatTheRunDeliveredBefore) {
  const FakeTarget image("image");
  ASSERT_OK(deliver_to({&image}));
  const FakeTarget gallery("gallery", "image");
  ASSERT_OK(deliver_to({&gallery}));
  EXPECT_THAT(gallery.seen, ElementsAre("/id/image"));
}

TEST_F(DeliverTest, NothingFollowsACancellation) {
  cancel_.request();
  const FakeTarget gallery("gallery", "image");
  const FakeTarget image("image");
  EXPECT_THAT(deliver_to({&gallery, &image}), FailsWith("Run:Cancelled"));
  EXPECT_EQ(gallery.bytes, 0);
}

}  // namespace
}  // namespace kiln::test
