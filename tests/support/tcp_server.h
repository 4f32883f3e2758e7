#pragma once

#include <arpa/inet.h>
#include <cstdlib>
#include <functional>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <vector>

#include "engine/core/unique_fd.h"

namespace kiln::test {

/// A server on loopback. Answers each connection by a thread of its own, until it goes out of
/// scope.
class TcpServer {
 public:
  explicit TcpServer(std::function<void(int)> answer) : answer_(std::move(answer)) {
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_.get(), generic, size) != 0 || ::listen(socket_.get(), 64) != 0 ||
        ::getsockname(socket_.get(), generic, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] {
      std::vector<std::jthread> answering;
      for (;;) {
        const int taken = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (taken < 0) return;
        answering.emplace_back([this, taken] {
          const UniqueFd connection(taken);
          answer_(connection.get());
        });
      }
    });
  }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;
  ~TcpServer() { ::shutdown(socket_.get(), SHUT_RDWR); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::function<void(int)> answer_;
  UniqueFd socket_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

inline void send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

inline std::string receive_all(int socket) {
  std::string text;
  char piece[65536];
  for (;;) {
    const auto got = ::recv(socket, piece, sizeof piece, 0);
    if (got <= 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
  }
}

}  // namespace kiln::test
