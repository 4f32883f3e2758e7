// A signed guest boots with Secure Boot enforced, and sees a TPM.
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "engine/sandbox/guest/guest.h"
#include "tests/support/fixture_guests.h"
#include "tests/support/matchers.h"
#include "tests/support/processes.h"
#include "tests/support/recording_sink.h"

namespace kiln::test {
namespace {

std::string output_of(Sandbox& sandbox, const std::string& script) {
  GuestCommand command;
  command.argv = {"sh", "-c", script};
  std::string text;
  const auto exit = sandbox.agent().run(
      command, [&text](GuestStream, std::string_view data) { text.append(data); }, {});
  EXPECT_OK(exit);
  return std::string(trim(text));
}

/// The emulators that work in `folder`.
std::size_t tpms_in(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for (const int pid : processes_with("swtpm")) {
    std::error_code error;
    const auto where = std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
    if (where == folder) ++count;
  }
  return count;
}

TEST(TrustedLaunch, BootsASignedGuestWithSecureBootAndATpm) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto runner = make_process_runner();
  const auto disk = fixture_disk(*runner, "debian12-signed.qcow2", folder->path());
  ASSERT_OK(disk);
  RecordingSink events;
  SandboxOptions options;
  options.trusted_launch = true;
  {
    auto sandbox =
        start_guest(*disk, options, {*runner, events, {}, folder->path(), fixtures_cache()});
    ASSERT_OK(sandbox);
    // The variable's attributes are four bytes, its value is the fifth.
    EXPECT_EQ(
        output_of(**sandbox,
                  "od -An -t u1 -j 4 "
                  "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"),
        "1");
    EXPECT_EQ(output_of(**sandbox, "cat /sys/class/tpm/tpm0/tpm_version_major"), "2");
    EXPECT_EQ(tpms_in(folder->path()), 1U);
  }
  EXPECT_EQ(tpms_in(folder->path()), 0U);
  EXPECT_TRUE(wait_for([&] { return processes_with(folder->path().string()).empty(); },
                       std::chrono::seconds(5)));
}

}  // namespace
}  // namespace kiln::test
