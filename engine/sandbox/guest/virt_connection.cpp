#include "engine/sandbox/guest/virt_connection.h"

#include <cstdlib>
#include <dlfcn.h>
#include <mutex>
#include <optional>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "engine/core/c_handle.h"
#include "engine/core/file.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

/// No other program is needed (virtlogd), and nothing of the host is changed: no security labels,
/// no namespaces, no control groups. qemu confines itself by its system call filter.
constexpr std::string_view kQemuConf = R"(stdio_handler = "file"
security_driver = "none"
security_default_confined = 0
namespaces = [ ]
cgroup_controllers = [ ]
seccomp_sandbox = 1
)";

void be_quiet(void* /*data*/, virErrorPtr /*error*/) {}
void tick(int /*timer*/, void* /*data*/) {}

/// The loop has to be one of libvirt's, because the embedded driver talks to qemu in it.
class EventLoop {
 public:
  EventLoop() {
    static std::once_flag registered;
    std::call_once(registered, [] {
      ::virSetErrorFunc(nullptr, be_quiet);
      ::virEventRegisterDefaultImpl();
      // So that the loop looks at `stop` now and then, and new handles get a turn.
      constexpr int kTickMilliseconds = 200;
      ::virEventAddTimeout(kTickMilliseconds, tick, nullptr, nullptr);
    });
    thread_ = std::jthread([](const std::stop_token& stop) {
      while (!stop.stop_requested()) ::virEventRunDefaultImpl();
    });
  }

 private:
  std::jthread thread_;
};

class Connection : public VirtConnection {
 public:
  Connection(std::unique_ptr<EventLoop> loop, virConnectPtr handle, bool embedded)
      : loop_(std::move(loop)), handle_(handle), embedded_(embedded) {}
  [[nodiscard]] virConnectPtr handle() const override { return handle_.get(); }
  [[nodiscard]] bool embedded() const override { return embedded_; }
  [[nodiscard]] unsigned long version() const override {
    unsigned long version = 0;
    ::virConnectGetLibVersion(handle_.get(), &version);
    return version;
  }

 private:
  std::unique_ptr<EventLoop> loop_;  // first, because closing needs it
  CHandle<virConnect, ::virConnectClose> handle_;
  bool embedded_;
};

/// As root the driver would change to an account that only another package of libvirt's makes, give
/// our disks to it, and use control groups. So it is opened as by an ordinary user, by this thread
/// alone; what it starts later has our identity.
class AsOrdinaryUser {
 public:
  AsOrdinaryUser() : needed_(::geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    if (!needed_) return;
    ::syscall(SYS_setresuid, -1, kNobody, -1);
    ::setfsuid(0);  // files are still made as root
  }
  AsOrdinaryUser(const AsOrdinaryUser&) = delete;
  AsOrdinaryUser& operator=(const AsOrdinaryUser&) = delete;
  ~AsOrdinaryUser() {
    if (needed_) ::syscall(SYS_setresuid, -1, 0, -1);
  }

 private:
  bool needed_;
};

/// The embedded driver keeps some files in the user's cache, whatever its root is. GLib, which
/// tells it where that is, asks the environment once.
class CacheFolder {
 public:
  explicit CacheFolder(const fs::path& folder) {
    if (const char* before = std::getenv(kVariable)) before_ = before;
    ::setenv(kVariable, folder.c_str(), 1);
  }
  CacheFolder(const CacheFolder&) = delete;
  CacheFolder& operator=(const CacheFolder&) = delete;
  ~CacheFolder() {
    if (before_) {
      ::setenv(kVariable, before_->c_str(), 1);
    } else {
      ::unsetenv(kVariable);
    }
  }

 private:
  static constexpr const char* kVariable = "XDG_CACHE_HOME";
  std::optional<std::string> before_;
};

/// libvirt's own log would go to the terminal. Its variable for that is read when it is
/// initialized, which libguestfs does before `main`, and its function is not in its headers.
void log_to(const fs::path& file) {
  using SetOutputs = int (*)(const char*);
  if (std::getenv("LIBVIRT_LOG_OUTPUTS") != nullptr) return;  // the user's own wish
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): dlsym knows no functions.
  const auto set = reinterpret_cast<SetOutputs>(::dlsym(RTLD_DEFAULT, "virLogSetOutputs"));
  constexpr int kWarnings = 3;
  if (set != nullptr) set(fmt::format("{}:file:{}", kWarnings, file.string()).c_str());
}

Result<void> prepare_root(const fs::path& root, const fs::path& capabilities) {
  KILN_TRY(make_directories(root / "etc"));
  KILN_TRY(make_directories(root / "cache/qemu"));
  KILN_TRY(write_file_atomic(root / "etc/qemu.conf", kQemuConf));
  std::error_code error;
  const auto link = root / "cache/qemu/capabilities";
  if (!fs::exists(fs::symlink_status(link, error))) fs::create_symlink(capabilities, link, error);
  return {};
}

}  // namespace

Error virt_error(std::string_view code, std::string doing) {
  const auto* error = ::virGetLastError();
  return fail(ErrorKind::kHostNotReady,
              std::string(code),
              "libvirt: {}",
              error != nullptr && error->message != nullptr ? error->message : "no reason given")
      .while_doing(std::move(doing));
}

Result<std::shared_ptr<VirtConnection>> open_embedded_virt(const fs::path& root,
                                                           const fs::path& capabilities) {
  static std::mutex mutex;
  static std::weak_ptr<VirtConnection> opened;
  const std::lock_guard lock(mutex);
  if (auto present = opened.lock()) return present;
  KILN_CHECK(root.string().size() <= kLongestVirtRoot);
  KILN_TRY(prepare_root(root, capabilities));
  log_to(root / "virt.log");
  auto loop = std::make_unique<EventLoop>();
  virConnectPtr handle = nullptr;
  {
    const CacheFolder cache(root / "cache");
    const AsOrdinaryUser guard;
    handle = ::virConnectOpen(fmt::format("qemu:///embed?root={}", root.string()).c_str());
  }
  if (handle == nullptr) {
    return virt_error("Sandbox:Virt", "opening libvirt's embedded driver")
        .cure("apt-get install libvirt-daemon-driver-qemu; `kiln doctor` tells more");
  }
  auto connection = std::make_shared<Connection>(std::move(loop), handle, true);
  opened = connection;
  return std::shared_ptr<VirtConnection>(std::move(connection));
}

Result<std::shared_ptr<VirtConnection>> open_virt(const std::string& uri) {
  auto loop = std::make_unique<EventLoop>();
  auto* handle = ::virConnectOpen(uri.c_str());
  if (handle == nullptr) {
    return virt_error("Sandbox:Connect", "connecting to " + uri)
        .cure("start that libvirt, or leave --connect out: Kiln needs no daemon");
  }
  return std::shared_ptr<VirtConnection>(
      std::make_shared<Connection>(std::move(loop), handle, false));
}

}  // namespace kiln
