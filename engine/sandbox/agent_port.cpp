#include "engine/sandbox/agent_port.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

#include "disk/inspect/image_session.h"

namespace kiln {

std::filesystem::path short_folder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  std::error_code ignored;
  if (runtime != nullptr && std::filesystem::is_directory(runtime, ignored)) return runtime;
  return "/tmp";
}

Result<PortFolder> PortFolder::create(const std::filesystem::path& work_folder, const char* name) {
  std::error_code error;
  const auto direct = std::filesystem::absolute(work_folder, error) / name;
  if (!error && direct.string().size() <= kLongestSocketPath) {
    return PortFolder(direct, std::nullopt);
  }
  KILN_TRY_ASSIGN(auto folder, TempDir::create(short_folder()));
  auto socket = folder.path() / name;
  return PortFolder(std::move(socket), std::move(folder));
}

Result<UniqueFd> connect_agent_port(const std::filesystem::path& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto text = path.string();
  KILN_CHECK(text.size() < sizeof address.sun_path);
  std::copy(text.begin(), text.end(), std::begin(address.sun_path));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API wants it.
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (!socket || ::connect(socket.get(), generic, sizeof address) != 0) {
    return fail(ErrorKind::kIo,
                "Sandbox:AgentPort",
                "cannot connect to the agent's port {}: {}",
                text,
                strerror(errno));
  }
  return socket;
}

}  // namespace kiln
