#include "engine/run/run_steps.h"

#include "tests/engine/run/failed_run.h"

namespace kiln {
namespace {

/// A step that only says that it ran.
class Step : public Customizer {
 public:
  Step(std::string name, std::vector<std::string>& ran, Result<void> ends)
      : name_(std::move(name)), ran_(ran), ends_(std::move(ends)) {}
  [[nodiscard]] std::string_view type() const override { return "Shell"; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string describe() const override { return {}; }
  Result<void> run(const StepContext& context) const override {
    ran_.push_back(context.phase + "/" + context.step_id);
    EXPECT_TRUE(context.inputs.contains("a.sh"));
    return ends_;
  }

 private:
  std::string name_;
  std::vector<std::string>& ran_;
  Result<void> ends_;
};

class RunStepsTest : public test::FailedRunTest {
 protected:
  void add(const std::string& id, Result<void> ends = {}) {
    steps_.push_back({id, std::make_unique<Step>("the " + id, ran_, std::move(ends))});
  }
  Result<void> run() {
    const auto machine = sandbox();
    return run_steps(context(), "validate", steps_, {{{"a.sh", "/a.sh"}}}, *machine);
  }
  std::vector<PlannedStep> steps_;
  std::vector<std::string> ran_;
};

TEST_F(RunStepsTest, RunsThemInOrder) {
  add("validate-01");
  add("validate-02");
  ASSERT_OK(run());
  EXPECT_EQ(ran_, (std::vector<std::string>{"validate/validate-01", "validate/validate-02"}));
}

TEST_F(RunStepsTest, TheFirstFailureEndsItAndSaysWhichItWas) {
  add("validate-01");
  add("validate-02", fail(ErrorKind::kGuestFailed, "Shell:ExitCode", "exit code 3"));
  add("validate-03");
  const auto ran = run();
  ASSERT_FALSE(ran.has_value());
  EXPECT_EQ(ran.error().code(), "Shell:ExitCode");
  EXPECT_NE(ran.error().describe().find("step validate-02 of 3 (Shell: the validate-02)"),
            std::string::npos)
      << ran.error().describe();
  EXPECT_EQ(ran_.size(), 2U);
}

/// Tells the system to restart, as steps of Windows do, and waits.
class RestartingStep : public Customizer {
 public:
  explicit RestartingStep(StepSystem& seen) : seen_(seen) {}
  [[nodiscard]] std::string_view type() const override { return "WindowsRestart"; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string describe() const override { return {}; }
  [[nodiscard]] StepSystem system() const override { return StepSystem::kWindows; }
  Result<void> run(const StepContext& context) const override {
    seen_ = context.image_system;
    return context.await_restart(std::chrono::minutes(7));
  }

 private:
  std::string name_;
  StepSystem& seen_;
};

TEST_F(RunStepsTest, AStepOfWindowsRestartsItsSystemAndIsToldWhichItIs) {
  auto seen = StepSystem::kAny;
  steps_.push_back({"validate-01", std::make_unique<RestartingStep>(seen)});
  ASSERT_OK(run());
  EXPECT_EQ(seen, StepSystem::kLinux);
  plan_.source.os_type = OsType::kWindows;
  ASSERT_OK(run());
  EXPECT_EQ(seen, StepSystem::kWindows);
  EXPECT_EQ(log_.awaited, std::vector<std::chrono::milliseconds>(2, std::chrono::minutes(7)));
}

}  // namespace
}  // namespace kiln
