#include "engine/sandbox/guest/running_domain.h"

#include <algorithm>
#include <array>
#include <linux/input-event-codes.h>
#include <mutex>
#include <poll.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "engine/core/c_handle.h"
#include "engine/core/json.h"
#include "engine/core/text.h"
#include "engine/core/unique_fd.h"

namespace kiln {
namespace {

/// What libvirt's thread tells; it may outlive the domain for a moment.
struct News {
  std::mutex mutex;
  int restarts = 0;
  bool ended = false;
  std::function<void()> on_restart;
};
using SharedNews = std::shared_ptr<News>;

News& news_of(void* opaque) {
  return **static_cast<SharedNews*>(opaque);
}

void take_restart(virConnectPtr /*connection*/, virDomainPtr /*domain*/, void* opaque) {
  auto& news = news_of(opaque);
  const std::lock_guard lock(news.mutex);
  ++news.restarts;
  if (news.on_restart) news.on_restart();
}

int take_life(virConnectPtr /*connection*/,
              virDomainPtr /*domain*/,
              int event,
              int /*detail*/,
              void* opaque) {
  auto& news = news_of(opaque);
  const std::lock_guard lock(news.mutex);
  if (event == VIR_DOMAIN_EVENT_STOPPED || event == VIR_DOMAIN_EVENT_CRASHED) news.ended = true;
  return 0;
}

void forget(void* opaque) {
  delete static_cast<SharedNews*>(opaque);
}

class Domain final : public RunningDomain {
 public:
  /// @param process of the machine, a pidfd; empty where another libvirt has it
  Domain(std::shared_ptr<VirtConnection> connection, virDomainPtr handle, UniqueFd process)
      : connection_(std::move(connection)), handle_(handle), process_(std::move(process)) {}
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;
  ~Domain() override {
    on_restart({});
    for (const int id : callbacks_) {
      if (id >= 0) ::virConnectDomainEventDeregisterAny(connection_->handle(), id);
    }
    if (!ended()) cut();
  }

  Result<void> listen() {
    callbacks_ = {watch(VIR_DOMAIN_EVENT_ID_REBOOT, take_restart),
                  watch(VIR_DOMAIN_EVENT_ID_LIFECYCLE, take_life)};
    for (const int id : callbacks_) {
      if (id < 0) return virt_error("Sandbox:Virt", "asking for the virtual machine's events");
    }
    return {};
  }

  [[nodiscard]] int restarts() const override {
    const std::lock_guard lock(news_->mutex);
    return news_->restarts;
  }

  [[nodiscard]] bool ended() const override {
    {
      const std::lock_guard lock(news_->mutex);
      if (news_->ended) return true;
    }
    if (process_) return process_ends_within(std::chrono::milliseconds(0));
    // A transient domain that is off is unknown.
    return ::virDomainIsActive(handle_.get()) != 1;
  }

  Result<bool> wait_for_end(std::chrono::milliseconds patience,
                            const CancelToken& cancel) override {
    constexpr auto kLookEvery = std::chrono::milliseconds(100);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!ended()) {
      KILN_TRY(cancel.check());
      if (std::chrono::steady_clock::now() >= deadline) return false;
      if (process_) {
        process_ends_within(kLookEvery);
      } else {
        std::this_thread::sleep_for(kLookEvery);
      }
    }
    return true;
  }

  Result<DomainActivity> activity() override {
    virDomainInfo info{};
    virDomainBlockStatsStruct drives{};
    // No name means all of them.
    if (::virDomainGetInfo(handle_.get(), &info) != 0 ||
        ::virDomainBlockStats(handle_.get(), "", &drives, sizeof drives) != 0) {
      return virt_error("Sandbox:Virt", "asking what the virtual machine does");
    }
    const auto counted = [](long long bytes) {
      return static_cast<std::uint64_t>(std::max(bytes, 0LL));
    };
    return DomainActivity{
        counted(drives.rd_bytes), counted(drives.wr_bytes), std::chrono::nanoseconds(info.cpuTime)};
  }

  void press_return() override {
    std::array<unsigned, 1> keys = {KEY_ENTER};
    ::virDomainSendKey(handle_.get(), VIR_KEYCODE_SET_LINUX, 0, keys.data(), 1, 0);
  }

  void cut_power() override { cut(); }

  Result<void> pause() override {
    if (::virDomainSuspend(handle_.get()) == 0) return {};
    return virt_error("Sandbox:Virt", "pausing the virtual machine");
  }

