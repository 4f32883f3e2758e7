#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/core/process_runner.h"

namespace kiln::test {

/// Answers expected commands in order. An unexpected command, a wrong argv and an expectation that
/// nobody used up fail the test.
class FakeRunner : public ProcessRunner {
 public:
  FakeRunner() = default;
  FakeRunner(const FakeRunner&) = delete;
  FakeRunner& operator=(const FakeRunner&) = delete;
  ~FakeRunner() override {
    for (const auto& expected : expected_) {
      ADD_FAILURE() << "never run: " << fmt::format("{}", fmt::join(expected.argv, " "));
    }
  }

  void expect(std::vector<std::string> argv, Result<ProcessOutput> answer) {
    expected_.push_back({std::move(argv), std::move(answer)});
  }

  Result<ProcessOutput> run(const Command& command, const CancelToken& /*cancel*/) override {
    if (expected_.empty()) {
      return unexpected(command);
    }
    auto next = std::move(expected_.front());
    expected_.pop_front();
    EXPECT_EQ(command.argv, next.argv);
    return std::move(next.answer);
  }

  Result<std::unique_ptr<ChildProcess>> start(const Command& command) override {
    return unexpected(command);
  }

 private:
  static Error unexpected(const Command& command) {
    const auto text = fmt::format("{}", fmt::join(command.argv, " "));
    ADD_FAILURE() << "unexpected: " << text;
    return fail(ErrorKind::kInternal, "Test:UnexpectedCommand", "unexpected: {}", text);
  }

  struct Expected {
    std::vector<std::string> argv;
    Result<ProcessOutput> answer;
  };
  std::deque<Expected> expected_;
};

}  // namespace kiln::test
