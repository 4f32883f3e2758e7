// The include table of ARCHITECTURE.md, enforced on every source file, and the checker itself.
#include <filesystem>
#include <map>
#include <set>

#include "engine/core/file.h"
#include "tests/architecture/include_rules.h"
#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kRoots[] = {"engine", "disk", "customizers", "uploaders"};

/// Every source file of the program, by its path from the repository's root.
std::map<std::string, std::string> sources() {
  static const std::set<std::string> kExtensions = {".h", ".cpp", ".c", ".cc", ".hpp", ".inc"};
  std::map<std::string, std::string> found;
  const fs::path root(KILN_SOURCE_DIR);
  for (const auto folder : kRoots) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (!entry.is_regular_file() || !kExtensions.contains(entry.path().extension())) continue;
      auto text = read_file(entry.path());
      EXPECT_OK(text);
      if (text) found[entry.path().lexically_relative(root).string()] = *std::move(text);
    }
  }
  return found;
}

TEST(Layering, IncludesGoOnlyDownward) {
  const auto files = sources();
  ASSERT_GT(files.size(), 50U);
  for (const auto& [path, text] : files) EXPECT_THAT(check_includes(path, text), IsEmpty());
}

TEST(Layering, EveryRuleGuardsSomething) {
  std::set<std::string_view> guarded;
  for (const auto& [path, text] : sources()) {
    if (const auto* rule = rule_for(path)) guarded.insert(rule->folder);
  }
  for (const auto& rule : folder_rules()) {
    EXPECT_TRUE(guarded.contains(rule.folder)) << rule.folder << " has a rule and no source";
    EXPECT_FALSE(rule.reason.empty());
    for (const auto target : rule.may_include) {
      EXPECT_EQ(rule_for(target)->folder, target) << "in the rule of " << rule.folder;
    }
  }
}

TEST(Layering, NoFolderMayIncludeOneAboveIt) {
  std::set<std::string_view> below;
  for (const auto& rule : folder_rules()) {
    for (const auto target : rule.may_include) {
      EXPECT_TRUE(below.contains(target)) << rule.folder << " would go up to " << target;
    }
    below.insert(rule.folder);
  }
}

TEST(IncludeChecker, RefusesAPlantedViolation) {
  EXPECT_THAT(check_includes("engine/core/x.cpp", "#include \"engine/template/parse.h\"\n"),
              ElementsAre(HasSubstr("engine/core may not: everything stands on it")));
  EXPECT_THAT(
      check_includes("disk/image/x.h", "int a;\n  #  include \"uploaders/distributor.h\"\n"),
      ElementsAre(HasSubstr("disk/image may not")));
  EXPECT_THAT(check_includes("customizers/shell/x.cpp", "#include \"engine/plan/plan.h\""),
              ElementsAre(HasSubstr("customizers may not")));
  EXPECT_THAT(check_includes("engine/run/x.cpp", "#include \"engine/cli/app.h\"\r\n"),
              ElementsAre(HasSubstr("engine/run may not")));
}

TEST(IncludeChecker, AcceptsWhatTheTableAllows) {
  EXPECT_THAT(
      check_includes("engine/template/parse.cpp",
                     "#include <string>\n#include <nlohmann/json.hpp>\n"
                     "#include \"engine/core/json.h\"\n#include \"engine/template/parse.h\"\n"
                     "// #include \"engine/cli/app.h\"\n"),
      IsEmpty());
}

TEST(IncludeChecker, RefusesAnUnknownFolder) {
  EXPECT_THAT(check_includes("engine/new/x.cpp", ""),
              ElementsAre(HasSubstr("no folder with a rule")));
  EXPECT_THAT(check_includes("engine/x.cpp", ""), ElementsAre(HasSubstr("no folder with a rule")));
  EXPECT_THAT(check_includes("engine/corex/x.cpp", ""),
              ElementsAre(HasSubstr("no folder with a rule")));
  EXPECT_THAT(check_includes("engine/core/x.cpp", "#include \"text.h\""),
              ElementsAre(HasSubstr("start at the repository's root")));
  EXPECT_THAT(check_includes("engine/core/x.cpp", "#include \"tests/support/matchers.h\""),
              ElementsAre(HasSubstr("no folder with a rule")));
}

TEST(IncludeChecker, RefusesOwnHeadersInAngleBrackets) {
  EXPECT_THAT(check_includes("engine/run/x.cpp", "#include <engine/core/text.h>"),
              ElementsAre(HasSubstr("quoted")));
}

TEST(IncludeChecker, ConfinesThirdPartyHeaders) {
  for (const auto& header : confined_headers()) {
    const auto text = "#include <" + std::string(header.prefix) +
                      (header.prefix.back() == '/' ? "x.h" : "") + ">\n";
    EXPECT_THAT(check_includes(std::string(header.folder) + "/x.cpp", text), IsEmpty());
    EXPECT_THAT(check_includes("engine/core/x.cpp", text), ElementsAre(HasSubstr("which only")));
  }
  EXPECT_THAT(check_includes("uploaders/auth/x.cpp", "#include <curl/curl.h>"),
              ElementsAre(HasSubstr("uploaders/transport")));
}

TEST(IncludeChecker, OnlyTheRegistryKnowsAPlugin) {
  const std::string iso = "#include \"disk/sources/iso/iso.h\"\n";
  EXPECT_THAT(check_includes("disk/sources/registry.cpp", iso), IsEmpty());
  EXPECT_THAT(check_includes("disk/sources/iso/iso.cpp", iso), IsEmpty());
  EXPECT_THAT(check_includes("disk/sources/catalog.cpp", iso),
              ElementsAre(HasSubstr("only the registry")));
  EXPECT_THAT(check_includes("disk/sources/managed_image/managed_image.cpp", iso),
              ElementsAre(HasSubstr("only the registry")));
  EXPECT_THAT(check_includes("engine/plan/plan.cpp", iso),
              ElementsAre(HasSubstr("only the registry")));
  EXPECT_THAT(check_includes("engine/plan/plan.cpp", "#include \"disk/sources/source.h\""),
              IsEmpty());
  EXPECT_THAT(check_includes("customizers/file/x.cpp", "#include \"customizers/shell/shell.h\""),
              ElementsAre(HasSubstr("only the registry")));
  EXPECT_THAT(
      check_includes("engine/run/x.cpp", "#include \"customizers/generalize/generalize.h\""),
      IsEmpty());
}

}  // namespace
}  // namespace kiln::test
