#include "engine/run/run_gc.h"

#include <fcntl.h>
#include <fstream>
#include <sys/file.h>

#include <gtest/gtest.h>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/run/run_folder.h"
#include "engine/run/run_record.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

class RunGcTest : public testing::Test {
 protected:
  /// A run folder as a process leaves it: with a record in `state`, an overlay and a partial file.
  fs::path leave_run(RunState state) {
    const auto folder = RunFolder::create(state_.path());
    EXPECT_OK(folder);
    partial_ = state_.path() / "out.vhd.partial";
    std::ofstream(partial_) << "half";
    std::ofstream(folder->work() / "overlay.qcow2") << std::string(8192, 'x');
    std::ofstream(folder->work() / "console.log") << "kernel says";
    std::ofstream(folder->work() / "installer.log") << "installer says";
    RunRecord record(folder->record(), folder->id(), {}, redactor_);
    record.set_partial_files({partial_});
    if (state != RunState::kRunning) record.finish(state, "");
    EXPECT_OK(record.save());
    return folder->path();
  }

  nlohmann::json record_of(const fs::path& folder) {
    return nlohmann::json::parse(read_file(folder / "run.json").value_or("{}"));
  }

  Redactor redactor_;
  TempDir state_ = *TempDir::create();
  fs::path partial_;
};

TEST_F(RunGcTest, EndsAnInterruptedRunAndRemovesWhatItLeft) {
  const auto folder = leave_run(RunState::kRunning);
  const auto report = collect_garbage(state_.path(), {});
  ASSERT_OK(report);
  EXPECT_EQ(report->interrupted, std::vector{folder.filename().string()});
  EXPECT_FALSE(fs::exists(folder / "work"));
  EXPECT_FALSE(fs::exists(partial_));
  EXPECT_TRUE(fs::exists(folder / "console.log"));
  EXPECT_TRUE(fs::exists(folder / "installer.log"));
  EXPECT_EQ(record_of(folder)["lastRunStatus"]["runState"], "Failed");
  EXPECT_GT(report->bytes, 8000U);

  const auto again = collect_garbage(state_.path(), {});
  ASSERT_OK(again);
  EXPECT_TRUE(again->interrupted.empty());
  EXPECT_TRUE(again->removed.empty());
}

TEST_F(RunGcTest, DryRunTouchesNothing) {
  const auto folder = leave_run(RunState::kRunning);
  GcOptions options;
  options.dry_run = true;
  const auto report = collect_garbage(state_.path(), options);
  ASSERT_OK(report);
  EXPECT_EQ(report->removed.size(), 2U);
  EXPECT_TRUE(fs::exists(folder / "work" / "overlay.qcow2"));
  EXPECT_TRUE(fs::exists(partial_));
  EXPECT_EQ(record_of(folder)["lastRunStatus"]["runState"], "Running");
}

TEST_F(RunGcTest, LeavesALiveRunAlone) {
  const auto folder = leave_run(RunState::kRunning);
  const auto alive = RunFolder::adopt(folder);
  ASSERT_OK(alive);
  ASSERT_OK(collect_garbage(state_.path(), {}));
  EXPECT_TRUE(fs::exists(folder / "work"));
  EXPECT_TRUE(fs::exists(partial_));
}

