// Real guests in the real sandbox: each is customized, generalized and sealed with one launch, and
// the check then finds nothing on the disk. A sealed disk that was not generalized shows that the
// check can find something.
#include <cstdlib>
#include <filesystem>

#include "customizers/customizer.h"
#include "customizers/generalize/generalize.h"
#include "customizers/generalize/residues.h"
#include "disk/image/probe.h"
#include "disk/workspace/work_disk.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/sandbox/registry.h"
#include "tests/support/fixture_guests.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::fixtures_cache;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

/// One of the guests that fixtures/guests/make-guests.sh makes.
struct Guest {
  const char* name;
  const char* file;
  bool waagent;
};

std::ostream& operator<<(std::ostream& out, const Guest& guest) {
  return out << guest.name;
}

class GuestTest : public ::testing::TestWithParam<Guest> {
 protected:
  void SetUp() override {
    const auto image = fixtures_cache() / GetParam().file;
    ASSERT_TRUE(std::filesystem::exists(image)) << image << " is made by make-guests.sh layouts";
    folder_.emplace(TempDir::create().value());
    const auto info = probe_image(image);
    ASSERT_OK(info);
    auto disk = WorkDisk::create(*runner_, *info, folder_->path() / "overlay.qcow2", {});
    ASSERT_OK(disk);
    disk_.emplace(*std::move(disk));
    const auto work = folder_->path() / "work";
    std::filesystem::create_directory(work);
    auto sandbox =
        sandbox_registry().front().start(*disk_, {}, {*runner_, sink_, {}, work, fixtures_cache()});
    ASSERT_OK(sandbox);
    sandbox_ = *std::move(sandbox);
  }

  Result<void> run_step(nlohmann::json body) {
    KILN_TRY_ASSIGN(const auto step,
                    parse_customizer(JsonReader::of(std::move(body), "template.json")));
    std::map<std::string, std::filesystem::path> inputs;
    for (const auto& input : step->inputs()) inputs[input.uri] = folder_->path() / input.uri;
    return step->run(
        {sandbox_->agent(), sink_, "customize", "customize-01", inputs, std::nullopt, {}});
  }
  Result<void> run_inline(const std::vector<std::string>& lines) {
    return run_step({{"type", "Shell"}, {"inline", lines}});
  }
  Result<GeneralizeReport> generalize() {
    const StepContext context{
        sandbox_->agent(), sink_, "generalize", "generalize", {}, std::nullopt, {}};
    KILN_TRY_ASSIGN(auto report, run_deprovision(context));
    KILN_TRY(run_generalize_operations(context, report, {}));
    return report;
  }
  static std::vector<std::string> list(const std::vector<Residue>& residues) {
    std::vector<std::string> lines;
    lines.reserve(residues.size());
    for (const auto& residue : residues) lines.push_back(residue.path + " " + residue.operation);
    return lines;
  }

  test::RecordingSink sink_;
  std::unique_ptr<ProcessRunner> runner_ = make_process_runner();
  std::optional<TempDir> folder_;
  std::optional<WorkDisk> disk_;
  std::unique_ptr<Sandbox> sandbox_;
};

using CustomizedGuest = GuestTest;

TEST_P(CustomizedGuest, IsGeneralInTheEnd) {
  auto& agent = sandbox_->agent();
  ASSERT_OK(stage_deprovision_script(agent, {}));
  ASSERT_OK(write_file_atomic(folder_->path() / "index.html", "<p>customized</p>\n"));
  ASSERT_OK(run_inline({"set -u",
                        "sudo sh -c 'echo customized > /etc/kiln-test'",
                        "echo ran as $(id -un) on $PACKER_BUILDER_TYPE"}));
  ASSERT_OK(run_step(
      {{"type", "File"}, {"sourceUri", "index.html"}, {"destination", "/opt/index.html"}}));
  // A step that leaves traces of its own, and edits the script as people do.
  ASSERT_OK(run_inline({"#!/bin/bash",
                        "echo secret > /root/.bash_history",
                        "sed -i '1i echo edited by a step' /tmp/DeprovisioningScript.sh",
                        "[ -x /usr/sbin/waagent ] || sed -i '/waagent/,$d' "
                        "/tmp/DeprovisioningScript.sh"}));
  const auto report = generalize();
  ASSERT_OK(report);
  EXPECT_THAT(report->build_users, ::testing::ElementsAre("kilnbuild"));
  const auto output = sink_.messages(EventType::kStepOutput);
  EXPECT_THAT(output, Contains("ran as root on azure-arm"));
  EXPECT_THAT(output, Contains("edited by a step"));
  if (GetParam().waagent) {
    EXPECT_THAT(output, Contains(HasSubstr("SSH host key pairs will be deleted")));
  }

  const auto sealed = sandbox_->seal();
  ASSERT_OK(sealed);
  const auto residues = find_residues(*sealed->files, {report->build_users, {}});
  ASSERT_OK(residues);
  EXPECT_THAT(list(*residues), IsEmpty());
  const auto text = sealed->files->read("/etc/kiln-test");
  ASSERT_OK(text);
  EXPECT_EQ(*text, "customized\n");
  const auto file = sealed->files->read("/opt/index.html");
  ASSERT_OK(file);
  EXPECT_EQ(*file, "<p>customized</p>\n");
  EXPECT_OK(sandbox_->finish());
}

INSTANTIATE_TEST_SUITE_P(Guests,
                         CustomizedGuest,
                         ::testing::Values(Guest{"Ext4WithoutAgents", "layout-ext4.qcow2", false},
                                           Guest{"XfsWithWaagent", "layout-xfs.vhd", true},
                                           Guest{"BtrfsWithCloudInit", "layout-btrfs.vhdx", false},
                                           Guest{"LvmWithBoth", "layout-lvm.raw", true}),
                         [](const auto& test) { return test.param.name; });

using UntouchedGuest = GuestTest;

TEST_P(UntouchedGuest, IsFullOfResidues) {
  ASSERT_OK(stage_deprovision_script(sandbox_->agent(), {}));
  const auto sealed = sandbox_->seal();
  ASSERT_OK(sealed);
  const auto residues = find_residues(*sealed->files);
  ASSERT_OK(residues);
  EXPECT_THAT(list(*residues),
              IsSupersetOf({"/etc/machine-id machine-id",
                            "/etc/ssh/ssh_host_ed25519_key ssh-host-keys",
                            "/var/lib/cloud/instance cloud-init",
                            "/var/lib/dhcp/dhclient.eth0.leases dhcp-leases",
                            "/var/lib/waagent/ovf-env.xml waagent",
                            "/root/.bash_history histories",
                            "/home/kilnbuild/.bash_history histories",
                            "/tmp/DeprovisioningScript.sh build-files",
                            "/etc/passwd provisioned-user"}));
  EXPECT_OK(sandbox_->finish());
}

INSTANTIATE_TEST_SUITE_P(Guests,
                         UntouchedGuest,
                         ::testing::Values(Guest{"LvmWithBoth", "layout-lvm.raw", true}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace kiln
