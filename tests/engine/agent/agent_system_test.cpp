// The clock and the file systems of the system that the agent runs in. What they do to a real one
// is tested in a guest: here the host's own would change.
#include <thread>

#include "tests/engine/agent/real_agent.h"

namespace kiln::test {
namespace {

using namespace std::chrono_literals;

class AgentSystem : public AgentTest {
 protected:
  Result<void> freeze(const std::vector<std::string>& mount_points,
                      std::chrono::milliseconds limit,
                      std::chrono::milliseconds work) {
    return agent_->freeze(mount_points,
                          limit,
                          [&]() -> Result<void> {
                            ++worked_;
                            std::this_thread::sleep_for(work);
                            return {};
                          },
                          {});
  }
  int worked_ = 0;
};

TEST_F(AgentSystem, WorksWhileFrozenAndThaws) {
  EXPECT_OK(freeze({}, 10s, 0ms));
  EXPECT_EQ(worked_, 1);
  EXPECT_OK(shell("true"));
}

TEST_F(AgentSystem, ThawsByItselfWhenTheTimeIsUp) {
  EXPECT_THAT(freeze({}, 100ms, 500ms), FailsWith("Agent:Thawed"));
  EXPECT_EQ(worked_, 1);
  EXPECT_OK(shell("true"));  // the host's thaw came too late and does no harm
}

TEST_F(AgentSystem, PassesTheFailureOfTheWorkOnAndThawsAllTheSame) {
  const auto failed = agent_->freeze(
      {}, 10s, []() -> Result<void> { return fail(ErrorKind::kIo, "Test:Work", "no"); }, {});
  EXPECT_THAT(failed, FailsWith("Test:Work"));
  EXPECT_OK(shell("true"));
}

TEST_F(AgentSystem, SaysWhatCannotBeFrozen) {
  const auto refused = freeze({"/nowhere"}, 10s, 0ms);
  ASSERT_THAT(refused, FailsWith("Agent:NotFound"));
  EXPECT_THAT(refused.error().message(), ::testing::HasSubstr("/nowhere"));
  EXPECT_EQ(worked_, 0);
}

TEST_F(AgentSystem, WritesOutWhatKnowsNoFreezing) {
  ASSERT_OK(freeze({"/proc"}, 10s, 0ms));
  EXPECT_EQ(worked_, 1);
}

TEST_F(AgentSystem, SaysThatItMayNotSetTheClock) {
  RealAgent ordinary({}, [] { return ::setuid(65534) == 0; });
  const auto agent = connect_agent(ordinary.take_socket(), 10s, {});
  ASSERT_OK(agent);
  EXPECT_THAT((*agent)->set_clock(std::chrono::system_clock::now(), {}), FailsWith("Agent:Denied"));
}

}  // namespace
}  // namespace kiln::test
