#include <filesystem>
#include <fstream>

#include "disk/inspect/file_tree.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HostFileTree : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_OK(made);
    folder_ = std::make_unique<TempDir>(*std::move(made));
    root_ = folder_->path() / "root";
    std::filesystem::create_directories(root_ / "etc/ssh");
    write(root_ / "etc/hostname", "guest\n");
    write(root_ / "etc/ssh/ssh_host_rsa_key", "secret");
    write(root_ / "etc/ssh/.hidden_key", "secret");
    write(folder_->path() / "outside", "host\n");
    tree_ = host_file_tree(root_.string());
  }
  static void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  std::unique_ptr<TempDir> folder_;
  std::filesystem::path root_;
  std::unique_ptr<FileTree> tree_;
};

TEST_F(HostFileTree, TellsKinds) {
  std::filesystem::create_symlink("hostname", root_ / "etc/link");
  EXPECT_EQ(tree_->kind("/etc/hostname").value(), FileTree::Kind::kFile);
  EXPECT_EQ(tree_->kind("/etc").value(), FileTree::Kind::kDirectory);
  EXPECT_EQ(tree_->kind("/etc/link").value(), FileTree::Kind::kSymlink);
  EXPECT_EQ(tree_->kind("/nothing/at/all").value(), FileTree::Kind::kAbsent);
}

TEST_F(HostFileTree, FollowsLinksInsideOfTheRootOnly) {
  std::filesystem::create_symlink("/etc/hostname", root_ / "absolute");
  std::filesystem::create_symlink("../outside", root_ / "escape");
  EXPECT_EQ(tree_->read("/absolute").value(), "guest\n");
  EXPECT_FALSE(tree_->read("/escape").has_value());
  EXPECT_FALSE(tree_->read("/../outside").has_value());
}

TEST_F(HostFileTree, ListsAndGlobs) {
  EXPECT_THAT(tree_->list("/etc").value(), ElementsAre("hostname", "ssh"));
  EXPECT_THAT(tree_->list("/absent").value(), IsEmpty());
  EXPECT_THAT(tree_->glob("/etc/ssh/*key*").value(), ElementsAre("/etc/ssh/ssh_host_rsa_key"));
  EXPECT_THAT(tree_->glob("/*/host*").value(), ElementsAre("/etc/hostname"));
  EXPECT_THAT(tree_->glob("/var/*").value(), IsEmpty());
  EXPECT_THAT(tree_->glob_each({"/var/*", "/*/host*"}).value(),
              ElementsAre(IsEmpty(), ElementsAre("/etc/hostname")));
}

TEST_F(HostFileTree, RefusesLargeFiles) {
  write(root_ / "large", "");
  std::filesystem::resize_file(root_ / "large", 4 * 1024 * 1024 + 1);
  EXPECT_EQ(tree_->file_size("/large").value(), 4U * 1024 * 1024 + 1);
  EXPECT_FALSE(tree_->read("/large").has_value());
}

}  // namespace
}  // namespace kiln
