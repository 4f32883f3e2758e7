#include <fstream>
#include <sys/mount.h>
#include <thread>

#include "tests/engine/agent/real_agent.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AgentFiles : public test::AgentTest {
 protected:
  static std::string contents_of(const std::string& path) {
    return read_file(path).value_or(std::string("(unreadable)"));
  }
  void make(const std::string& name) const {
    const std::filesystem::path path = in_folder(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << name;
  }
  [[nodiscard]] bool exists(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(in_folder(name)));
  }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_->path()), {}));
  }
};

/// A small file system of its own.
class SmallMount {
 public:
  explicit SmallMount(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  SmallMount(const SmallMount&) = delete;
  SmallMount& operator=(const SmallMount&) = delete;
  ~SmallMount() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST_F(AgentFiles, SetsModeAndOwnerAndReplaces) {
  make("file");
  ASSERT_EQ(::chown(in_folder("file").c_str(), 1000, 1000), 0);
  ASSERT_OK(agent_->put("new", in_folder("file"), 04751, {}));
  struct stat info {};
  ASSERT_EQ(::stat(in_folder("file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 04751U);
  EXPECT_EQ(info.st_uid, 0U);
  EXPECT_EQ(info.st_gid, 0U);
  EXPECT_EQ(contents_of(in_folder("file")), "new");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(AgentFiles, ReplacesALinkAndNotWhatItPointsTo) {
  make("target");
  std::filesystem::create_symlink("target", in_folder("link"));
  ASSERT_OK(agent_->put("new", in_folder("link"), 0644, {}));
  EXPECT_EQ(contents_of(in_folder("target")), "target");
  EXPECT_EQ(contents_of(in_folder("link")), "new");
}

TEST_F(AgentFiles, PutsAHostFile) {
  make("here");
  ASSERT_OK(agent_->put_file(in_folder("here"), in_folder("there"), 0600, {}));
  EXPECT_EQ(contents_of(in_folder("there")), "here");
  EXPECT_THAT(agent_->put_file(in_folder("none"), in_folder("x"), 0600, {}),
              test::FailsWith("File:Open"));
  EXPECT_THAT(agent_->put_file(folder_->path(), in_folder("x"), 0600, {}),
              test::FailsWith("Agent:NotAFile"));
  EXPECT_FALSE(exists("x"));
}

TEST_F(AgentFiles, FailsAPutToAFullDiskAndLeavesNothing) {
  const SmallMount small(in_folder("small"));
  ASSERT_TRUE(small.mounted());
  const std::string large(20'000'000, 'x');
  const auto put = agent_->put(large, in_folder("small/file"), 0644, {});
  EXPECT_THAT(put, test::FailsWith("Agent:NoSpace"));
  EXPECT_THAT(put.error().message(), HasSubstr("No space left on device"));
  EXPECT_TRUE(std::filesystem::is_empty(in_folder("small")));
  // The rest of the data was on its way: the session must have survived that.
  EXPECT_OK(agent_->put("fits", in_folder("small/file"), 0644, {}));
  EXPECT_EQ(contents_of(in_folder("small/file")), "fits");
}

TEST_F(AgentFiles, GetsNoMoreThanAllowedAndOnlyRegularFiles) {
  make("file");
  EXPECT_THAT(agent_->get(in_folder("file"), 3, {}), test::FailsWith("Agent:TooLarge"));
  EXPECT_THAT(agent_->get(in_folder(""), 100, {}), test::FailsWith("Agent:NotAFile"));
  ASSERT_EQ(::mkfifo(in_folder("fifo").c_str(), 0600), 0);
  EXPECT_THAT(agent_->get(in_folder("fifo"), 100, {}), test::FailsWith("Agent:NotAFile"));
  // Claims to be empty and is not.
  EXPECT_THAT(agent_->get("/proc/self/status", 10, {}), test::FailsWith("Agent:TooLarge"));
  const auto status = agent_->get("/proc/self/status", 100'000, {});
  ASSERT_OK(status);
  EXPECT_THAT(*status, HasSubstr("Name:"));
}

TEST_F(AgentFiles, RemovesWhatMatches) {
  for (const auto* name : {"a.log", "b.log", "keep.txt", "deep.log/x/y/z", ".hidden.log"}) {
    make(name);
  }
  const auto removed = agent_->remove(in_folder("*.log"), {});
  ASSERT_OK(removed);
  EXPECT_THAT(*removed, ElementsAre(in_folder("a.log"), in_folder("b.log"), in_folder("deep.log")));
  EXPECT_FALSE(exists("a.log"));
  EXPECT_FALSE(exists("deep.log"));
  EXPECT_TRUE(exists("keep.txt"));
  EXPECT_TRUE(exists(".hidden.log"));
}

TEST_F(AgentFiles, RemovesLinksAndNeverWhatTheyPointTo) {
  make("outside/precious");
  make("inside/file");
  std::filesystem::create_directory_symlink(in_folder("outside"), in_folder("inside/link"));
  std::filesystem::create_directory_symlink(in_folder("outside"), in_folder("link"));
  std::filesystem::create_symlink("/no/such", in_folder("dangling"));
  ASSERT_OK(agent_->remove(in_folder("l*/precious"), {}));
  EXPECT_TRUE(exists("outside/precious"));
  ASSERT_OK(agent_->remove(in_folder("link"), {}));
  ASSERT_OK(agent_->remove(in_folder("inside"), {}));
  const auto removed = agent_->remove(in_folder("dang*"), {});
  ASSERT_OK(removed);
  EXPECT_THAT(*removed, ElementsAre(in_folder("dangling")));
  EXPECT_TRUE(exists("outside/precious"));
  EXPECT_FALSE(exists("link"));
  EXPECT_FALSE(exists("inside"));
}

TEST_F(AgentFiles, DoesNotCrossMountPoints) {
  make("top/file");
  const SmallMount small(in_folder("top/mounted"));
  ASSERT_TRUE(small.mounted());
  make("top/mounted/precious");
  // Under the same file system a bind mount is one too.
  make("source/precious");
  make("top/bound/covered");
  ASSERT_EQ(
      ::mount(
          in_folder("source").c_str(), in_folder("top/bound").c_str(), nullptr, MS_BIND, nullptr),
      0);
  const auto removed = agent_->remove(in_folder("top"), {});
  const bool bound_kept = exists("source/precious");
  ::umount2(in_folder("top/bound").c_str(), MNT_DETACH);
  ASSERT_OK(removed);
  EXPECT_THAT(*removed, IsEmpty());
  EXPECT_TRUE(bound_kept);
  EXPECT_TRUE(exists("top/mounted/precious"));
  EXPECT_FALSE(exists("top/file"));
}

TEST_F(AgentFiles, RefusesToRemoveTheRoot) {
  for (const auto* pattern : {"/", "//", "/tmp/.", "/tmp/.."}) {
    EXPECT_THAT(agent_->remove(pattern, {}), test::FailsWith("Agent:Denied")) << pattern;
  }
  EXPECT_THAT(agent_->remove("relative", {}), test::FailsWith("Agent:RelativePath"));
}

TEST_F(AgentFiles, QuitsAndSaysSo) {
  ASSERT_OK(shell("true"));
  ASSERT_OK(agent_->quit({}));
  EXPECT_FALSE(std::filesystem::exists(process_->tools_folder()));
  EXPECT_EQ(process_->wait_for_end(), 0);
  EXPECT_THAT(agent_->get("/etc/passwd", 100, {}), test::FailsWith("Agent:Lost"));
  // Once lost, always lost.
  EXPECT_THAT(agent_->put("x", in_folder("x"), 0644, {}), test::FailsWith("Agent:Lost"));
}

}  // namespace
}  // namespace kiln
