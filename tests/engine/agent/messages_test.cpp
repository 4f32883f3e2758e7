#include "engine/agent/messages.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kiln::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Messages, RoundTrip) {
  const auto hello = decode_hello(encode(Hello{1, "0.1", 5}));
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->protocol, 1);
  EXPECT_EQ(hello->version, "0.1");
  EXPECT_EQ(hello->capabilities, 5U);

  const auto run =
      decode_run(encode(RunRequest{{"sh", "", "\xff"}, {{"A", "b=c"}}, "/root", 1500}));
  ASSERT_TRUE(run);
  EXPECT_THAT(run->argv, ElementsAre("sh", "", "\xff"));
  EXPECT_THAT(run->environment, ElementsAre(Pair("A", "b=c")));
  EXPECT_EQ(run->directory, "/root");
  EXPECT_EQ(run->time_limit_milliseconds, 1500U);

  EXPECT_EQ(run->input, InputKind::kNone);
  EXPECT_EQ(run->account, Account::kSystem);
  for (const auto account : {Account::kElevatedAdministrator, Account::kLimitedAdministrator}) {
    RunRequest request{{"cmd"}, {}, "/", 0};
    request.account = account;
    const auto decoded = decode_run(encode(request));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->account, account);
    request.account = static_cast<Account>(3);
    EXPECT_FALSE(decode_run(encode(request)));
  }

  const auto shell = decode_run(
      encode(RunRequest{{"sh"}, {}, "/", 0, InputKind::kTerminal, TerminalSize{50, 65535}}));
  ASSERT_TRUE(shell);
  EXPECT_EQ(shell->input, InputKind::kTerminal);
  EXPECT_EQ(shell->terminal, (TerminalSize{50, 65535}));
  EXPECT_EQ(decode_terminal_size(encode(TerminalSize{24, 80})), (TerminalSize{24, 80}));
  EXPECT_EQ(decode_input_taken(encode(InputTaken{7}))->bytes, 7U);

  for (const auto kind :
       {ExitKind::kExited, ExitKind::kSignalled, ExitKind::kTimedOut, ExitKind::kCancelled}) {
    const auto exit = decode_exit(encode(ExitReport{kind, 0xc0000005}));
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->kind, kind);
    EXPECT_EQ(exit->code, 0xc0000005);
  }

  const auto put = decode_put(encode(PutRequest{"/a", 04755, ~std::uint64_t{0}}));
  ASSERT_TRUE(put);
  EXPECT_EQ(put->path, "/a");
  EXPECT_EQ(put->mode, 04755U);
  EXPECT_EQ(put->size, ~std::uint64_t{0});

  const auto get = decode_get(encode(GetRequest{"/a", 7}));
  ASSERT_TRUE(get);
  EXPECT_EQ(get->path, "/a");
  EXPECT_EQ(get->limit, 7U);

  const auto remove = decode_remove(encode(RemoveRequest{"/a/*"}));
  ASSERT_TRUE(remove);
  EXPECT_EQ(remove->pattern, "/a/*");

  const auto removed = decode_removed(encode(RemovedReport{{"/a/b", ""}}));
  ASSERT_TRUE(removed);
  EXPECT_THAT(removed->paths, ElementsAre("/a/b", ""));

  EXPECT_EQ(decode_clock(encode(ClockSetting{1'700'000'000'000'000}))->microseconds,
            1'700'000'000'000'000U);
  const auto freeze = decode_freeze(encode(FreezeRequest{{"/", "/boot"}, 30'000}));
  ASSERT_TRUE(freeze);
  EXPECT_THAT(freeze->mount_points, ElementsAre("/", "/boot"));
  EXPECT_EQ(freeze->time_limit_milliseconds, 30'000U);

  const auto forward = decode_forward(encode(ForwardRequest{{{"a.example", 443}}}));
  ASSERT_TRUE(forward);
  EXPECT_THAT(forward->destinations, ElementsAre(Pair("a.example", 443)));
  EXPECT_EQ(decode_stream_open(encode(StreamOpen{513}))->destination, 513);

  const auto error = decode_error(encode(ErrorReport{ErrorCode::kNoSpace, "full"}));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kNoSpace);
  EXPECT_EQ(error->message, "full");
}

/// One well-formed message of each type and whether bytes are one.
struct Kind {
  const char* name;
  std::string good;
  std::function<bool(std::string_view)> decodes;
};

std::vector<Kind> kinds() {
  return {
      {"hello", encode(Hello{1, "0.1", 5}), [](auto p) { return decode_hello(p).has_value(); }},
      {"run",
       encode(RunRequest{{"sh", "-c", "true"}, {{"A", "b"}, {"C", ""}}, "/root", 1}),
       [](auto p) { return decode_run(p).has_value(); }},
      {"exit", encode(ExitReport{}), [](auto p) { return decode_exit(p).has_value(); }},
      {"put", encode(PutRequest{"/a", 0644, 9}), [](auto p) { return decode_put(p).has_value(); }},
      {"get", encode(GetRequest{"/a", 9}), [](auto p) { return decode_get(p).has_value(); }},
      {"remove", encode(RemoveRequest{"/a"}), [](auto p) { return decode_remove(p).has_value(); }},
      {"removed",
       encode(RemovedReport{{"/a", "/b"}}),
       [](auto p) { return decode_removed(p).has_value(); }},
      {"clock", encode(ClockSetting{9}), [](auto p) { return decode_clock(p).has_value(); }},
      {"freeze",
       encode(FreezeRequest{{"/"}, 9}),
       [](auto p) { return decode_freeze(p).has_value(); }},
      {"forward",
       encode(ForwardRequest{{{"a.example", 443}, {"10.0.0.1", 80}}}),
       [](auto p) { return decode_forward(p).has_value(); }},
      {"stream open",
       encode(StreamOpen{1}),
       [](auto p) { return decode_stream_open(p).has_value(); }},
      {"error",
       encode(ErrorReport{ErrorCode::kIo, "why"}),
       [](auto p) { return decode_error(p).has_value(); }},
  };
}

TEST(Messages, AreNothingWhenCutOrLengthened) {
  for (const auto& kind : kinds()) {
    ASSERT_TRUE(kind.decodes(kind.good)) << kind.name;
    for (std::size_t size = 0; size < kind.good.size(); ++size) {
      EXPECT_FALSE(kind.decodes(kind.good.substr(0, size))) << kind.name << " at " << size;
    }
    EXPECT_FALSE(kind.decodes(kind.good + '\0')) << kind.name;
  }
}

TEST(Messages, SurviveEveryFlippedBit) {
  for (const auto& kind : kinds()) {
    for (std::size_t bit = 0; bit < kind.good.size() * 8; ++bit) {
      auto bytes = kind.good;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      kind.decodes(bytes);  // the sanitizers watch
    }
  }
}

TEST(Messages, DoNotBelieveHugeCounts) {
  const std::string many("\xff\xff\xff\xff", 4);
  for (const auto& kind : kinds()) EXPECT_FALSE(kind.decodes(many)) << kind.name;
  EXPECT_FALSE(decode_removed(std::string("\x02\0\0\0\0\0\0\0", 8)));
}

TEST(Messages, RefuseWhatTheKernelWouldReadDifferently) {
  using namespace std::string_literals;
  EXPECT_FALSE(decode_run(encode(RunRequest{{}, {}, "/", 0})));
  EXPECT_FALSE(decode_run(encode(RunRequest{{""}, {}, "/", 0})));
  EXPECT_FALSE(decode_run(encode(RunRequest{{"a\0b"s}, {}, "/", 0})));
  EXPECT_FALSE(decode_run(encode(RunRequest{{"a"}, {{"", "x"}}, "/", 0})));
  EXPECT_FALSE(decode_run(encode(RunRequest{{"a"}, {{"A=B", "x"}}, "/", 0})));
  EXPECT_FALSE(decode_run(encode(RunRequest{{"a"}, {{"A", "x\0y"s}}, "/", 0})));
  EXPECT_FALSE(decode_run(encode(RunRequest{{"a"}, {}, "relative", 0})));
  EXPECT_FALSE(decode_run(encode(RunRequest{{"a"}, {}, "", 0})));
  EXPECT_FALSE(decode_put(encode(PutRequest{"relative", 0644, 0})));
  EXPECT_FALSE(decode_put(encode(PutRequest{"/a\0b"s, 0644, 0})));
  EXPECT_FALSE(decode_put(encode(PutRequest{"/a", 0100644, 0})));
  EXPECT_FALSE(decode_get(encode(GetRequest{"", 0})));
  EXPECT_FALSE(decode_remove(encode(RemoveRequest{"*"})));
  EXPECT_FALSE(decode_freeze(encode(FreezeRequest{{"boot"}, 9})));
  EXPECT_FALSE(decode_freeze(encode(FreezeRequest{{"/"}, 0}))) << "for ever";
  EXPECT_FALSE(decode_forward(encode(ForwardRequest{{{"a\n127.0.0.1 b", 443}}})));
  EXPECT_FALSE(decode_forward(encode(ForwardRequest{{{"a", 0}}})));
  EXPECT_FALSE(decode_exit("\x04\x01"));
  EXPECT_FALSE(decode_error(std::string("\x08\0\0\0\0", 5)));
}

}  // namespace
}  // namespace kiln::agent
