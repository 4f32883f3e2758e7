#include "disk/extents/nbd_source.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <mutex>
#include <thread>

#include <libnbd.h>

#include "disk/extents/extent_map.h"
#include "engine/core/c_handle.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

using Handle = CHandle<nbd_handle, nbd_close>;

constexpr std::string_view kSocketName = "nbd.sock";
/// Below NBD's 32 MiB by far: qemu-nbd allocates a buffer for each request, and up to this size the
/// C library reuses it while it is still in the cache. 4 MiB take three times the processor time.
constexpr std::uint64_t kLargestRequest = 256 * kKiB;
constexpr int kPollMilliseconds = 100;  ///< how soon a cancel is noticed

Error nbd_failure(std::string_view doing) {
  const char* why = nbd_get_error();
  return fail(ErrorKind::kIo, "Disk:Nbd", "cannot {}: {}", doing, why != nullptr ? why : "unknown");
}

Error server_failure(ChildProcess& server, std::string_view what) {
  // What it said before it ended may still be on its way.
  for (int i = 0; i < 100 && server.error_output().empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return fail(ErrorKind::kIo, "Disk:NbdServer", "qemu-nbd {}", what)
      .quoting(split_lines(server.error_output()))
      .cure("if the image is in use by a virtual machine, stop that first");
}

Result<Handle> new_handle() {
  Handle handle(nbd_create());
  if (!handle || nbd_add_meta_context(handle.get(), LIBNBD_CONTEXT_BASE_ALLOCATION) != 0) {
    return nbd_failure("set up libnbd");
  }
  // Every byte of a buffer is read or the read fails, so clearing it first is for nothing.
  nbd_set_pread_initialize(handle.get(), false);
  return handle;
}

/// Waits for the server, which opens the image before it listens.
Result<Handle> connect(ChildProcess& server, const std::string& socket, const CancelToken& cancel) {
  constexpr auto kPatience = std::chrono::seconds(60);
  constexpr auto kPause = std::chrono::milliseconds(2);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    KILN_TRY(cancel.check());
    if (::access(socket.c_str(), F_OK) == 0) {
      KILN_TRY_ASSIGN(auto handle, new_handle());
      if (nbd_connect_unix(handle.get(), socket.c_str()) == 0) return handle;
    }
    if (server.poll()) return server_failure(server, "could not open the disk");
    if (std::chrono::steady_clock::now() > deadline) {
      return server_failure(server, "did not begin to listen within a minute");
    }
    std::this_thread::sleep_for(kPause);
  }
}

/// One block status reply, appended to `map`.
int on_block_status(void* map,
                    const char* /*context*/,
                    std::uint64_t offset,
                    std::uint32_t* entries,
                    std::size_t count,
                    int* /*error*/) {
  auto& extents = *static_cast<ExtentMap*>(map);
  if (offset != extents.end()) return -1;
  for (std::size_t i = 0; i + 1 < count; i += 2) {
    extents.add(entries[i], (entries[i + 1] & LIBNBD_STATE_ZERO) != 0);
  }
  return 0;
}

class NbdSource : public BlockSource {
 public:
  NbdSource(TempDir folder,
            UniqueFd directory,
            std::unique_ptr<ChildProcess> server,
            std::string socket,
            Handle first,
            std::uint64_t size,
            CancelToken cancel)
      : folder_(std::move(folder)),
        directory_(std::move(directory)),
        server_(std::move(server)),
        socket_(std::move(socket)),
        size_(size),
        cancel_(std::move(cancel)) {
    idle_.push_back(std::move(first));
  }

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  Result<std::vector<Extent>> extents() override {
    constexpr std::uint64_t kLongestQuery = 2 * kGiB;  // NBD counts in 32 bits
    KILN_TRY_ASSIGN(auto handle, take());
    ExtentMap map;
    while (map.end() < size_) {
      KILN_TRY(cancel_.check());
      const auto before = map.end();
      const nbd_extent_callback callback{on_block_status, &map, nullptr};
      if (nbd_block_status(
              handle.get(), std::min(kLongestQuery, size_ - before), before, callback, 0) != 0) {
        return nbd_failure("ask for the disk's extents");
      }
      if (map.end() == before || map.end() > size_) {
        return fail(ErrorKind::kIo, "Disk:Nbd", "qemu-nbd gave an impossible block status");
      }
    }
    give_back(std::move(handle));
    return map.take();
  }

