#include "engine/core/text.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Text, Splits) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split_lines("a\n\nb\n"), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_lines("a\nb"), ElementsAre("a", "b"));
  EXPECT_THAT(split_lines(""), IsEmpty());
}

TEST(Text, TrimsAndLowers) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(to_lower("AbC-1"), "abc-1");
  EXPECT_TRUE(equal_ignoring_case("Latest", "lATEST"));
  EXPECT_FALSE(equal_ignoring_case("Latest", "Lates"));
}

TEST(Text, NearestWordIsCloseOrNothing) {
  const std::vector<std::string_view> words = {"artifactTags", "runOutputName", "type"};
  EXPECT_EQ(nearest_word("aritfactTags", words), "artifactTags");
  EXPECT_EQ(nearest_word("RUNOUTPUTNAME", words), "runOutputName");
  EXPECT_EQ(nearest_word("somethingElse", words), "");
  EXPECT_EQ(nearest_word(std::string(1'000'000, 'a'), words), "");
  EXPECT_EQ(nearest_word("type", {}), "");
  const std::vector<std::string_view> functions = {"bool", "int", "if", "last", "toUpper"};
  EXPECT_EQ(nearest_word("foo", functions), "");
  EXPECT_EQ(nearest_word("x", functions), "");
  EXPECT_EQ(nearest_word("IF", functions), "if");
  EXPECT_EQ(nearest_word("boo", functions), "bool");
  EXPECT_EQ(nearest_word("lsat", functions), "last");  // swapped neighbours are one slip
  EXPECT_EQ(nearest_word("toUper", functions), "toUpper");
}

TEST(Text, PrintableShowsWhatATerminalWouldObey) {
  EXPECT_EQ(printable("plain é→ text"), "plain é→ text");
  EXPECT_EQ(printable("\x1b[31m\n\x7f"), "\\x1b[31m\\x0a\\x7f");
  EXPECT_EQ(printable("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // C1: a terminal takes it for ESC [
  EXPECT_EQ(printable(std::string(1000, 'x'), 3), "xxx…");
  EXPECT_EQ(printable("ééé", 5), "éé…");  // never half a character
  EXPECT_EQ(printable("xxx", 3), "xxx");
}

TEST(Text, FormatsSizes) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(1023), "1023 bytes");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes((1U << 20U) - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(std::uint64_t{30} << 30U), "30.0 GiB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "16777216.0 TiB");
}

TEST(Text, FormatsDurations) {
  EXPECT_EQ(format_duration(milliseconds(0)), "0.0 s");
  EXPECT_EQ(format_duration(milliseconds(3249)), "3.2 s");
  EXPECT_EQ(format_duration(milliseconds(59'960)), "1 min 00 s");
  EXPECT_EQ(format_duration(milliseconds(125'000)), "2 min 05 s");
  EXPECT_EQ(format_duration(milliseconds(3'599'900)), "1 h 00 min");
  EXPECT_EQ(format_duration(milliseconds(2 * 3'600'000 + 300'000)), "2 h 05 min");
}

TEST(Text, FormatsTimes) {
  const auto time = std::chrono::system_clock::from_time_t(1'700'000'000) + milliseconds(7);
  EXPECT_EQ(format_time(time), "2023-11-14T22:13:20.007Z");
}

std::vector<std::string> lines_of(const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  const auto keep = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter;
  for (const auto& piece : pieces) splitter.feed(piece, keep);
  splitter.flush(keep);
  return lines;
}

TEST(LineSplitter, JoinsPiecesAndKeepsEmptyLines) {
  EXPECT_THAT(lines_of({"a", "b\n\nc", "\r\n", "d"}), ElementsAre("ab", "", "c", "d"));
  EXPECT_THAT(lines_of({"a\n"}), ElementsAre("a"));
  EXPECT_THAT(lines_of({}), IsEmpty());
}

TEST(LineSplitter, HandsOnLongLinesInPieces) {
  const auto max = LineSplitter::kMaxLine;
  for (const std::size_t length : {max - 1, max, max + 1, 2 * max, 3 * max + 5}) {
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{1000}, max, 4 * max}) {
      const std::string text = std::string(length, 'x') + "\nend\n";
      std::vector<std::string> pieces;
      for (std::size_t at = 0; at < text.size(); at += chunk)
        pieces.push_back(text.substr(at, chunk));
      const auto lines = lines_of(pieces);
      std::size_t total = 0;
      for (const auto& line : lines) {
        EXPECT_LE(line.size(), max);
        total += line.size();
      }
      EXPECT_EQ(total, length + 3);
      EXPECT_EQ(lines.size(), (length + max - 1) / max + 1) << length << " by " << chunk;
      EXPECT_EQ(lines.back(), "end");
    }
  }
}

}  // namespace
}  // namespace kiln
