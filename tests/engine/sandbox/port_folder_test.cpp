#include "disk/inspect/image_session.h"
#include "engine/sandbox/agent_port.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;

TEST(PortFolder, IsTheWorkFolderWhereItsPathIsShort) {
  const auto port = PortFolder::create("/tmp/short");
  ASSERT_OK(port);
  EXPECT_EQ(port->socket(), "/tmp/short/agent.sock");
  EXPECT_THAT(port->connect(), FailsWith("Sandbox:AgentPort"));
}

TEST(PortFolder, IsATemporaryOneWhereItIsNot) {
  std::filesystem::path socket;
  {
    const auto port = PortFolder::create("/tmp/" + std::string(100, 'x'));
    ASSERT_OK(port);
    socket = port->socket();
    EXPECT_LE(socket.string().size(), kLongestSocketPath);
    EXPECT_TRUE(std::filesystem::is_directory(socket.parent_path()));
  }
  EXPECT_FALSE(std::filesystem::exists(socket.parent_path()));
}

TEST(PortFolder, KnowsTheLongestPathExactly) {
  // `/tmp/` + name + `/agent.sock` fills the address to its last byte.
  const std::string fits(kLongestSocketPath - 5 - 11, 'x');
  EXPECT_EQ(PortFolder::create("/tmp/" + fits).value().socket().parent_path(), "/tmp/" + fits);
  EXPECT_NE(PortFolder::create("/tmp/x" + fits).value().socket().parent_path(), "/tmp/x" + fits);
}

}  // namespace
}  // namespace kiln
