// Generalizing a folder that stands for an image's root, with the real agent chrooted into it. The
// programs are this machine's; the appliance test does the same to real guests.
#include "customizers/generalize/generalize.h"

#include <algorithm>
#include <fstream>
#include <sched.h>
#include <sys/mount.h>

#include "customizers/generalize/linux/deprovision_script.h"
#include "customizers/generalize/residues.h"
#include "tests/engine/agent/real_agent.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A root as it looks after a provisioned machine was used.
void make_used_root(const std::filesystem::path& root) {
  const auto put = [&root](const std::string& path, std::string_view contents) {
    std::filesystem::create_directories((root / path).parent_path());
    std::ofstream(root / path) << contents;
  };
  for (const auto* folder :
       {"dev", "proc", "run", "sys", "tmp", "usr/bin", "usr/lib", "usr/sbin"}) {
    std::filesystem::create_directories(root / folder);
  }
  for (const auto* link : {"bin", "lib", "lib64", "sbin"}) {
    std::filesystem::create_directory_symlink(std::string("usr/") + link, root / link);
  }
  put("etc/passwd",
      "root:x:0:0:root:/root:/bin/sh\n"
      "azureuser:x:1000:1000::/home/azureuser:/bin/sh\n"
      "admin:x:1001:1001::/home/admin:/bin/sh\n");
  put("etc/login.defs", "USERGROUPS_ENAB yes\n");
  put("etc/group", "root:x:0:\nazureuser:x:1000:\nadmin:x:1001:\n");
  put("etc/shadow",
      "root:$y$j9T$salt$hash:19000:0:99999:7:::\n"
      "azureuser:!:19000:0:99999:7:::\nadmin:$y$keep:19000:0:99999:7:::\n");
  put("etc/shadow-", "root:$y$older:19000:0:99999:7:::\n");
  put("etc/sudoers.d/waagent", "azureuser ALL=(ALL) NOPASSWD: ALL\nadmin ALL=(ALL) ALL\n");
  put("etc/machine-id", "5d1c0ffee5d1c0ffee5d1c0ffee5d1c0\n");
  std::filesystem::create_directories(root / "var/lib/dbus");
  std::filesystem::create_symlink("/etc/machine-id", root / "var/lib/dbus/machine-id");
  put("etc/hostname", "builder\n");
  put("etc/resolv.conf", "nameserver 10.0.0.1\n");
  put("etc/ssh/ssh_host_ed25519_key", "key");
  put("etc/ssh/ssh_host_ed25519_key.pub", "key");
  put("etc/ssh/sshd_config", "UsePAM yes\n");
  put("etc/udev/rules.d/70-persistent-net.rules", "rule");
  put("var/lib/waagent/ovf-env.xml", "<e><ns1:UserName>azureuser</ns1:UserName></e>");
  put("var/lib/cloud/data/instance-id", "i-1");
  put("var/lib/cloud/instances/i-1/user-data.txt", "secret");
  std::filesystem::create_symlink("instances/i-1", root / "var/lib/cloud/instance");
  put("var/lib/cloud/scripts/per-boot/tune.sh", "#!/bin/sh\n");
  put("var/lib/dhcp/dhclient.eth0.leases", "lease");
  put("var/lib/NetworkManager/secret_key", "key");
  put("var/lib/systemd/random-seed", "seed");
  put("var/log/cloud-init.log", "log");
  put("var/log/journal/5d1c/system.journal", "journal");
  put("var/log/nginx/access.log", "log");
  put("var/log/nginx/access.log.1", "log");
  put("var/log/wtmp", "login");
  put("var/cache/apt/archives/hello.deb", "package");
  put("root/.bash_history", "history");
  put("root/.profile", "profile");
  put("home/azureuser/notes", "notes");
  put("home/admin/.bash_history", "history");
  put("home/admin/notes", "notes");
}

