#include "engine/run/keep_failed.h"

#include <nlohmann/json.hpp>

#include "engine/core/file.h"
#include "engine/run/kept_disk.h"
#include "tests/engine/run/failed_run.h"

namespace kiln {
namespace {

using test::FailsWith;

class KeepFailedTest : public test::FailedRunTest {
 protected:
  /// The code of the error that comes back.
  std::string keep(OnError policy,
                   const RunContext& context,
                   Result<void> halts = {},
                   Error error = {ErrorKind::kGuestFailed, "Shell:ExitCode", "exit code 3"}) {
    return keep_failed(
               std::move(error), {policy, "guest", *disk_, sandbox(std::move(halts))}, context)
        .code();
  }
  nlohmann::json saved() {
    EXPECT_OK(record_.save());
    return nlohmann::json::parse(read_file(run_.record()).value_or("{}"));
  }
  [[nodiscard]] bool linked() const {
    std::error_code error;
    return std::filesystem::equivalent(
        run_.kept() / "overlay.qcow2", run_.work() / "overlay.qcow2", error);
  }
};

TEST_F(KeepFailedTest, CleanupKeepsNothing) {
  EXPECT_EQ(keep(OnError::kCleanup, context()), "Shell:ExitCode");
  EXPECT_EQ(log_.halted, 0) << "a build that keeps nothing does not wait for a shutdown";
  EXPECT_FALSE(record_.keeps());
  EXPECT_FALSE(std::filesystem::exists(run_.kept()));
}

TEST_F(KeepFailedTest, AbortKeepsTheDiskAtRest) {
  EXPECT_EQ(keep(OnError::kAbort, context()), "Shell:ExitCode");
  EXPECT_EQ(log_.halted, 1);
  EXPECT_EQ(log_.ended, 1);
  EXPECT_TRUE(linked());
  const auto kept = read_kept_disk(saved(), run_.id());
  ASSERT_OK(kept);
  EXPECT_TRUE(kept->clean);
  EXPECT_EQ(kept->sandbox, "guest");
  const auto disk = open_kept_disk(run_, *kept);
  ASSERT_OK(disk);
  EXPECT_EQ(disk->overlay(), run_.kept() / "overlay.qcow2");
}

TEST_F(KeepFailedTest, TheFlagIsAbort) {
  keep(OnError::kCleanup, context(/*keep_on_failure=*/true));
  EXPECT_TRUE(linked());
}

TEST_F(KeepFailedTest, ADiskThatDoesNotComeToRestIsKeptAsItIs) {
  keep(OnError::kAbort, context(), fail(ErrorKind::kTimeout, "Sandbox:ShutdownTimeout", "hangs"));
  EXPECT_TRUE(linked());
  EXPECT_EQ(log_.ended, 1) << "nothing may write it any more";
  EXPECT_EQ(saved()["kept"]["clean"], false);
}

TEST_F(KeepFailedTest, ASandboxThatDidNotStartLeavesItsDisk) {
  const auto error = keep_failed({ErrorKind::kTimeout, "Sandbox:BootTimeout", "did not start"},
                                 {OnError::kAbort, "guest", *disk_, nullptr},
                                 context());
  EXPECT_EQ(error.code(), "Sandbox:BootTimeout");
  EXPECT_TRUE(linked());
  EXPECT_EQ(saved()["kept"]["clean"], false);
}

TEST_F(KeepFailedTest, ACancelledBuildKeepsNothing) {
  user_.request();
  EXPECT_EQ(keep(OnError::kAbort, context(), {}, cancelled()), "Run:Cancelled");
  EXPECT_EQ(log_.halted, 0);
  EXPECT_FALSE(record_.keeps());
  EXPECT_FALSE(linked());
}

TEST_F(KeepFailedTest, ACancelAfterATimeLimitOfItsOwnKeepsNothing) {
  user_.request();
  keep(OnError::kAbort, context(), {}, {ErrorKind::kTimeout, "Sandbox:BootTimeout", "slow"});
  EXPECT_FALSE(linked());
}

TEST_F(KeepFailedTest, ACancelWhileTheDiskComesToRestKeepsNothing) {
  log_.on_halt = [this] { user_.request(); };
  EXPECT_EQ(keep(OnError::kAbort, context(), cancelled()), "Run:Cancelled");
  EXPECT_FALSE(linked());
}

TEST_F(KeepFailedTest, ABuildThatTookTooLongIsKept) {
  const Deadline passed(user_.token(), std::chrono::milliseconds(0));
  while (!passed.token().requested()) std::this_thread::yield();
  const auto now = context();
  const RunContext late{now.plan,
                        now.folder,
                        now.events,
                        passed.token(),
                        now.runner,
                        now.fetcher,
                        now.redactor,
                        now.record,
                        now.cache_folder,
                        now.output_folder,
                        now.overwrite,
                        false,
                        false,
                        passed};
  EXPECT_EQ(keep(OnError::kAbort, late, cancelled(), cancelled()), "Run:BuildTimeout");
  EXPECT_TRUE(linked());
}

TEST_F(KeepFailedTest, AnOverlayFitsOnlyTheSourceThatItWasMadeOver) {
  keep(OnError::kAbort, context());
  const auto kept = read_kept_disk(saved(), run_.id());
  ASSERT_OK(kept);
  std::ofstream(folder_.path() / "base.raw", std::ios::app) << "x";
  EXPECT_THAT(open_kept_disk(run_, *kept), FailsWith("Run:SourceChanged"));
  std::filesystem::remove(folder_.path() / "base.raw");
  EXPECT_THAT(open_kept_disk(run_, *kept), FailsWith("Run:SourceGone"));
}

TEST_F(KeepFailedTest, ARecordIsReadOnlyWhereItIsSound) {
  EXPECT_THAT(read_kept_disk(saved(), "r"), FailsWith("Run:NothingKept"));
  keep(OnError::kAbort, context());
  const auto good = saved();
  const auto damage = [&](const char* pointer, const nlohmann::json& value) {
    auto record = good;
    record[nlohmann::json::json_pointer(pointer)] = value;
    return read_kept_disk(record, "r");
  };
  ASSERT_OK(read_kept_disk(good, "r"));
  EXPECT_THAT(damage("/kept", 3), FailsWith("Run:DamagedRecord"));
  EXPECT_THAT(damage("/kept/formatVersion", 2), FailsWith("Run:DamagedRecord"));
  EXPECT_THAT(damage("/kept/overlays", nlohmann::json::array()), FailsWith("Run:DamagedRecord"));
  EXPECT_THAT(damage("/kept/overlays/0", "../../other/overlay"), FailsWith("Run:DamagedRecord"));
  EXPECT_THAT(damage("/kept/memoryMiB", "much"), FailsWith("Run:DamagedRecord"));
  EXPECT_THAT(damage("/kept/trustedLaunch", "much"), FailsWith("Run:DamagedRecord"));
}

}  // namespace
}  // namespace kiln
