#pragma once

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "disk/image/probe.h"
#include "engine/core/bytes.h"
#include "engine/core/temp_dir.h"
#include "engine/run/keep_failed.h"
#include "tests/support/fake_agent.h"
#include "tests/support/fake_runner.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln::test {

/// A sandbox without a machine: nothing asks its agent for anything here.
class FakeSandbox : public Sandbox {
 public:
  struct Log {
    int halted = 0;
    int ended = 0;
    std::vector<std::chrono::milliseconds> awaited;  ///< limits of restarts
    std::function<void()> on_halt = [] {};
  };
  FakeSandbox(Log& log, Result<void> halts) : log_(log), halts_(std::move(halts)) {}
  FakeSandbox(const FakeSandbox&) = delete;
  FakeSandbox& operator=(const FakeSandbox&) = delete;
  ~FakeSandbox() override { ++log_.ended; }

  [[nodiscard]] const GuestSystem& system() const override { return system_; }
  GuestAgent& agent() override { return agent_; }
  Result<void> restart(std::chrono::milliseconds /*limit*/) override { return {}; }
  Result<void> await_restart(std::chrono::milliseconds limit) override {
    log_.awaited.push_back(limit);
    return {};
  }
  Result<void> rest() override { return {}; }
  Result<void> begin_layer(const WorkDisk& /*next*/,
                           const std::filesystem::path& /*system*/) override {
    return {};
  }
  Result<SealedImage> seal() override { return SealedImage{}; }
  Result<void> halt() override {
    ++log_.halted;
    log_.on_halt();
    return halts_;
  }
  Result<void> finish() override { return {}; }

 private:
  Log& log_;
  Result<void> halts_;
  GuestSystem system_;
  test::FakeAgent agent_;
};

/// A run whose disk is two small files, in a state folder of its own.
class FailedRunTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto base = folder_.path() / "base.raw";
    std::ofstream(base).close();
    std::filesystem::resize_file(base, kMiB);
    const auto overlay = run_.work() / "overlay.qcow2";
    std::ofstream(overlay) << "an overlay";
    disk_.emplace(WorkDisk::reopen(probe_image(base).value(), {overlay}));
  }

  [[nodiscard]] RunContext context(bool keep_on_failure = false) {
    return {plan_,
            run_,
            events_,
            deadline_.token(),
            runner_,
            fetcher_,
            redactor_,
            record_,
            folder_.path(),
            folder_.path(),
            false,
            keep_on_failure,
            false,
            deadline_};
  }
  std::unique_ptr<Sandbox> sandbox(Result<void> halts = {}) {
    return std::make_unique<FakeSandbox>(log_, std::move(halts));
  }

  class NoFetcher : public Fetcher {
   public:
    Result<std::string> fetch(const std::string&,
                              const std::filesystem::path&,
                              const CancelToken&) override {
      return fail(ErrorKind::kNotFound, "Fetch:NotFound", "nothing is fetched here");
    }
    Result<void> check(const std::string&, const CancelToken&) override { return {}; }
  };

  TempDir folder_ = *TempDir::create();
  RunFolder run_ = *RunFolder::create(folder_.path());
  Redactor redactor_;
  RunRecord record_{run_.record(), run_.id(), {}, redactor_};
  RecordingSink events_;
  FakeRunner runner_;
  NoFetcher fetcher_;
  CancelSource user_;
  Deadline deadline_{user_.token(), std::chrono::hours(1)};
  Plan plan_;
  std::optional<WorkDisk> disk_;
  FakeSandbox::Log log_;
};

}  // namespace kiln::test
