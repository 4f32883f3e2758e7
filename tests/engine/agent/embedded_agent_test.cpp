#include <cstdint>
#include <regex>
#include <set>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/agent/guest_agent.h"
#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

Bytes agent_bytes() {
  const auto agent = embedded_linux_agent();
  return std::as_bytes(std::span(agent.data(), agent.size()));
}

TEST(EmbeddedAgent, IsSmall) {
  EXPECT_GT(embedded_linux_agent().size(), 100 * kKiB);
  EXPECT_LT(embedded_linux_agent().size(), 3 * kMiB);
}

// It has to run in any image, so it may need nothing of it: no interpreter, no shared object.
TEST(EmbeddedAgent, IsAStaticProgram) {
  const auto elf = agent_bytes();
  ASSERT_EQ(embedded_linux_agent().substr(0, 4),
            "\x7f"
            "ELF");
  ASSERT_EQ(std::to_integer<int>(elf[4]), 2) << "64 bit";
  const auto headers = read_le<std::uint64_t>(elf, 0x20);
  const auto header_size = read_le<std::uint16_t>(elf, 0x36);
  const auto header_count = read_le<std::uint16_t>(elf, 0x38);
  constexpr std::uint32_t kDynamic = 2;
  constexpr std::uint32_t kInterpreter = 3;
  for (std::uint16_t i = 0; i < header_count; ++i) {
    const auto type = read_le<std::uint32_t>(elf, headers + std::size_t{i} * header_size);
    EXPECT_NE(type, kDynamic);
    EXPECT_NE(type, kInterpreter);
  }
}

TEST(EmbeddedAgent, CarriesNoSymbolsOrSanitizers) {
  EXPECT_EQ(embedded_linux_agent().find("__asan_"), std::string_view::npos);
  EXPECT_EQ(embedded_linux_agent().find(".symtab"), std::string_view::npos);
}

// Nothing but libraries that every Windows has, nano servers apart.
TEST(EmbeddedWindowsAgent, IsASmallProgramThatNeedsWindowsOnly) {
  const auto program = embedded_windows_agent();
  const auto pe = std::as_bytes(std::span(program.data(), program.size()));
  ASSERT_GT(program.size(), 100 * kKiB);
  EXPECT_LT(program.size(), kMiB);
  const auto header = read_le<std::uint32_t>(pe, 0x3c);
  ASSERT_EQ(program.substr(header, 4), std::string_view("PE\0\0", 4));
  EXPECT_EQ(read_le<std::uint16_t>(pe, header + 4), 0x8664) << "x86-64";
  std::set<std::string> libraries;
  const std::string text(program);
  const std::regex name("[A-Za-z0-9_]+[.](dll|DLL)");
  for (std::sregex_iterator i(text.begin(), text.end(), name), end; i != end; ++i) {
    libraries.insert(to_lower(i->str()));
  }
  EXPECT_THAT(libraries,
              ::testing::UnorderedElementsAre(
                  "advapi32.dll", "kernel32.dll", "msvcrt.dll", "netapi32.dll", "userenv.dll"));
}

}  // namespace
}  // namespace kiln
