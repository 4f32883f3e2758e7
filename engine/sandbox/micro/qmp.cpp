#include "engine/sandbox/micro/qmp.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

#include "engine/core/bytes.h"
#include "engine/core/json.h"
#include "engine/core/text.h"
#include "engine/sandbox/agent_port.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(30);
constexpr auto kLookEvery = std::chrono::milliseconds(100);
constexpr std::size_t kLongestAnswer = kMiB;

Error broken(std::string_view what) {
  return fail(ErrorKind::kIo, "Qmp:Broken", "qemu's monitor {}", what);
}

}  // namespace

Result<Qmp> Qmp::connect(const std::filesystem::path& socket, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto connected, connect_agent_port(socket));
  return connect(std::move(connected), cancel);
}

Result<Qmp> Qmp::connect(UniqueFd socket, const CancelToken& cancel) {
  Qmp monitor(std::move(socket));
  KILN_TRY_ASSIGN(const auto greeting, monitor.receive(Clock::now() + kPatience, cancel));
  if (!greeting.contains("QMP")) return broken("does not greet");
  KILN_TRY(monitor.execute("qmp_capabilities", nlohmann::json::object(), cancel));
  return monitor;
}

Result<nlohmann::json> Qmp::execute(const std::string& command,
                                    const nlohmann::json& arguments,
                                    const CancelToken& cancel) {
  KILN_TRY(send(dump_json({{"execute", command}, {"arguments", arguments}}) + "\n"));
  return await_answer(command, cancel);
}

Result<void> Qmp::pass_file(const std::string& name, int fd, const CancelToken& cancel) {
  constexpr const char* kCommand = "getfd";
  KILN_TRY(send(dump_json({{"execute", kCommand}, {"arguments", {{"fdname", name}}}}) + "\n", fd));
  KILN_TRY(await_answer(kCommand, cancel));
  return {};
}

Result<nlohmann::json> Qmp::await_answer(const std::string& command, const CancelToken& cancel) {
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    KILN_TRY_ASSIGN(auto answer, receive(deadline, cancel));
    if (answer.contains("return")) return std::move(answer["return"]);
    if (!answer.contains("error")) continue;  // an event
    return fail(ErrorKind::kUnsupported,
                "Qmp:Refused",
                "qemu refused {}: {}",
                command,
                printable(answer.value("/error/desc"_json_pointer, std::string("without a word"))));
  }
}

Result<void> Qmp::send(const std::string& text, int fd) const {
  std::string rest = text;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
  while (!rest.empty()) {
    iovec bytes{rest.data(), rest.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    if (fd >= 0 && rest.size() == text.size()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      auto* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof fd);
      std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return broken(fmt::format("takes no command: {}", strerror(errno)));
    rest.erase(0, static_cast<std::size_t>(sent));
  }
  return {};
}

Result<nlohmann::json> Qmp::receive(Clock::time_point deadline, const CancelToken& cancel) {
  std::array<char, 4096> buffer{};
  auto end = unread_.find('\n');
  while (end == std::string::npos) {
    KILN_TRY(cancel.check());
    if (Clock::now() > deadline) return broken("does not answer");
    if (unread_.size() > kLongestAnswer) return broken("sends an answer without an end");
    pollfd polled{socket_.get(), POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(kLookEvery.count())) <= 0) continue;
    const auto count = ::read(socket_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return broken("is closed");
    unread_.append(buffer.data(), static_cast<std::size_t>(count));
    end = unread_.find('\n');
  }
  auto answer = nlohmann::json::parse(unread_.substr(0, end), nullptr, /*allow_exceptions=*/false);
  unread_.erase(0, end + 1);
  if (!answer.is_object()) return broken("does not speak JSON");
  return answer;
}

}  // namespace kiln
