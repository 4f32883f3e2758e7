#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/contract/agent_contract.h"

// What the agent of every system promises of files.
namespace kiln::test {

TEST_P(AgentContract, PutsAndGetsAnyContents) {
  for (const std::size_t size : {0, 1, 65535, 65536, 65537, 3'000'000}) {
    const auto contents = pattern(size);
    ASSERT_OK(agent_->put(contents, system_->requested("Grüße.bin"), 0644, {}));
    EXPECT_TRUE(read_file(file("Grüße.bin")).value_or("?") == contents);
    const auto got = agent_->get(system_->requested("Grüße.bin"), size, {});
    ASSERT_OK(got);
    EXPECT_TRUE(*got == contents);
  }
  EXPECT_EQ(entries(), 1U);
}

TEST_P(AgentContract, SaysWhatIsMissing) {
  const auto put = agent_->put("x", system_->requested("no/such/file"), 0644, {});
  EXPECT_THAT(put, FailsWith("Agent:NotFound"));
  EXPECT_EQ(put.error().kind(), ErrorKind::kNotFound);
  const auto get = agent_->get(system_->requested("none"), 100, {});
  EXPECT_THAT(get, FailsWith("Agent:NotFound"));
  EXPECT_THAT(get.error().message(), ::testing::HasSubstr("none"));
}

TEST_P(AgentContract, GetsNoMoreThanAllowedAndOnlyFiles) {
  make_file("file");
  EXPECT_THAT(agent_->get(system_->requested("file"), 3, {}), FailsWith("Agent:TooLarge"));
  EXPECT_THAT(agent_->get(system_->requested(""), 100, {}), FailsWith("Agent:NotAFile"));
}

TEST_P(AgentContract, FailsAPutOntoAFolderAndLeavesNothing) {
  std::filesystem::create_directory(file("folder"));
  EXPECT_THAT(agent_->put("x", system_->requested("folder"), 0644, {}),
              FailsWith("Agent:NotAFile"));
  EXPECT_EQ(entries(), 1U);
}

TEST_P(AgentContract, CancelsAPutAndLeavesNothing) {
  CancelSource source;
  std::ofstream(file("large")).close();
  std::filesystem::resize_file(file("large"), 1U << 30U);
  std::thread canceller([&] {
    while (entries() < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    source.request();
  });
  EXPECT_THAT(agent_->put_file(file("large"), system_->requested("target"), 0644, source.token()),
              FailsWith("Run:Cancelled"));
  canceller.join();
  EXPECT_OK(agent_->put("next", system_->requested("next"), 0644, {}));
  EXPECT_FALSE(exists("target"));
  EXPECT_EQ(entries(), 2U);
}

TEST_P(AgentContract, RemovesWhatMatches) {
  for (const auto* name : {"a.log", "b.log", "keep.txt", "deep.log/x/y/z"}) make_file(name);
  const auto removed = agent_->remove(system_->requested("*.log"), {});
  ASSERT_OK(removed);
  EXPECT_THAT(*removed,
              ::testing::ElementsAre(system_->requested("a.log"),
                                     system_->requested("b.log"),
                                     system_->requested("deep.log")));
  EXPECT_EQ(entries(), 1U);
  EXPECT_TRUE(exists("keep.txt"));
}

TEST_P(AgentContract, RemovesByWildcardInTheMiddle) {
  for (const auto* name : {"u1/.ssh/key", "u2/.ssh/key", "u2/.ssh/other", "u3/other"}) {
    make_file(name);
  }
  const auto removed = agent_->remove(system_->requested("u?/.ssh/[k]*"), {});
  ASSERT_OK(removed);
  EXPECT_THAT(
      *removed,
      ::testing::ElementsAre(system_->requested("u1/.ssh/key"), system_->requested("u2/.ssh/key")));
  EXPECT_TRUE(exists("u1/.ssh"));
  EXPECT_TRUE(exists("u2/.ssh/other"));
}

TEST_P(AgentContract, FindsNothingToRemove) {
  for (const auto* pattern : {"none", "none*", "none/*", "*/none"}) {
    const auto removed = agent_->remove(system_->requested(pattern), {});
    ASSERT_OK(removed);
    EXPECT_THAT(*removed, ::testing::IsEmpty()) << pattern;
  }
}

TEST_P(AgentContract, RefusesToRemoveAFolderByItsDots) {
  make_file("folder/file");
  for (const auto* pattern : {"folder/.", "folder/.."}) {
    EXPECT_THAT(agent_->remove(system_->requested(pattern), {}), FailsWith("Agent:Denied"));
  }
  EXPECT_TRUE(exists("folder/file"));
}

TEST_P(AgentContract, ListsManyRemovedFiles) {
  for (int i = 0; i < 1500; ++i) make_file("many-" + std::string(60, 'x') + std::to_string(i));
  const auto removed = agent_->remove(system_->requested("many-*"), {});
  ASSERT_OK(removed);
  EXPECT_EQ(removed->size(), 1500U);
  EXPECT_EQ(entries(), 0U);
}

}  // namespace kiln::test
