#include "engine/sandbox/micro/micro_tools.h"

#include "tests/support/fake_agent.h"
#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

constexpr auto kExited = GuestExit::Kind::kExited;

ErrorKind kind_of_failure(GuestExit exit, const std::string& program) {
  FakeAgent agent;
  agent.exit = exit;
  const auto answer = MicroTools(agent, {}).run({program}, "looking");
  EXPECT_FALSE(answer.has_value());
  return answer.has_value() ? ErrorKind::kInternal : answer.error().kind();
}

TEST(MicroTools, TellWhatLibguestfsMayDoInstead) {
  EXPECT_EQ(kind_of_failure({kExited, 127}, "lvm"), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_of_failure({kExited, 1}, "lvm"), ErrorKind::kGuestFailed);
  EXPECT_EQ(kind_of_failure({GuestExit::Kind::kSignalled, 127}, "lvm"), ErrorKind::kGuestFailed);
}

TEST(MicroTools, TellOfAbsentFilesOnlyWhereTheyKnow) {
  EXPECT_EQ(kind_of_failure({kExited, 2}, "/init"), ErrorKind::kNotFound);
  EXPECT_EQ(kind_of_failure({kExited, 2}, "lvm"), ErrorKind::kGuestFailed);
}

TEST(MicroTools, BearTheCodesThatTheyAreToldOf) {
  FakeAgent agent;
  agent.exit = {kExited, 2};
  EXPECT_OK(MicroTools(agent, {}).run({"blkid"}, "looking", {}, {0, 2}));
}

}  // namespace
}  // namespace kiln::test
