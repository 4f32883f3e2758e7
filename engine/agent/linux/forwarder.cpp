#include "engine/agent/linux/forwarder.h"

#include <arpa/inet.h>
#include <map>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/agent/linux/image_tool.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

constexpr const char* kNames = "/etc/hosts";

bool is_address(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

/// Out of the way of what systems use themselves.
std::string loopback_address(std::size_t number) {
  constexpr std::size_t kPerNetwork = 250;
  return "127.77." + std::to_string(number / kPerNetwork) + "." +
         std::to_string(number % kPerNetwork + 1);
}

}  // namespace

Forwarder::Forwarder(Outbox& outbox)
    : outbox_(outbox),
      streams_([&outbox](FrameType type, std::uint32_t stream, std::string_view payload) {
        outbox.add(type, stream, payload);
      }) {}

std::string Forwarder::listen(const ForwardRequest& request) {
  bring_up_loopback();
  std::map<std::string, std::string> addresses;
  std::string lines;
  for (const auto& [host, port] : request.destinations) {
    auto& address = addresses[host];
    if (address.empty() && is_address(host)) {
      address = host;
      if (!add_loopback_address(address)) return failure("take the address", address);
    } else if (address.empty()) {
      address = loopback_address(addresses.size() - 1);
      lines += address + " " + host + "\n";
    }
    if (auto error = listen_at(address, port); !error.empty()) return error;
  }
  if (lines.empty()) return {};
  // Ours come first, because the first line that names a host counts.
  return names_.cover(kNames, lines + read_small_file(kNames));
}

std::string Forwarder::listen_at(const std::string& address, std::uint16_t port) {
  const auto where = address + ":" + std::to_string(port);
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
  const int yes = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API wants it.
  const auto* generic = reinterpret_cast<const sockaddr*>(&name);
  if (!listener || ::bind(listener.get(), generic, sizeof name) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0) {
    return failure("listen at", where);
  }
  listeners_.push_back(std::move(listener));
  return {};
}

void Forwarder::watch(std::vector<pollfd>& polled, const Outbox& outbox) {
  first_ = polled.size();
  for (const auto& listener : listeners_) {
    polled.push_back({streams_.full() ? -1 : listener.get(), POLLIN, 0});
  }
  streams_.watch(polled, outbox.has_room());
}

void Forwarder::advance(const std::vector<pollfd>& polled) {
  streams_.advance(polled);
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (polled[first_ + i].revents != 0)
      accept(polled[first_ + i].fd, static_cast<std::uint16_t>(i));
  }
}

void Forwarder::accept(int listener, std::uint16_t destination) {
  UniqueFd socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) return;
  streams_.add(++last_stream_, std::move(socket));
  outbox_.add(FrameType::kStreamOpen, last_stream_, encode(StreamOpen{destination}));
}

}  // namespace kiln::agent
