#include "engine/agent/streams.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>

#include "engine/agent/messages.h"

namespace kiln::agent {
namespace {

bool is_passing(int error) {
  return error == EAGAIN || error == EINTR || error == EINPROGRESS;
}

}  // namespace

void Streams::add(std::uint32_t id, UniqueFd socket) {
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  streams_.insert_or_assign(id, Stream{std::move(socket), {}, kInputWindow});
}

bool Streams::take(const Frame& frame) {
  const auto found = streams_.find(frame.request);
  if (found == streams_.end()) return true;  // it crossed our reset
  auto& stream = found->second;
  switch (frame.type) {
    case FrameType::kStreamData:
      if (stream.end_taken || frame.payload.size() > kInputWindow - stream.to_socket.size()) {
        return false;
      }
      stream.to_socket += frame.payload;
      return true;
    case FrameType::kStreamTaken: {
      const auto taken = decode_input_taken(frame.payload);
      if (!taken || taken->bytes > kInputWindow - stream.may_send) return false;
      stream.may_send += taken->bytes;
      return true;
    }
    case FrameType::kStreamEnd:
      if (stream.end_taken) return false;
      stream.end_taken = true;
      return true;
    case FrameType::kStreamReset:
      streams_.erase(found);
      return true;
    default:
      return false;
  }
}

bool Streams::settle(Stream& stream) {
  if (stream.end_taken && !stream.shut && stream.to_socket.empty()) {
    ::shutdown(stream.socket.get(), SHUT_WR);
    stream.shut = true;
  }
  return !stream.shut || !stream.end_sent;
}

void Streams::watch(std::vector<pollfd>& polled, bool may_read) {
  first_ = polled.size();
  watched_.clear();
  for (auto next = streams_.begin(); next != streams_.end();) {
    auto& [id, stream] = *next;
    if (!settle(stream)) {
      next = streams_.erase(next);
      continue;
    }
    short events = 0;
    if (may_read && !stream.end_sent && stream.may_send > 0) events |= POLLIN;
    if (!stream.to_socket.empty()) events |= POLLOUT;
    // One that waits for nothing would still report that its peer has gone.
    polled.push_back({events != 0 ? stream.socket.get() : -1, events, 0});
    watched_.push_back(id);
    ++next;
  }
}

void Streams::advance(const std::vector<pollfd>& polled) {
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const auto& [fd, events, happened] = polled[first_ + i];
    const auto found = streams_.find(watched_[i]);
    if (happened == 0 || found == streams_.end()) continue;
    auto& [id, stream] = *found;
    const bool good = ((events & POLLOUT) == 0 || write(id, stream)) &&
                      ((events & POLLIN) == 0 || read(id, stream));
    if (good) continue;
    send_(FrameType::kStreamReset, id, {});
    streams_.erase(found);
  }
  watched_.clear();
}

bool Streams::write(std::uint32_t id, Stream& stream) {
  const auto sent =
      ::send(stream.socket.get(), stream.to_socket.data(), stream.to_socket.size(), MSG_NOSIGNAL);
  if (sent < 0) return is_passing(errno);
  stream.to_socket.erase(0, static_cast<std::size_t>(sent));
  send_(FrameType::kStreamTaken, id, encode(InputTaken{static_cast<std::uint32_t>(sent)}));
  return true;
}

bool Streams::read(std::uint32_t id, Stream& stream) {
  char piece[kMaxPayload];
  const auto got = ::recv(stream.socket.get(), piece, std::min(sizeof piece, stream.may_send), 0);
  if (got < 0) return is_passing(errno);
  if (got == 0) {
    send_(FrameType::kStreamEnd, id, {});
    stream.end_sent = true;
    return true;
  }
  const auto size = static_cast<std::size_t>(got);
  send_(FrameType::kStreamData, id, {piece, size});
  stream.may_send -= size;
  return true;
}

}  // namespace kiln::agent