  Result<void> resume() override {
    if (::virDomainResume(handle_.get()) == 0) return {};
    return virt_error("Sandbox:Virt", "having the virtual machine go on");
  }

  Result<nlohmann::json> monitor(const std::string& command,
                                 const nlohmann::json& arguments,
                                 int file) override {
    const auto text = dump_json({{"execute", command}, {"arguments", arguments}});
    char* said = nullptr;
    std::array<int, 1> files = {file};
    const int status = ::virDomainQemuMonitorCommandWithFiles(
        handle_.get(), text.c_str(), file >= 0 ? 1 : 0, files.data(), nullptr, nullptr, &said, 0);
    if (status != 0) return virt_error("Sandbox:Virt", "asking qemu for " + command);
    const std::unique_ptr<char, decltype(&std::free)> owned(said, std::free);
    auto answer = nlohmann::json::parse(said, nullptr, /*allow_exceptions=*/false);
    if (answer.is_object() && answer.contains("return")) return std::move(answer["return"]);
    return fail(ErrorKind::kUnsupported,
                "Sandbox:Monitor",
                "qemu refuses {}: {}",
                command,
                printable(said));
  }

  void on_restart(std::function<void()> call) override {
    const std::lock_guard lock(news_->mutex);
    news_->on_restart = std::move(call);
  }

 private:
  void cut() { ::virDomainDestroy(handle_.get()); }

  /// It has let go of the disk then. libvirt says so only when somebody has collected the process,
  /// which the first process of a container does seconds later, or never.
  bool process_ends_within(std::chrono::milliseconds patience) const {
    pollfd polled{process_.get(), POLLIN, 0};
    return ::poll(&polled, 1, static_cast<int>(patience.count())) == 1;
  }

  template <class Callback>
  int watch(int event, Callback callback) {
    auto* opaque = new SharedNews(news_);
    // Every callback goes through one type, which libvirt casts back by the event's number; through
    // void(*)(), which GCC takes for that purpose.
    // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast)
    const int id =
        ::virConnectDomainEventRegisterAny(connection_->handle(),
                                           handle_.get(),
                                           event,
                                           reinterpret_cast<virConnectDomainEventGenericCallback>(
                                               reinterpret_cast<void (*)()>(callback)),
                                           opaque,
                                           forget);
    // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
    if (id < 0) forget(opaque);
    return id;
  }

  std::shared_ptr<VirtConnection> connection_;
  CHandle<virDomain, ::virDomainFree> handle_;
  UniqueFd process_;
  SharedNews news_ = std::make_shared<News>();
  std::array<int, 2> callbacks_ = {-1, -1};
};

/// The embedded driver has this process's machines only, one after the other and of one name. It
/// may still be busy with the one before, whose process has ended (see `process_ends_within`).
void await_predecessor(virConnectPtr connection, const std::string& name) {
  constexpr std::chrono::seconds kLongest(60);  // libvirt itself waits for 30 s
  constexpr std::chrono::milliseconds kLookEvery(20);
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  while (std::chrono::steady_clock::now() < deadline) {
    const CHandle<virDomain, ::virDomainFree> before(
        ::virDomainLookupByName(connection, name.c_str()));
    if (!before) return;
    std::this_thread::sleep_for(kLookEvery);
  }
}

UniqueFd open_process(std::optional<int> process) {
  if (!process) return {};
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, *process, 0U)));
}

}  // namespace

Result<std::unique_ptr<RunningDomain>> start_domain(const VirtRoot& virt, const DomainSpec& spec) {
  const auto& connection = virt.connection();
  if (connection->embedded()) await_predecessor(connection->handle(), spec.name);
  // The embedded driver knows no AUTODESTROY; the keeper ends the machine where we are killed.
  unsigned flags = connection->embedded() ? VIR_DOMAIN_NONE : VIR_DOMAIN_START_AUTODESTROY;
  if (spec.incoming) flags |= VIR_DOMAIN_START_PAUSED;
  auto* handle = ::virDomainCreateXML(connection->handle(), domain_xml(spec).c_str(), flags);
  if (handle == nullptr) return virt_error("Sandbox:StartGuest", "starting the virtual machine");
  auto domain =
      std::make_unique<Domain>(connection, handle, open_process(virt.process_of(spec.name)));
  KILN_TRY(domain->listen());
  return std::unique_ptr<RunningDomain>(std::move(domain));
}

}  // namespace kiln