class Generalize : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the agent runs as root";
    image_.emplace(TempDir::create().value());
    make_used_root(image_->path());
    prepare(image_->path());
    process_.emplace(std::vector<std::string>{"--mount-mode"}, [this] { return enter_image(); });
    auto connected = connect_agent(process_->take_socket(), std::chrono::seconds(10), {});
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
    ASSERT_OK(stage_deprovision_script(*agent_, {}));
  }

  virtual void prepare(const std::filesystem::path& /*root*/) {}

  [[nodiscard]] bool enter_image() const {
    const auto root = image_->path().string();
    const auto bind = [&root](const char* path, unsigned long flags = 0) {
      return ::mount(path, (root + path).c_str(), nullptr, MS_BIND | flags, nullptr) == 0;
    };
    bool entered = ::unshare(CLONE_NEWNS) == 0 &&
                   ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   ::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                   bind("/usr", MS_REC) && bind("/proc", MS_REC) && bind("/dev", MS_REC);
    if (const auto own = root + "/own-sbin"; std::filesystem::exists(own)) {
      entered = entered &&
                ::mount(own.c_str(), (root + "/usr/sbin").c_str(), nullptr, MS_BIND, nullptr) == 0;
    }
    return entered && ::chroot(root.c_str()) == 0 && ::chdir("/") == 0;
  }

  Result<GeneralizeReport> generalize(const std::vector<std::string>& skip = {},
                                      const std::vector<std::string>& also = {}) {
    const StepContext context{*agent_, sink_, "generalize", "generalize", {}, std::nullopt, {}};
    KILN_TRY_ASSIGN(auto report, run_deprovision(context));
    KILN_TRY(run_generalize_operations(context, report, skip, also));
    return report;
  }
  std::vector<std::string> residues(const ResidueContext& context = {}) {
    const auto tree = host_file_tree(image_->path().string());
    const auto found = find_residues(*tree, context);
    EXPECT_OK(found);
    std::vector<std::string> lines;
    if (!found) return lines;
    for (const auto& residue : *found) lines.push_back(residue.path + " " + residue.operation);
    return lines;
  }
  [[nodiscard]] std::string text(const std::string& path) const {
    const auto contents = read_file(image_->path() / path);
    return contents ? *contents : "absent";
  }
  [[nodiscard]] bool exists(const std::string& path) const {
    return std::filesystem::exists(std::filesystem::symlink_status(image_->path() / path));
  }
  void replace_script(const std::string& contents) {
    ASSERT_OK(agent_->put(contents, std::string(kDeprovisionScriptPath), 0644, {}));
  }

  std::optional<TempDir> image_;
  std::optional<test::RealAgent> process_;
  std::unique_ptr<GuestAgent> agent_;
  test::RecordingSink sink_;
};

TEST_F(Generalize, LeavesNothingThatTheCheckFinds) {
  EXPECT_THAT(residues(),
              ::testing::IsSupersetOf({"/etc/machine-id machine-id",
                                       "/etc/ssh/ssh_host_ed25519_key ssh-host-keys",
                                       "/var/lib/waagent/ovf-env.xml waagent",
                                       "/var/lib/cloud/instance cloud-init",
                                       "/var/lib/dhcp/dhclient.eth0.leases dhcp-leases",
                                       "/var/lib/NetworkManager/secret_key network-manager",
                                       "/etc/udev/rules.d/70-persistent-net.rules persistent-net",
                                       "/var/lib/systemd/random-seed random-seed",
                                       "/etc/resolv.conf resolv-conf",
                                       "/etc/shadow root-password",
                                       "/etc/shadow- account-backups",
                                       "/root/.bash_history histories",
                                       "/home/admin/.bash_history histories",
                                       "/var/log/wtmp logs",
                                       "/tmp/DeprovisioningScript.sh build-files",
                                       "/etc/passwd provisioned-user"}));
  const auto report = generalize();
  ASSERT_OK(report);
  EXPECT_THAT(report->build_users, ElementsAre("azureuser"));
  EXPECT_THAT(residues({report->build_users, {}}), IsEmpty());
  EXPECT_THAT(sink_.messages(EventType::kNotice), Contains(HasSubstr("no waagent")));
}

TEST_F(Generalize, KeepsWhatIsTheImages) {
  ASSERT_OK(generalize());
  EXPECT_EQ(text("etc/machine-id"), "");
  EXPECT_TRUE(exists("var/lib/dbus/machine-id"));
  EXPECT_EQ(text("etc/hostname"), "localhost.localdomain\n");
  EXPECT_EQ(text("etc/ssh/sshd_config"), "UsePAM yes\n");
  EXPECT_EQ(text("var/lib/cloud/scripts/per-boot/tune.sh"), "#!/bin/sh\n");
  EXPECT_EQ(text("root/.profile"), "profile");
  EXPECT_EQ(text("home/admin/notes"), "notes");
  EXPECT_EQ(text("var/log/nginx/access.log"), "");
  EXPECT_FALSE(exists("var/log/nginx/access.log.1"));
  EXPECT_TRUE(exists("var/log/journal"));
  EXPECT_EQ(text("var/cache/apt/archives/hello.deb"), "package");
  EXPECT_THAT(text("etc/shadow"), HasSubstr("root:*:"));
  EXPECT_THAT(text("etc/shadow"), HasSubstr("admin:$y$keep:"));
}

TEST_F(Generalize, RemovesTheProvisionedUserAltogether) {
  ASSERT_OK(generalize());
  for (const auto* file : {"etc/passwd", "etc/group", "etc/shadow", "etc/sudoers.d/waagent"}) {
    EXPECT_THAT(text(file), Not(HasSubstr("azureuser"))) << file;
    EXPECT_THAT(text(file), HasSubstr("admin")) << file;
  }
  EXPECT_FALSE(exists("home/azureuser"));
  EXPECT_TRUE(exists("home/admin"));
}

