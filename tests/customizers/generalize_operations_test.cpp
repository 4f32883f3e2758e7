// The table of generalize operations, which help and documentation are made from.
#include <algorithm>
#include <set>

#include "customizers/generalize/generalize.h"
#include "customizers/generalize/linux/deprovision_script.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;

TEST(GeneralizeOperations, AreCompleteRecordsWithUniqueNames) {
  std::set<std::string_view> names;
  for (const auto& operation : generalize_operations()) {
    EXPECT_TRUE(names.insert(operation.name).second) << operation.name;
    EXPECT_FALSE(operation.help.empty()) << operation.name;
    EXPECT_FALSE(operation.residue.empty()) << operation.name;
    EXPECT_NE(operation.perform, nullptr) << operation.name;
    for (const auto pattern : operation.removes) {
      EXPECT_TRUE(pattern.starts_with("/")) << operation.name << " " << pattern;
    }
  }
}

TEST(GeneralizeOperations, LeaveCachesAndTemporaryFilesAloneByDefault) {
  std::set<std::string_view> off;
  for (const auto& operation : generalize_operations()) {
    if (!operation.on_by_default) off.insert(operation.name);
  }
  EXPECT_EQ(off, (std::set<std::string_view>{"package-caches", "temporary-files"}));
}

TEST(GeneralizeOperations, AreNotMisspelt) {
  EXPECT_OK(check_generalize_operation("machine-id"));
  const auto wrong = check_generalize_operation("machine_id");
  ASSERT_THAT(wrong, FailsWith("Generalize:UnknownOperation"));
  EXPECT_THAT(wrong.error().cure(), ::testing::HasSubstr("machine-id"));
}

/// Scripts in the field look for these words.
TEST(DeprovisionScript, KeepsTheServicesCommand) {
  const auto& script = default_deprovision_script();
  EXPECT_NE(script.find("-force -deprovision+user && export HISTSIZE=0 && sync"),
            std::string::npos);
  EXPECT_NE(script.find("WAAGENT=/usr/sbin/waagent\n"), std::string::npos);
}

}  // namespace
}  // namespace kiln
