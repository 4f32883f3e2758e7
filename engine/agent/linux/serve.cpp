#include "engine/agent/linux/serve.h"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

class LinuxPlatform final : public Platform {
 public:
  LinuxPlatform(const StepSettings& settings,
                const std::function<void(bool)>& around_steps,
                Forwarder& forwarder)
      : settings_(settings), around_steps_(around_steps), forwarder_(forwarder) {}

  [[nodiscard]] std::uint32_t capabilities() const override {
    return settings_.pid_namespaces ? kCapabilityPidNamespace : 0;
  }
  std::unique_ptr<Job> run(std::uint32_t request, const RunRequest& run) override {
    around_steps_(true);
    return make_run_job(request, run, settings_);
  }
  void after_run() override { around_steps_(false); }
  std::unique_ptr<Job> put(std::uint32_t request, const PutRequest& put) override {
    return make_put_job(request, put);
  }
  std::unique_ptr<Job> get(std::uint32_t request, const GetRequest& get) override {
    return make_get_job(request, get);
  }
  std::unique_ptr<Job> remove(std::uint32_t request, const RemoveRequest& remove) override {
    return make_remove_job(request, remove);
  }
  std::unique_ptr<Job> set_clock(std::uint32_t request, const ClockSetting& clock) override {
    return make_clock_job(request, clock);
  }
  std::unique_ptr<Job> freeze(std::uint32_t request, const FreezeRequest& freeze) override {
    return make_freeze_job(request, freeze);
  }
  std::unique_ptr<Job> forward(std::uint32_t request, const ForwardRequest& forward) override {
    return make_forward_job(request, forward, forwarder_);
  }
  bool take_stream(const Frame& frame) override { return forwarder_.take(frame); }

 private:
  const StepSettings& settings_;
  const std::function<void(bool)>& around_steps_;
  Forwarder& forwarder_;
};

class Loop {
 public:
  Loop(int port, const Served& served, const std::function<void()>& on_end)
      : port_(port),
        on_end_(on_end),
        outbox_(served.outbox),
        forwarder_(served.forwarder),
        session_(served.platform, served.outbox) {}

  int serve();

 private:
  void wait();
  void read_port();
  /// Writes what the port takes now; false when the port is gone.
  bool flush();
  /// A virtio-serial port without a host end reports hang-up; before the first word that only means
  /// that the host has not come yet.
  bool host_may_still_come();

  int port_;
  const std::function<void()>& on_end_;
  Outbox& outbox_;
  Forwarder& forwarder_;
  Session session_;
  bool greeted_ = false;
  int waits_for_host_ = 0;
  Waits waits_;
};

int Loop::serve() {
  using State = Session::State;
  session_.greet();
  while (session_.state() == State::kGoing) {
    wait();
    read_port();
    if (session_.state() != State::kGoing) break;
    session_.advance();
    if (!flush() && !host_may_still_come()) session_.lose();
    if (outbox_.empty()) greeted_ = true;
  }
  session_.end_job();
  forwarder_.leave();
  on_end_();
  if (session_.state() == State::kLost) return 1;
  session_.say_goodbye();
  while (!outbox_.empty()) {
    pollfd port{port_, POLLOUT, 0};
    ::poll(&port, 1, -1);
    if (!flush() || (port.revents & (POLLERR | POLLHUP)) != 0) return 1;
  }
  return 0;
}

void Loop::wait() {
  auto& polled = waits_.polled;
  polled.clear();
  short events = 0;
  if (!outbox_.overfull()) events |= POLLIN;
  if (!outbox_.empty()) events |= POLLOUT;
  polled.push_back({port_, events, 0});
  forwarder_.watch(polled, outbox_);
  const int timeout = session_.watch(waits_);
  if (::poll(polled.data(), polled.size(), timeout) < 0) {
    for (auto& each : polled) each.revents = 0;
  }
  forwarder_.advance(polled);
}

void Loop::read_port() {
  if ((waits_.polled[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0) return;
  char piece[kMaxPayload];
  const auto got = ::read(port_, piece, sizeof piece);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0) return session_.receive({piece, static_cast<std::size_t>(got)});
  if (!host_may_still_come()) session_.lose();
}

bool Loop::flush() {
  while (!outbox_.empty()) {
    const auto unsent = outbox_.unsent();
    const auto written = ::write(port_, unsent.data(), unsent.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno == EAGAIN;
    outbox_.sent(static_cast<std::size_t>(written));
  }
  return true;
}

bool Loop::host_may_still_come() {
  constexpr int kPauseMicroseconds = 100'000;
  constexpr int kMostWaits = 10 * 60 * 5;  // five minutes
  struct stat info {};
  if (greeted_ || ::fstat(port_, &info) != 0 || !S_ISCHR(info.st_mode)) return false;
  ::usleep(kPauseMicroseconds);
  return ++waits_for_host_ < kMostWaits;
}

}  // namespace

int serve(int port, const Served& served, const std::function<void()>& on_end) {
  set_nonblocking(port);
  return Loop(port, served, on_end).serve();
}

int serve(int port,
          const StepSettings& settings,
          const std::function<void(bool)>& around_steps,
          const std::function<void()>& on_end) {
  Outbox outbox;
  Forwarder forwarder(outbox);
  LinuxPlatform platform(settings, around_steps, forwarder);
  return serve(port, {platform, outbox, forwarder}, on_end);
}

}  // namespace kiln::agent
