#include <algorithm>
#include <fstream>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <thread>

#include "engine/core/file.h"
#include "tests/engine/agent/real_agent.h"

namespace kiln {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// The agent chrooted in a folder that stands for an image's root, as libguestfs would start it:
/// this machine's programs are bound into it, everything else is the folder's own.
class MountMode : public test::AgentTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the agent runs as root";
    image_.emplace(TempDir::create().value());
    for (const auto* name : {"etc",
                             "run",
                             "tmp",
                             "root",
                             "proc",
                             "sys",
                             "dev",
                             "usr/bin",
                             "usr/lib",
                             "usr/lib64",
                             "usr/sbin",
                             "usr/local/bin",
                             "mnt"}) {
      std::filesystem::create_directories(image(name));
    }
    for (const auto* name : {"bin", "lib", "lib64", "sbin"}) {
      std::filesystem::create_directory_symlink(std::string("usr/") + name, image(name));
    }
    std::ofstream(image("etc/passwd")) << "root:x:0:0:root:/root:/bin/sh\n";
  }

  [[nodiscard]] std::filesystem::path image(const std::string& name) const {
    return image_->path() / name;
  }

  [[nodiscard]] bool enter_image() const {
    const auto root = image_->path().string();
    const auto bind = [&root](const char* path, unsigned long flags = 0) {
      return ::mount(path, (root + path).c_str(), nullptr, MS_BIND | flags, nullptr) == 0;
    };
    bool entered = ::unshare(CLONE_NEWNS) == 0 &&
                   ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   ::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                   bind("/usr/bin") && bind("/usr/lib") && bind("/proc", MS_REC) &&
                   bind("/sys", MS_REC) && bind("/dev", MS_REC);
    if (std::filesystem::exists("/usr/lib64")) entered = entered && bind("/usr/lib64");
    // Hides a sudo that this machine may have.
    if (std::filesystem::exists("/usr/bin/sudo")) {
      entered =
          entered &&
          ::mount("/dev/null", (root + "/usr/bin/sudo").c_str(), nullptr, MS_BIND, nullptr) == 0;
    }
    return entered && ::chroot(root.c_str()) == 0 && ::chdir("/") == 0;
  }

  void start_in_image(std::vector<std::string> options = {}) {
    options.emplace_back("--mount-mode");
    agent_.reset();
    process_ = std::make_unique<test::RealAgent>(options, [this] { return enter_image(); });
    auto connected = connect_agent(process_->take_socket(), std::chrono::seconds(10), {});
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
  }
  std::string output_of(const std::string& script) {
    const auto result = shell(script);
    if (!result) return result.error().describe();
    EXPECT_EQ(result->err, "") << script;
    return result->out;
  }
  void quit() {
    ASSERT_OK(agent_->quit({}));
    EXPECT_EQ(process_->wait_for_end(), 0);
  }
  /// Every path of the image with its size, to see traces.
  [[nodiscard]] std::vector<std::string> listing() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(image_->path())) {
      const auto size = entry.is_regular_file() ? entry.file_size() : 0;
      found.push_back(entry.path().string() + " " + std::to_string(size));
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  std::optional<TempDir> image_;
};

TEST_F(MountMode, LeavesNoTraceInTheImage) {
  const auto before = listing();
  ASSERT_NO_FATAL_FAILURE(start_in_image({"--network", "10.0.2.3"}));
  EXPECT_EQ(output_of("echo x > /run/file; mount -t tmpfs none /mnt; echo y > /mnt/file; id -un"),
            "root\n");
  EXPECT_EQ(output_of("sudo id -un"), "root\n");
  quit();
  EXPECT_EQ(listing(), before);
}

TEST_F(MountMode, HasTheImagesHostName) {
  const auto before = read_file("/proc/sys/kernel/hostname");
  std::filesystem::create_directories(image("etc"));
  std::ofstream(image("etc/hostname")) << "kiln-guest\n";
  ASSERT_NO_FATAL_FAILURE(start_in_image());
  EXPECT_EQ(output_of("uname -n"), "kiln-guest\n");
  quit();
  EXPECT_EQ(read_file("/proc/sys/kernel/hostname").value(), before.value());  // this machine's own
}

TEST_F(MountMode, GivesStepsAFreshRun) {
  std::ofstream(image("run/stale")) << "from the image";
  ASSERT_NO_FATAL_FAILURE(start_in_image());
  EXPECT_THAT(output_of("ls /run; stat -f -c %T /run"),
              AllOf(Not(HasSubstr("stale")), EndsWith("tmpfs\n")));
  EXPECT_EQ(output_of("stat -f -c %T /dev/shm; echo < /dev/fd/0"), "tmpfs\n\n");
}

