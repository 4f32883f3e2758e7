#include "engine/agent/windows/serve.h"

#include "engine/agent/session/session.h"
#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/jobs.h"
#include "engine/agent/windows/log.h"
#include "engine/agent/windows/text.h"
#include "engine/agent/windows/transfer.h"
#include "engine/agent/windows/windows_accounts.h"

namespace kiln::agent {
namespace {

class WindowsPlatform final : public Platform {
 public:
  [[nodiscard]] std::uint32_t capabilities() const override { return kCapabilityAccounts; }
  std::unique_ptr<Job> run(std::uint32_t request, const RunRequest& run) override {
    std::unique_ptr<LogOn> as;
    if (run.account != Account::kSystem) {
      const bool elevated = run.account == Account::kElevatedAdministrator;
      if (auto error = administrator_.log_on(elevated, as); !error.empty()) {
        return make_finished_job(request, ErrorCode::kIo, std::move(error));
      }
    }
    return make_run_job(request, run, std::move(as));
  }
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
  // These two would need shadow copies, and a listener on the loopback interface.
  std::unique_ptr<Job> freeze(std::uint32_t request, const FreezeRequest& /*freeze*/) override {
    return refuse(request, "freeze file systems");
  }
  std::unique_ptr<Job> forward(std::uint32_t request, const ForwardRequest& /*to*/) override {
    return refuse(request, "forward connections");
  }
  bool take_stream(const Frame& /*frame*/) override { return false; }  // it opens none

 private:
  static std::unique_ptr<Job> refuse(std::uint32_t request, std::string_view what) {
    return make_finished_job(
        request,
        ErrorCode::kIo,
        "cannot " + std::string(what) + ": the agent in Windows has no such thing");
  }

  WindowsAccounts accounts_;
  Administrator administrator_{accounts_};
};

/// Raw bytes; reads end a moment after the last byte that came.
bool set_up(HANDLE port) {
  DCB settings{};
  settings.DCBlength = sizeof settings;
  if (::GetCommState(port, &settings) == FALSE) return false;
  settings.BaudRate = CBR_115200;
  settings.ByteSize = 8;
  settings.Parity = NOPARITY;
  settings.StopBits = ONESTOPBIT;
  settings.fBinary = TRUE;
  settings.fParity = FALSE;
  settings.fOutxCtsFlow = FALSE;
  settings.fOutxDsrFlow = FALSE;
  settings.fDsrSensitivity = FALSE;
  settings.fOutX = FALSE;
  settings.fInX = FALSE;
  settings.fErrorChar = FALSE;
  settings.fNull = FALSE;
  settings.fAbortOnError = FALSE;
  constexpr DWORD kGap = 5;  // milliseconds
  COMMTIMEOUTS limits{kGap, 0, 0, 0, 0};
  return ::SetCommState(port, &settings) != FALSE && ::SetCommTimeouts(port, &limits) != FALSE;
}

UniqueHandle open_port(const ServeOptions& options, HANDLE stop) {
  constexpr DWORD kPause = 1000;
  const auto name = L"\\\\.\\" + options.port;
  for (DWORD left = options.wait_seconds;; left -= options.serve_again ? 0 : 1) {
    UniqueHandle port(::CreateFileW(name.c_str(),
                                    GENERIC_READ | GENERIC_WRITE,
                                    0,
                                    nullptr,
                                    OPEN_EXISTING,
                                    FILE_FLAG_OVERLAPPED,
                                    nullptr));
    if (port || (left == 0 && !options.serve_again)) return port;
    if (::WaitForSingleObject(stop, kPause) == WAIT_OBJECT_0) return port;
  }
}

class Loop {
 public:
  Loop(HANDLE port, HANDLE stop) : port_(port), stop_(stop) {}

  enum class End { kQuit, kStopped, kLost };
  End serve();

 private:
  void wait();
  void move_bytes();

  HANDLE port_;
  HANDLE stop_;
  bool stopped_ = false;
  Outbox outbox_;
  WindowsPlatform platform_;
  Session session_{platform_, outbox_};
  Waits waits_;
  Transfer reading_;
  Transfer writing_;
};

Loop::End Loop::serve() {
  using State = Session::State;
  session_.greet();
  while (session_.state() == State::kGoing && !stopped_) {
    wait();
    move_bytes();
    if (session_.state() == State::kGoing) session_.advance();
  }
  session_.end_job();
  if (stopped_) return End::kStopped;
  if (session_.state() == State::kLost) return End::kLost;
  reading_.cancel();
  session_.say_goodbye();
  while (session_.state() != State::kLost && !stopped_ &&
         (!outbox_.empty() || writing_.under_way())) {
    wait();
    move_bytes();
  }
  return outbox_.empty() ? End::kQuit : End::kLost;
}

void Loop::wait() {
  waits_.handles.assign(1, stop_);
  const bool quitting = session_.state() == Session::State::kQuitting;
  if (!quitting && !reading_.under_way() && !outbox_.overfull() && !reading_.read(port_)) {
    session_.lose();
  }
  if (!writing_.under_way() && !outbox_.empty() && !writing_.write(port_, outbox_.unsent())) {
    session_.lose();
  }
  if (session_.state() == Session::State::kLost) return;
  if (reading_.under_way()) waits_.handles.push_back(reading_.event());
  if (writing_.under_way()) waits_.handles.push_back(writing_.event());
  const int timeout = session_.watch(waits_);
  const auto woke = ::WaitForMultipleObjects(static_cast<DWORD>(waits_.handles.size()),
                                             waits_.handles.data(),
                                             FALSE,
                                             timeout < 0 ? INFINITE : static_cast<DWORD>(timeout));
  stopped_ = woke == WAIT_OBJECT_0;
}

void Loop::move_bytes() {
  std::string_view moved;
  switch (writing_.collect(moved)) {
    case Transfer::Status::kUnderWay:
      break;
    case Transfer::Status::kDone:
      outbox_.sent(moved.size());
      break;
    case Transfer::Status::kEnded:
      return session_.lose();
  }
  switch (reading_.collect(moved)) {
    case Transfer::Status::kUnderWay:
      return;
    case Transfer::Status::kDone:
      return session_.receive(moved);
    case Transfer::Status::kEnded:
      return session_.lose();
  }
}

}  // namespace

int serve(const ServeOptions& options, HANDLE stop) {
  constexpr DWORD kPause = 1000;  // milliseconds
  const Log log(options.log);
  const auto name = narrow(options.port);
  log.write("kiln-agent " KILN_VERSION " waits for " + name);
  do {
    const auto port = open_port(options, stop);
    if (!port || !set_up(port.get())) {
      const auto error = ::GetLastError();
      if (::WaitForSingleObject(stop, 0) != WAIT_OBJECT_0) log.write(failure("use", name, error));
      continue;
    }
    log.write("serves at " + name);
    const auto end = Loop(port.get(), stop).serve();
    if (end != Loop::End::kLost) {
      log.write(end == Loop::End::kQuit ? "the host has said quit" : "was told to stop");
      return 0;
    }
    log.write("the session is lost");
  } while (options.serve_again && ::WaitForSingleObject(stop, kPause) != WAIT_OBJECT_0);
  const bool stopped = ::WaitForSingleObject(stop, 0) == WAIT_OBJECT_0;
  log.write("ends");
  return stopped ? 0 : 1;
}

}  // namespace kiln::agent
