#include "engine/sandbox/micro/qmp.h"

#include <array>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

constexpr const char* kGreeting = R"({"QMP":{"version":{},"capabilities":[]}})"
                                  "\n";

/// A monitor that says what it was told to, line by line, one for each command.
class Monitor {
 public:
  Monitor(const std::filesystem::path& path, std::string greeting, std::vector<std::string> answers)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    EXPECT_EQ(::listen(socket_.get(), 1), 0);
    thread_ = std::jthread([this, greeting = std::move(greeting), answers = std::move(answers)] {
      const UniqueFd peer(::accept(socket_.get(), nullptr, nullptr));
      say(peer, greeting);
      for (const auto& answer : answers) {
        heard_.push_back(hear(peer));
        say(peer, answer);
      }
    });
  }
  std::vector<std::string> heard() {
    thread_.join();
    return heard_;
  }
  /// The last that came along; once all was heard.
  [[nodiscard]] const UniqueFd& file() const { return file_; }

 private:
  static void say(const UniqueFd& peer, const std::string& text) {
    EXPECT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  std::string hear(const UniqueFd& peer) {
    std::string line;
    char next = 0;
    iovec byte{&next, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    while (next != '\n') {
      msghdr message{};
      message.msg_iov = &byte;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      if (::recvmsg(peer.get(), &message, MSG_CMSG_CLOEXEC) != 1) break;
      line += next;
      const auto* header = CMSG_FIRSTHDR(&message);
      if (header == nullptr || header->cmsg_type != SCM_RIGHTS) continue;
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      file_ = UniqueFd(fd);
    }
    return line;
  }
  UniqueFd socket_;
  UniqueFd file_;
  std::vector<std::string> heard_;
  std::jthread thread_;
};

class QmpTest : public testing::Test {
 protected:
  TempDir folder_ = *TempDir::create();
  std::filesystem::path socket_ = folder_.path() / "qmp.sock";
};

TEST_F(QmpTest, PassesEventsOverAndGivesBackWhatTheCommandReturns) {
  Monitor monitor(
      socket_,
      kGreeting,
      {"{\"return\":{}}\n", "{\"event\":\"RESUME\"}\n{\"return\":{\"status\":\"running\"}}\n"});
  auto qmp = Qmp::connect(socket_, {});
  ASSERT_OK(qmp);
  const auto answer = qmp->execute("query-status", {{"a", 1}}, {});
  ASSERT_OK(answer);
  EXPECT_EQ(answer->at("status"), "running");
  EXPECT_THAT(monitor.heard().at(1), HasSubstr(R"("arguments":{"a":1})"));
}

TEST_F(QmpTest, ARefusalIsToldFromAMonitorThatBreaksOff) {
  Monitor monitor(
      socket_, kGreeting, {"{\"return\":{}}\n", "{\"error\":{\"desc\":\"no such drive\"}}\n"});
  auto qmp = Qmp::connect(socket_, {});
  ASSERT_OK(qmp);
  const auto refused = qmp->execute("blockdev-snapshot-sync", nlohmann::json::object(), {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), "Qmp:Refused");
  EXPECT_EQ(refused.error().kind(), ErrorKind::kUnsupported);
  EXPECT_THAT(refused.error().message(), HasSubstr("no such drive"));
  monitor.heard();
  const auto broken = qmp->execute("query-status", nlohmann::json::object(), {});
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code(), "Qmp:Broken");
}

TEST_F(QmpTest, PassesAFileAlong) {
  Monitor monitor(socket_, kGreeting, {"{\"return\":{}}\n", "{\"return\":{}}\n"});
  auto qmp = Qmp::connect(socket_, {});
  ASSERT_OK(qmp);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const UniqueFd reader(pipe[0]);
  UniqueFd writer(pipe[1]);
  ASSERT_OK(qmp->pass_file("stream", writer.get(), {}));
  EXPECT_THAT(monitor.heard().at(1), HasSubstr(R"("fdname":"stream")"));
  writer.reset();
  ASSERT_TRUE(monitor.file());
  EXPECT_EQ(::write(monitor.file().get(), "x", 1), 1);
  char read = 0;
  EXPECT_EQ(::read(reader.get(), &read, 1), 1);
  EXPECT_EQ(read, 'x');
}

TEST_F(QmpTest, WhatDoesNotGreetIsNoMonitor) {
  const Monitor monitor(socket_, "hello\n", {});
  const auto qmp = Qmp::connect(socket_, {});
  ASSERT_FALSE(qmp.has_value());
  EXPECT_EQ(qmp.error().code(), "Qmp:Broken");
}

}  // namespace
}  // namespace kiln