TEST_F(MountMode, KeepsWhatStepsMountUntilTheEnd) {
  ASSERT_NO_FATAL_FAILURE(start_in_image());
  EXPECT_EQ(output_of("mount -t tmpfs none /mnt && echo kept > /mnt/file"), "");
  EXPECT_EQ(output_of("cat /mnt/file"), "kept\n");
  quit();
  EXPECT_TRUE(std::filesystem::is_empty(image("mnt")));
}

TEST_F(MountMode, LooksLikeASystemThatIsNotRunning) {
  ASSERT_NO_FATAL_FAILURE(start_in_image());
  // How systemctl and deb-systemd-invoke recognise it.
  EXPECT_EQ(output_of("test /proc/1/root -ef / && echo running || echo not running"),
            "not running\n");
  EXPECT_EQ(output_of("ischroot && echo chroot"), "chroot\n");
}

TEST_F(MountMode, ForbidsServicesWhileAStepRuns) {
  ASSERT_NO_FATAL_FAILURE(start_in_image());
  const auto result = shell("/usr/sbin/policy-rc.d ssh start");
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.code, 101) << result->err;
  EXPECT_FALSE(std::filesystem::exists(image("usr/sbin/policy-rc.d")));
  // A step may do as it likes with it.
  EXPECT_EQ(output_of("rm /usr/sbin/policy-rc.d"), "");
  EXPECT_EQ(output_of("echo mine > /usr/sbin/policy-rc.d"), "");
  EXPECT_EQ(output_of("cat /usr/sbin/policy-rc.d"), "mine\n");
}

TEST_F(MountMode, RemovesThePolicyThatAKilledAgentLeft) {
  ASSERT_NO_FATAL_FAILURE(start_in_image());
  std::thread killer([this] {
    while (!std::filesystem::exists(image("usr/sbin/policy-rc.d"))) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ::kill(process_->pid(), SIGKILL);
  });
  EXPECT_THAT(shell("sleep 60"), test::FailsWith("Agent:Lost"));
  killer.join();
  EXPECT_TRUE(std::filesystem::exists(image("usr/sbin/policy-rc.d")));
  ASSERT_NO_FATAL_FAILURE(start_in_image());
  quit();
  EXPECT_FALSE(std::filesystem::exists(image("usr/sbin/policy-rc.d")));
}

TEST_F(MountMode, SetsTheNameServerWhereverResolvConfLeads) {
  struct Case {
    const char* name;
    std::function<void()> prepare;
  };
  const auto resolv_conf = image("etc/resolv.conf");
  const Case cases[] = {
      {"absent", [] {}},
      {"a file", [&] { std::ofstream(resolv_conf) << "nameserver 192.0.2.1\n"; }},
      {"a link into /run",
       [&] {
         std::filesystem::create_symlink("../run/systemd/resolve/stub-resolv.conf", resolv_conf);
       }},
      {"an absolute link into /run",
       [&] { std::filesystem::create_symlink("/run/resolvconf/resolv.conf", resolv_conf); }},
      {"a link to a file",
       [&] {
         std::ofstream(image("etc/real.conf")) << "nameserver 192.0.2.1\n";
         std::filesystem::create_symlink("real.conf", resolv_conf);
       }},
      {"a link to nothing", [&] { std::filesystem::create_symlink("/tmp/none", resolv_conf); }},
  };
  for (const auto& c : cases) {
    std::filesystem::remove(resolv_conf);
    c.prepare();
    const auto before = listing();
    ASSERT_NO_FATAL_FAILURE(start_in_image({"--network", "10.0.2.3"})) << c.name;
    EXPECT_EQ(output_of("cat /etc/resolv.conf"), "nameserver 10.0.2.3\n") << c.name;
    quit();
    EXPECT_EQ(listing(), before) << c.name;
  }
}

TEST_F(MountMode, LeavesResolvConfAloneWithoutNetwork) {
  std::ofstream(image("etc/resolv.conf")) << "nameserver 192.0.2.1\n";
  ASSERT_NO_FATAL_FAILURE(start_in_image());
  EXPECT_EQ(output_of("cat /etc/resolv.conf"), "nameserver 192.0.2.1\n");
}

TEST_F(MountMode, RunsInTheBackground) {
  process_ = std::make_unique<test::RealAgent>(std::vector<std::string>{"--mount-mode", "--daemon"},
                                               [this] { return enter_image(); });
  EXPECT_EQ(process_->wait_for_end(), 0) << "whoever starts it must get control back";
  auto connected = connect_agent(process_->take_socket(), std::chrono::seconds(10), {});
  ASSERT_OK(connected);
  agent_ = *std::move(connected);
  EXPECT_EQ(output_of("echo works"), "works\n");
  // It holds nothing of whoever started it, and runs from memory.
  const auto pid = output_of("readlink /proc/1/exe");
  EXPECT_THAT(pid, HasSubstr("memfd:kiln-agent"));
  ASSERT_OK(agent_->quit({}));
}

}  // namespace
}  // namespace kiln
