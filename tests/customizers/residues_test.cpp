// The residue check on a folder that stands for a guest's root.
#include "customizers/generalize/residues.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Residues : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = TempDir::create();
    ASSERT_OK(folder);
    folder_.emplace(*std::move(folder));
    // A general image: what must be there is there, and empty or locked.
    put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nadmin:x:1000:1000::/home/admin:/bin/sh\n");
    put("/etc/shadow", "root:*:19000::::::\nadmin:$y$hash:19000::::::\n");
    put("/etc/machine-id", "");
    put("/var/log/wtmp", "");
    put("/var/log/dpkg.log", "installed\n");
    put("/var/lib/cloud/scripts/per-boot/tune.sh", "#!/bin/sh\n");
    put("/home/admin/.profile", "PATH=$PATH:~/bin\n");
    link("../run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf");
    link("/etc/machine-id", "/var/lib/dbus/machine-id");
  }

  void put(const std::string& path, std::string_view contents) {
    const auto file = real(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << contents;
  }
  void link(const std::string& target, const std::string& path) {
    std::filesystem::create_directories(real(path).parent_path());
    std::filesystem::create_symlink(target, real(path));
  }
  [[nodiscard]] std::filesystem::path real(const std::string& path) const {
    return folder_->path() / path.substr(1);
  }

  std::vector<std::string> find(const ResidueContext& context = {}) {
    const auto tree = host_file_tree(folder_->path().string());
    const auto residues = find_residues(*tree, context);
    EXPECT_OK(residues);
    std::vector<std::string> lines;
    if (!residues) return lines;
    for (const auto& residue : *residues) lines.push_back(residue.path + " " + residue.operation);
    return lines;
  }

 private:
  std::optional<TempDir> folder_;
};

TEST_F(Residues, AGeneralImageHasNone) {
  EXPECT_THAT(find(), IsEmpty());
}

TEST_F(Residues, AnUninitializedMachineIdIsNone) {
  put("/etc/machine-id", "uninitialized\n");
  EXPECT_THAT(find(), IsEmpty());
}

struct Planted {
  const char* name;
  const char* path;
  const char* contents;
  const char* operation;
};

std::ostream& operator<<(std::ostream& out, const Planted& planted) {
  return out << planted.name;
}

class PlantedResidue : public Residues, public ::testing::WithParamInterface<Planted> {};

