#include "disk/inspect/os_release.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(OsRelease, Unquotes) {
  const auto variables = parse_os_release(
      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
      "ID=debian\n"
      "# comment=1\n"
      "QUOTED='it is \\'\n"
      "ESCAPED=\"say \\\"hi\\\" for \\$5\"\n"
      "nonsense\n");
  EXPECT_EQ(variables.at("PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(variables.at("ID"), "debian");
  EXPECT_EQ(variables.at("QUOTED"), "it is \\");
  EXPECT_EQ(variables.at("ESCAPED"), "say \"hi\" for $5");
  EXPECT_EQ(variables.size(), 4U);
}

}  // namespace
}  // namespace kiln