TEST_F(RunGcTest, LeavesAPartialFileThatAnotherRunIsWriting) {
  leave_run(RunState::kRunning);
  const UniqueFd writer(::open(partial_.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
  const auto report = collect_garbage(state_.path(), {});
  ASSERT_OK(report);
  EXPECT_EQ(report->interrupted.size(), 1U);
  EXPECT_TRUE(fs::exists(partial_));
}

TEST_F(RunGcTest, KeepsFinishedRunsUntilTheyAreOld) {
  const auto folder = leave_run(RunState::kSucceeded);
  ASSERT_OK(collect_garbage(state_.path(), {}));
  EXPECT_TRUE(fs::exists(partial_)) << "a finished run's outputs are not gc's business";
  EXPECT_FALSE(fs::exists(folder / "work"));
  GcOptions options;
  options.older_than = std::chrono::hours(24);
  ASSERT_OK(collect_garbage(state_.path(), options));
  EXPECT_TRUE(fs::exists(folder / "run.json"));
  fs::last_write_time(folder / "run.json",
                      fs::file_time_type::clock::now() - std::chrono::hours(25));
  ASSERT_OK(collect_garbage(state_.path(), options));
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(RunGcTest, AKeptDiskGoesOnlyWhenAskedFor) {
  const auto folder = leave_run(RunState::kFailed);
  fs::create_directory(folder / "kept");
  std::ofstream(folder / "kept" / "overlay.qcow2") << std::string(8192, 'x');
  auto record = record_of(folder);
  record["kept"] = {{"formatVersion", 1}};
  ASSERT_OK(write_file_atomic(folder / "run.json", record.dump()));
  fs::last_write_time(folder / "run.json",
                      fs::file_time_type::clock::now() - std::chrono::hours(25));
  GcOptions options;
  options.older_than = std::chrono::hours(24);
  const auto report = collect_garbage(state_.path(), options);
  ASSERT_OK(report);
  ASSERT_EQ(report->kept.size(), 1U);
  EXPECT_EQ(report->kept[0].path, folder / "kept");
  EXPECT_GE(report->kept[0].bytes, 8192U);
  EXPECT_TRUE(fs::exists(folder / "kept" / "overlay.qcow2"));
  EXPECT_FALSE(fs::exists(folder / "work"));

  GcOptions all;
  all.kept = true;
  all.dry_run = true;
  ASSERT_OK(collect_garbage(state_.path(), all));
  EXPECT_TRUE(fs::exists(folder / "kept" / "overlay.qcow2"));
  all.dry_run = false;
  ASSERT_OK(collect_garbage(state_.path(), all));
  EXPECT_FALSE(fs::exists(folder / "kept"));
  EXPECT_FALSE(record_of(folder).contains("kept"));
}

TEST_F(RunGcTest, WhatIsNotDistributedGoesOnlyWhenAskedFor) {
  const auto folder = leave_run(RunState::kRunning);
  fs::create_directory(folder / "finished");
  fs::create_directory(folder / "journals");
  std::ofstream(folder / "finished" / "overlay.qcow2") << std::string(8192, 'x');
  std::ofstream(folder / "journals" / "distribute-01.journal") << "upload";
  auto record = record_of(folder);
  record["finished"] = {{"formatVersion", 1}};
  ASSERT_OK(write_file_atomic(folder / "run.json", record.dump()));
  const auto report = collect_garbage(state_.path(), {});
  ASSERT_OK(report);
  ASSERT_EQ(report->kept.size(), 1U);
  EXPECT_EQ(report->kept[0].path, folder / "finished");
  EXPECT_EQ(record_of(folder)["lastRunStatus"]["runState"], "Failed");
  EXPECT_TRUE(fs::exists(folder / "finished" / "overlay.qcow2"));
  EXPECT_TRUE(fs::exists(folder / "journals" / "distribute-01.journal"));
  EXPECT_FALSE(fs::exists(folder / "work"));

  GcOptions all;
  all.kept = true;
  ASSERT_OK(collect_garbage(state_.path(), all));
  EXPECT_FALSE(fs::exists(folder / "finished"));
  EXPECT_FALSE(fs::exists(folder / "journals"));
  EXPECT_FALSE(record_of(folder).contains("finished"));
}

TEST_F(RunGcTest, JournalsOfUploadsGoWhenAskedForUnlessOneIsGoingOn) {
  const auto folder = state_.path() / "uploads";
  fs::create_directory(folder);
  std::ofstream(folder / "cut-off.journal") << "upload";
  std::ofstream(folder / "going-on.journal") << "upload";
  const UniqueFd upload(::open((folder / "going-on.journal").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(upload.get(), LOCK_EX), 0);
  const auto report = collect_garbage(state_.path(), {});
  ASSERT_OK(report);
  EXPECT_EQ(report->kept.size(), 2U);
  EXPECT_TRUE(fs::exists(folder / "cut-off.journal"));
  GcOptions all;
  all.kept = true;
  ASSERT_OK(collect_garbage(state_.path(), all));
  EXPECT_FALSE(fs::exists(folder / "cut-off.journal"));
  EXPECT_TRUE(fs::exists(folder / "going-on.journal"));
}

TEST_F(RunGcTest, ADiskThatNoRecordSpeaksOfIsRemoved) {
  const auto folder = leave_run(RunState::kRunning);
  fs::create_directory(folder / "kept");
  const auto report = collect_garbage(state_.path(), {});
  ASSERT_OK(report);
  EXPECT_TRUE(report->kept.empty());
  EXPECT_FALSE(fs::exists(folder / "kept"));
}

TEST_F(RunGcTest, RemovesAFolderThatNeverGotARecord) {
  fs::path path;
  {
    const auto folder = RunFolder::create(state_.path());
    ASSERT_OK(folder);
    path = folder->path();
  }
  ASSERT_OK(collect_garbage(state_.path(), {}));
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace kiln
