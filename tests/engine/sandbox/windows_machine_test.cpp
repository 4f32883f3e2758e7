// The machine that Windows gets, with a disk whose boot sector answers on COM2.
#include <poll.h>
#include <unistd.h>

#include "disk/image/probe.h"
#include "disk/workspace/work_disk.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/guest/domain_xml.h"
#include "engine/sandbox/guest/running_domain.h"
#include "engine/sandbox/guest/virt_root.h"
#include "tests/support/fixture_guests.h"
#include "tests/support/matchers.h"

extern "C" {
extern const char kiln_com2_sector[];
extern const char kiln_com2_sector_end[];
}

namespace kiln::test {
namespace {

/// Sends a byte until it is answered, for a machine that starts hears nothing.
char answer_to(const UniqueFd& port, char sent) {
  constexpr int kTries = 300;
  constexpr int kPause = 100;  // ms
  for (int i = 0; i < kTries; ++i) {
    if (::write(port.get(), &sent, 1) != 1) return 0;
    pollfd polled{port.get(), POLLIN, 0};
    char answer = 0;
    if (::poll(&polled, 1, kPause) == 1) return ::read(port.get(), &answer, 1) == 1 ? answer : '\0';
  }
  return 0;
}

TEST(WindowsMachine, StartsASataDiskAndSpeaksOnCom2) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto runner = make_process_runner();
  std::string contents(kiln_com2_sector, kiln_com2_sector_end);
  contents.resize(kMiB);
  ASSERT_OK(write_file_atomic(folder->path() / "disk.raw", contents));
  const auto image = probe_image(folder->path() / "disk.raw");
  ASSERT_OK(image);
  const auto disk = WorkDisk::create(*runner, *image, folder->path() / "overlay.qcow2", {});
  ASSERT_OK(disk);
  const auto virt = VirtRoot::open(folder->path(), fixtures_cache(), {});
  ASSERT_OK(virt);
  const auto port = PortFolder::create(folder->path());
  ASSERT_OK(port);

  DomainSpec spec;
  spec.name = "kiln-windows";
  spec.drivers = DeviceDrivers::kWindows;
  spec.memory_mib = 256;
  spec.network = true;
  spec.emulator = (*virt)->emulator();
  spec.owner = ::getpid();
  spec.disk_node = disk->node(/*read_only=*/false);
  spec.media = {{"updates", folder->path() / "disk.raw"}};
  spec.console_log = folder->path() / "console.log";
  spec.agent_socket = port->socket();
  const auto domain = start_domain(**virt, spec);
  ASSERT_OK(domain);
  const auto com2 = port->connect();
  ASSERT_OK(com2);
  EXPECT_EQ(answer_to(*com2, 'a'), 'b');
  EXPECT_EQ(::write(com2->get(), "q", 1), 1);
  const auto ended = (*domain)->wait_for_end(std::chrono::seconds(30), {});
  ASSERT_OK(ended);
  EXPECT_TRUE(*ended);
}

}  // namespace
}  // namespace kiln::test
