#include "engine/run/event_bus.h"

#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

TEST(EventBus, RedactsMessagesAndFieldsBeforeAnySinkSeesThem) {
  Redactor redactor;
  redactor.add(Secret("hunter2-hunter2"));
  test::RecordingSink sink;
  EventBus bus(redactor);
  bus.add(sink);
  Event event;
  event.type = EventType::kStepOutput;
  event.message = "key is hunter2-hunter2";
  event.fields["uri"] = "https://x/?sig=hunter2-hunter2";
  bus.emit(event);
  ASSERT_EQ(sink.events().size(), 1U);
  EXPECT_EQ(sink.events()[0].message, "key is ***");
  EXPECT_EQ(sink.events()[0].fields.at("uri"), "https://x/?sig=***");
}

TEST(EventBus, TellsAWarningOnce) {
  const Redactor redactor;
  test::RecordingSink sink;
  EventBus bus(redactor);
  bus.add(sink);
  for (int i = 0; i < 2; ++i) {
    warning(bus, "KVM does not work here");
    notice(bus, "launched");
  }
  warning(bus, "the disk is nearly full");
  std::vector<std::string> messages;
  for (const auto& event : sink.events()) messages.push_back(event.message);
  EXPECT_THAT(messages,
              testing::ElementsAre(
                  "KVM does not work here", "launched", "launched", "the disk is nearly full"));
  EXPECT_EQ(sink.events().back().seq, 4U);
}

TEST(EventBus, NumbersEventsWithoutGapsFromManyThreads) {
  const Redactor redactor;
  test::RecordingSink sink;
  EventBus bus(redactor);
  bus.add(sink);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 100; ++j) notice(bus, "x");
      });
    }
  }
  std::uint64_t expected = 1;
  for (const auto& event : sink.events()) EXPECT_EQ(event.seq, expected++);
  EXPECT_EQ(expected, 401U);
}

}  // namespace
}  // namespace kiln