TEST_F(Generalize, LeavesOutWhatIsSwitchedOffAndNothingElse) {
  const std::vector<std::string> skip = {"machine-id", "histories", "provisioned-user"};
  const auto report = generalize(skip);
  ASSERT_OK(report);
  const auto tree = host_file_tree(image_->path().string());
  const auto found = find_residues(*tree, {report->build_users, {}});
  ASSERT_OK(found);
  std::vector<std::string> operations;
  for (const auto& residue : *found) operations.push_back(residue.operation);
  EXPECT_THAT(
      operations,
      ::testing::UnorderedElementsAre("machine-id", "histories", "histories", "provisioned-user"));
  EXPECT_OK(judge_residues(*found, skip, sink_));
  EXPECT_THAT(judge_residues(*found, {}, sink_), FailsWith("Generalize:Residue"));
}

TEST_F(Generalize, DoesMoreWhereAsked) {
  ASSERT_OK(generalize({}, {"package-caches", "temporary-files"}));
  EXPECT_FALSE(exists("var/cache/apt/archives/hello.deb"));
  EXPECT_TRUE(std::filesystem::is_empty(image_->path() / "tmp"));
}

TEST_F(Generalize, RefusesAnUnknownOperationBeforeItTouchesAnything) {
  EXPECT_THAT(generalize({"machineid"}), FailsWith("Generalize:UnknownOperation"));
  EXPECT_THAT(generalize({}, {"package-cache"}), FailsWith("Generalize:UnknownOperation"));
  EXPECT_TRUE(exists("etc/ssh/ssh_host_ed25519_key"));
}

TEST_F(Generalize, RunsTheScriptThatAStepPutInPlace) {
  replace_script("echo 'mine: '$0\nls /etc/ssh/ssh_host_ed25519_key > /root/seen\n");
  ASSERT_OK(generalize());
  const auto lines = sink_.messages(EventType::kStepOutput);
  ASSERT_GE(lines.size(), 3U);
  EXPECT_EQ(lines[0], "echo 'mine: '$0");
  EXPECT_EQ(lines[2], "mine: /tmp/DeprovisioningScript.sh");
  EXPECT_EQ(text("root/seen"), "/etc/ssh/ssh_host_ed25519_key\n") << "it must run first";
  EXPECT_FALSE(exists("etc/ssh/ssh_host_ed25519_key"));
}

TEST_F(Generalize, FailsWhereTheReplacedScriptFails) {
  replace_script("echo reason >&2\nexit 7\n");
  const auto failed = generalize();
  ASSERT_THAT(failed, FailsWith("Generalize:ExitCode"));
  EXPECT_THAT(failed.error().message(), HasSubstr("exit code 7"));
  EXPECT_THAT(failed.error().quoted(), Contains("reason"));
}

TEST_F(Generalize, GoesOnWithAWarningWhereAStepRemovedTheScript) {
  ASSERT_OK(agent_->remove(std::string(kDeprovisionScriptPath), {}));
  ASSERT_OK(generalize());
  EXPECT_THAT(sink_.messages(EventType::kWarning), ElementsAre(HasSubstr("a step removed")));
  EXPECT_THAT(residues(), IsEmpty());
}

/// With a stand-in for the agent in /usr/sbin, which notes how it is called.
class GeneralizeByWaagent : public Generalize {
 protected:
  void prepare(const std::filesystem::path& root) override {
    std::filesystem::create_directory(root / "own-sbin");
    ASSERT_OK(write_file_atomic(
        root / "own-sbin/waagent", "#!/bin/sh\necho \"$0 $*\" >> /called\n", 0755));
  }
};

TEST_F(GeneralizeByWaagent, AsksNotForAVersionThatMakesNoDifference) {
  ASSERT_OK(generalize({"provisioned-user", "root-password"}));
  EXPECT_EQ(text("called"), "/usr/sbin/waagent -force -deprovision+user\n");
}

TEST_F(GeneralizeByWaagent, LetsAnEditedScriptChoose) {
  const auto other = image_->path() / "own-bin";
  std::filesystem::create_directory(other);
  std::filesystem::copy_file(image_->path() / "own-sbin/waagent", other / "waagent");
  replace_script("PATH=/own-bin:$PATH\n" + default_deprovision_script());
  ASSERT_OK(generalize({"provisioned-user", "root-password"}));
  EXPECT_EQ(text("called"),
            "/own-bin/waagent -version\n/own-bin/waagent -force -deprovision+user\n");
}

TEST_F(Generalize, IsAtHomeInABareRoot) {
  // Nothing of what the operations look for is there any more.
  ASSERT_OK(generalize());
  ASSERT_OK(stage_deprovision_script(*agent_, {}));
  ASSERT_OK(agent_->remove("/etc/[hmr]*", {}));
  ASSERT_OK(agent_->remove("/var/*", {}));
  ASSERT_OK(agent_->remove("/etc/shadow", {}));
  EXPECT_OK(generalize());
}

}  // namespace
}  // namespace kiln
