#include "disk/media/treeinfo.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

TEST(TreeInfo, KnowsSectionsValuesAndComments) {
  const auto tree = parse_treeinfo(
      "[general]\n; WARNING.0 = old\n# note\nFamily = Fedora\r\nversion=39\nversion=40\n"
      "noise\n[images-x86_64]\nkernel =  images/pxeboot/vmlinuz  \n[broken\nkey = value\n");
  EXPECT_EQ(treeinfo_value(tree, "general/family"), "Fedora");
  EXPECT_EQ(treeinfo_value(tree, "general/version"), "39");
  EXPECT_EQ(treeinfo_value(tree, "images-x86_64/kernel"), "images/pxeboot/vmlinuz");
  EXPECT_EQ(treeinfo_value(tree, "general/noise"), "");
  EXPECT_EQ(treeinfo_value(tree, "broken/key"), "value");
  EXPECT_EQ(tree.size(), 4U);
}

}  // namespace
}  // namespace kiln