TEST_P(PlantedResidue, IsFound) {
  const auto& planted = GetParam();
  std::filesystem::remove(real(planted.path));
  put(planted.path, planted.contents);
  EXPECT_THAT(find(), ElementsAre(fmt::format("{} {}", planted.path, planted.operation)));
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    PlantedResidue,
    ::testing::Values(
        Planted{"HostKey", "/etc/ssh/ssh_host_rsa_key", "key", "ssh-host-keys"},
        Planted{"PublicHostKey", "/etc/ssh/ssh_host_ed25519_key.pub", "key", "ssh-host-keys"},
        Planted{"MachineId", "/etc/machine-id", "5d1c0ffe\n", "machine-id"},
        Planted{"DbusMachineId", "/var/lib/dbus/machine-id", "5d1c0ffe\n", "machine-id"},
        Planted{"CloudInstance", "/var/lib/cloud/data/instance-id", "i-1\n", "cloud-init"},
        Planted{"CloudSeed", "/var/lib/cloud/seed/nocloud", "x", "cloud-init"},
        Planted{"CloudLog", "/var/log/cloud-init-output.log", "x", "cloud-init"},
        Planted{"AgentState", "/var/lib/waagent/provisioned", "x", "waagent"},
        Planted{"AgentLog", "/var/log/waagent.log", "x", "waagent"},
        Planted{"DhclientLease", "/var/lib/dhcp/dhclient.eth0.leases", "x", "dhcp-leases"},
        Planted{"NetworkManagerLease",
                "/var/lib/NetworkManager/internal-1-eth0.lease",
                "x",
                "network-manager"},
        Planted{
            "PersistentNet", "/etc/udev/rules.d/70-persistent-net.rules", "x", "persistent-net"},
        Planted{"RandomSeed", "/var/lib/systemd/random-seed", "x", "random-seed"},
        Planted{"ResolvConf", "/etc/resolv.conf", "nameserver 10.0.0.1\n", "resolv-conf"},
        Planted{"RootPassword", "/etc/shadow", "root:$y$hash:19000::::::\n", "root-password"},
        Planted{"NoRootPassword", "/etc/shadow", "root::19000::::::\n", "root-password"},
        Planted{"ShadowBackup", "/etc/shadow-", "root:$y$hash:19000::::::\n", "account-backups"},
        Planted{"RootHistory", "/root/.bash_history", "ls\n", "histories"},
        Planted{"UserHistory", "/home/admin/.python_history", "1\n", "histories"},
        Planted{"Logins", "/var/log/wtmp", "x", "logs"},
        Planted{"StepScript", "/tmp/script_9998.sh", "x", "build-files"},
        Planted{"DeprovisionScript", "/tmp/DeprovisioningScript.sh", "x", "build-files"},
        Planted{"OurPolicy", "/usr/sbin/policy-rc.d", "#!/bin/sh\n# kiln\nexit 101\n", ""},
        Planted{"OurUnit", "/etc/systemd/system/kiln-agent.service", "x", ""},
        Planted{"OurWish", "/etc/systemd/system/sysinit.target.wants/kiln-agent.service", "x", ""},
        Planted{"OurSwitch", "/etc/cloud/cloud-init.disabled", "Placed by kiln\n", ""},
        Planted{"OurFile", "/.kiln-agent", "x", ""},
        Planted{"HalfWrittenFile", "/tmp/.kiln-put-a1b2c3", "x", ""}),
    [](const auto& test) { return test.param.name; });

TEST_F(Residues, LeavesTheImagesOwnFilesAlone) {
  put("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");
  put("/etc/cloud/cloud-init.disabled", "");
  put("/tmp/script_install.sh", "the user's own\n");
  put("/tmp/script_12345.sh", "the user's own\n");
  EXPECT_THAT(find(), IsEmpty());
}

TEST_F(Residues, FindsTheUserThatProvisioningMade) {
  EXPECT_THAT(find({{"admin"}, {}}), ElementsAre("/etc/passwd provisioned-user"));
  EXPECT_THAT(find({{"gone", "root"}, {}}), IsEmpty());
  put("/var/lib/waagent/ovf-env.xml", "<UserName>admin</UserName>");
  EXPECT_THAT(find(),
              ElementsAre("/var/lib/waagent/ovf-env.xml waagent", "/etc/passwd provisioned-user"));
}

TEST_F(Residues, FindsWhatTheSandboxLeft) {
  put("/opt/agent", "x");
  EXPECT_THAT(find({{}, {"/opt/ag*"}}), ElementsAre("/opt/agent "));
}

TEST_F(Residues, FailTheBuildUnlessTheirOperationWasSwitchedOff) {
  test::RecordingSink sink;
  const std::vector<Residue> residues = {{"/etc/machine-id", "identity", "machine-id"},
                                         {"/.kiln-agent", "file of Kiln itself", ""}};
  EXPECT_OK(judge_residues({}, {}, sink));
  const auto both = judge_residues(residues, {}, sink);
  ASSERT_THAT(both, FailsWith("Generalize:Residue"));
  EXPECT_THAT(
      both.error().quoted(),
      ElementsAre("/etc/machine-id: identity (machine-id)", "/.kiln-agent: file of Kiln itself"));
  EXPECT_TRUE(sink.events().empty());

  const std::vector<std::string> skip = {"machine-id"};
  const auto one = judge_residues(residues, skip, sink);
  ASSERT_THAT(one, FailsWith("Generalize:Residue"));
  EXPECT_EQ(one.error().quoted().size(), 1U);
  EXPECT_THAT(sink.messages(EventType::kNotice), ElementsAre(HasSubstr("/etc/machine-id")));

  EXPECT_OK(judge_residues({residues.data(), 1}, skip, sink));
}

}  // namespace
}  // namespace kiln