  Result<void> read(std::uint64_t offset, MutableBytes buffer) override {
    KILN_CHECK(offset <= size_ && buffer.size() <= size_ - offset);
    KILN_TRY_ASSIGN(auto handle, take());
    // A connection that failed is closed, so that no late reply is written into the buffer.
    KILN_TRY(read_through(handle.get(), offset, buffer));
    give_back(std::move(handle));
    return {};
  }

 private:
  /// A connection for one thread: an idle one, or another.
  Result<Handle> take() {
    KILN_TRY(cancel_.check());
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    KILN_TRY_ASSIGN(auto handle, new_handle());
    if (nbd_connect_unix(handle.get(), socket_.c_str()) != 0) {
      return nbd_failure("connect to qemu-nbd");
    }
    return handle;
  }

  void give_back(Handle handle) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(handle));
  }

  /// All pieces are asked for before the first is waited for.
  Result<void> read_through(nbd_handle* handle, std::uint64_t offset, MutableBytes buffer) const {
    std::vector<std::uint64_t> cookies;
    while (!buffer.empty()) {
      const auto piece = buffer.first(std::min<std::size_t>(buffer.size(), kLargestRequest));
      const auto cookie =
          nbd_aio_pread(handle, piece.data(), piece.size(), offset, NBD_NULL_COMPLETION, 0);
      if (cookie < 0) return nbd_failure("read from the disk");
      cookies.push_back(static_cast<std::uint64_t>(cookie));
      buffer = buffer.subspan(piece.size());
      offset += piece.size();
    }
    for (const auto cookie : cookies) {
      int completed = 0;
      while ((completed = nbd_aio_command_completed(handle, cookie)) == 0) {
        KILN_TRY(cancel_.check());
        if (nbd_poll(handle, kPollMilliseconds) < 0) return nbd_failure("read from the disk");
      }
      if (completed < 0) return nbd_failure("read from the disk");
    }
    return {};
  }

  TempDir folder_;      // holds the socket; goes after the server
  UniqueFd directory_;  // through which the socket is reached
  std::unique_ptr<ChildProcess> server_;
  std::string socket_;
  std::uint64_t size_;
  CancelToken cancel_;
  std::mutex mutex_;
  std::vector<Handle> idle_;
};

}  // namespace

Result<std::unique_ptr<BlockSource>> open_nbd_source(ProcessRunner& runner,
                                                     const std::string& node,
                                                     const std::filesystem::path& folder,
                                                     const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto private_folder, TempDir::create(folder));
  // A socket's name has at most 107 bytes, a path may be longer; both sides reach it through /proc.
  UniqueFd directory(::open(private_folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Command command;
  command.argv = {"qemu-nbd",
                  "--read-only",
                  "--shared=0",  // as many connections as there are threads that read
                  fmt::format("--socket=/proc/self/cwd/{}", kSocketName),
                  node};
  command.directory = private_folder.path();
  KILN_TRY_ASSIGN(auto server, runner.start(command));
  auto socket = fmt::format("/proc/self/fd/{}/{}", directory.get(), kSocketName);
  KILN_TRY_ASSIGN(auto handle, connect(*server, socket, cancel));
  const auto size = nbd_get_size(handle.get());
  if (size < 0) return nbd_failure("ask for the disk's size");
  if (nbd_can_meta_context(handle.get(), LIBNBD_CONTEXT_BASE_ALLOCATION) != 1) {
    return fail(ErrorKind::kHostNotReady,
                "Disk:Nbd",
                "this qemu-nbd does not tell a disk's holes (base:allocation)")
        .cure("install a newer qemu-utils");
  }
  return std::unique_ptr<BlockSource>(std::make_unique<NbdSource>(std::move(private_folder),
                                                                  std::move(directory),
                                                                  std::move(server),
                                                                  std::move(socket),
                                                                  std::move(handle),
                                                                  static_cast<std::uint64_t>(size),
                                                                  cancel));
}

}  // namespace kiln
