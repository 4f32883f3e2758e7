// The probe's guest really boots: proves that a missing answer under KVM is KVM's fault.
#include <fstream>

#include "engine/agent/guest_agent.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/sandbox/acceleration.h"
#include "engine/sandbox/initramfs.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

TEST(AccelerationProbe, AnswersAndPowersOffUnderEmulation) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto kernel = find_host_kernel({});
  ASSERT_OK(kernel);
  Initramfs initramfs;
  ASSERT_OK(initramfs.add_file("init", embedded_linux_agent(), 0755));
  const auto initrd = initramfs.finish();
  ASSERT_OK(initrd);
  const auto initrd_file = folder->path() / "initrd";
  ASSERT_OK(write_file_atomic(initrd_file, *initrd));
  auto command = probe_command(Accelerator::kTcg, *kernel, initrd_file);
  command.time_limit = std::chrono::seconds(90);
  const auto runner = make_process_runner();
  const auto output = runner->run(command, {});
  ASSERT_OK(output);
  EXPECT_EQ(output->exit_code, 0) << output->err;
  EXPECT_THAT(output->out, HasSubstr(kProbeAnswer));
}

/// Whatever this host can do, the answer comes in time and is remembered.
TEST(AccelerationProbe, AnswersForThisHost) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto runner = make_process_runner();
  const auto start = std::chrono::steady_clock::now();
  const auto report = prove_acceleration(*runner, folder->path(), {});
  ASSERT_OK(report);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kProbeLimit + std::chrono::seconds(10));
  RecordProperty("why", report->why);
  const auto again = prove_acceleration(*runner, folder->path(), {});
  ASSERT_OK(again);
  EXPECT_EQ(again->accelerator, report->accelerator);
}

}  // namespace
}  // namespace kiln
