#include "engine/sandbox/guest/console_screen.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConsoleScreen, TellsEachLineOnce) {
  ConsoleScreen screen;
  EXPECT_THAT(screen.feed("one\r\ntwo\r\n"), ElementsAre("one", "two"));
  EXPECT_THAT(screen.feed("three\r\n"), ElementsAre("three"));
  EXPECT_THAT(screen.feed(""), IsEmpty());
}

TEST(ConsoleScreen, TellsALineAgainThatIsWrittenAgain) {
  ConsoleScreen screen;
  screen.feed("retrying\r\n");
  EXPECT_THAT(screen.feed("retrying\r\n"), ElementsAre("retrying"));
}

TEST(ConsoleScreen, TellsLinesThatHaveScrolledAway) {
  ConsoleScreen screen;
  screen.feed("first\r\n");
  std::string many;
  for (int line = 0; line < 60; ++line) many += fmt::format("line {}\r\n", line);
  const auto lines = screen.feed(many);
  ASSERT_EQ(lines.size(), 60U);
  EXPECT_EQ(lines.front(), "line 0");
  EXPECT_EQ(lines.back(), "line 59");
  EXPECT_EQ(screen.rows().size(), 24U);
}

TEST(ConsoleScreen, ReadsALongLineInOnePiece) {
  ConsoleScreen screen;
  const std::string line(200, 'x');
  EXPECT_THAT(screen.feed(line + "\r\n"), ElementsAre(line));
}

TEST(ConsoleScreen, ReadsADialog) {
  ConsoleScreen screen;
  screen.feed("boot messages\r\n");
  const auto lines = screen.feed(
      "\x1b[2J\x1b[37;44m\x1b[8;20H\x1b(0lqqqqqqqk\x1b(B\x1b[9;20H\x1b(0x\x1b(B Erase? \x1b(0x"
      "\x1b(B\x1b[10;20H\xe2\x94\x82 Yes No \xe2\x94\x82\x1b[m");
  EXPECT_THAT(lines, ElementsAre("Erase?", "Yes No"));
  EXPECT_THAT(screen.rows(), ElementsAre("Erase?", "Yes No"));
}

TEST(ConsoleScreen, StandsAnyBytes) {
  ConsoleScreen screen;
  std::string bytes;
  for (unsigned byte = 0; byte < 200'000; ++byte) {
    bytes += static_cast<char>((byte * 2654435761U) >> 13U);
  }
  screen.feed(bytes);
  screen.feed("\x1b]0;" + std::string(100'000, 't'));
  EXPECT_THAT(screen.feed("\x1b\\\x1b"
                          "c"
                          "here\r\n"),
              ElementsAre("here"));
}

}  // namespace
}  // namespace kiln
