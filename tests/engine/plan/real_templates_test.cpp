// Real templates from public repositories, kept outside of this tree, against a table that was made
// by reading them: each gives a plan, or the error that a reader expects.
#include "tests/support/real_templates.h"

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "engine/plan/plan.h"
#include "engine/template/parse.h"
#include "tests/engine/plan/answers.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

/// What was found in a file, by the way that `kiln validate` goes.
struct Examined {
  Diagnostics found;
  std::optional<CheckedTemplate> checked;
};

Examined examine(const std::string& text, const std::string& name, const fs::path& scratch) {
  Examined examined;
  auto image_template =
      examine_template(text, name, test::answers(text, scratch / "placeholders.json"));
  if (!image_template) {
    examined.found.add(image_template.error());
    return examined;
  }
  examined.checked = examine_items(*std::move(image_template));
  examined.found = examined.checked->image_template.found;
  return examined;
}

bool told(const Diagnostics& found,
          Severity severity,
          std::string_view code,
          std::string_view pointer) {
  for (const auto& one : found.all()) {
    if (one.severity == severity && (code.empty() || one.code == code) &&
        parse_place(one.where).pointer == pointer) {
      return true;
    }
  }
  return false;
}

void expect_plan(Examined examined, const fs::path& catalog) {
  ASSERT_FALSE(examined.found.has_errors()) << examined.found.first_error().describe();
  ASSERT_TRUE(examined.checked.has_value());
  PlanOptions options;
  options.catalog = catalog;
  const auto steps = examined.checked->image_template.customize.size();
  const auto targets = examined.checked->image_template.distribute.size();
  const auto plan = make_plan(*std::move(examined.checked), std::move(options));
  ASSERT_OK(plan);
  EXPECT_EQ(plan->checked.steps.size(), steps);
  EXPECT_EQ(plan->checked.targets.size(), targets);
  const auto text = describe_plan(*plan);
  EXPECT_NE(text.find("Source "), std::string::npos);
  EXPECT_NE(text.find("Target 1"), std::string::npos);
  EXPECT_EQ(plan_to_json(*plan).at("targets").size(), targets);
  for (const auto& blocker : plan->blockers) {
    EXPECT_FALSE(blocker.cure().empty()) << blocker.describe();
    EXPECT_FALSE(blocker.where().empty()) << blocker.describe();
  }
}

TEST(RealTemplates, GiveWhatAReaderExpects) {
  const auto folder = test::shared_folder() / "templates";
  if (!fs::is_directory(folder)) {
    GTEST_SKIP() << "no real templates at " << folder << "; set KILN_SHARED_DIR";
  }
  const auto rows = test::read_table();
  ASSERT_OK(rows);
  const auto scratch = TempDir::create();
  ASSERT_OK(scratch);
  std::size_t planned = 0;
  for (const auto& row : *rows) {
    SCOPED_TRACE(row.file);
    const auto text = read_file(folder / row.file);
    ASSERT_OK(text);
    auto examined = examine(*text, row.file, scratch->path());
    for (const auto& pointer : row.warnings) {
      EXPECT_TRUE(told(examined.found, Severity::kWarning, "", pointer) ||
                  told(examined.found, Severity::kError, "", pointer))
          << pointer;
    }
    if (row.outcome == "plan") {
      planned += examined.found.has_errors() ? 0 : 1;
      expect_plan(std::move(examined), folder / "no-catalog.json");
    } else {
      EXPECT_TRUE(told(examined.found, Severity::kError, row.outcome, row.pointer))
          << row.outcome << " instead of "
          << (examined.found.has_errors() ? examined.found.first_error().describe() : "a plan");
      for (const auto& one : examined.found.all()) {
        if (one.severity == Severity::kError) {
          EXPECT_FALSE(one.suggestion.empty()) << one.message;
        }
      }
    }
  }
  std::printf("%zu of %zu planned\n", planned, rows->size());
  EXPECT_GE(planned * 100, rows->size() * 95);
}

/// Ten files of all kinds; the text of each plan is beside the table. KILN_ACCEPT=1 writes them
/// anew.
TEST(RealTemplates, TenPlansAsText) {
  const auto folder = test::shared_folder() / "templates";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no real templates at " << folder;
  const std::map<std::string, std::string> files = {
      {"linux-2019",
       "Azure+azvmimagebuilder/"
       "deprecated__quickquickstarts__0_Creating_a_Custom_Linux_Managed_Image"
       "__helloImageTemplateLinux.json"},
      {"windows-2019",
       "Azure+azvmimagebuilder/deprecated__quickquickstarts__0_Creating_a_Custom_Windows_Managed_"
       "Image__helloImageTemplateWin.json"},
      {"deployment-windows",
       "Azure+azvmimagebuilder/deprecated__quickquickstarts__0_Creating_a_Custom_Windows_Managed_"
       "Image__helloImageTemplateWin01.json"},
      {"gallery",
       "Azure+azvmimagebuilder/"
       "deprecated__quickquickstarts__1_Creating_a_Custom_Linux_Shared_Image_"
       "Gallery_Image__helloImageTemplateforSIG.json"},
      {"target-regions",
       "Azure+azvmimagebuilder/quickquickstarts__9_Setting_up_a_Trigger_with_a_Custom_Linux_Image__"
       "helloImageTemplate.json"},
      {"validators",
       "Azure+azvmimagebuilder/hist-2022-05-25-2ffe6c3__quickquickstarts__Using_Validators_with_a_"
       "Windows_image__validators_with_a_windows_image.json"},
      {"deployment-misspelt-tags",
       "danielsollondon+azvmimagebuilder/armTemplates__azplatform_image_deploy_sigmdi.json"},
      {"deployment-iso",
       "danielsollondon+azvmimagebuilder/armTemplates__rhel_iso_image_deploy_mdi.json"},
      {"old-network",
       "danielsollondon+azvmimagebuilder/hist-2020-03-11-f7aac8e__quickquickstarts__01a_Creating_a_"
       "Custom_Win_Image_on_Existing_VNET__existingVNETWindows.json"},
      {"relaxed",
       "nelson2000+azvmimagebuilder/quickquickstarts__1a_Creating_a_Custom_Linux_Image_on_Existing_"
       "VNET__existingVNETLinux.json"}};
  const auto scratch = TempDir::create();
  ASSERT_OK(scratch);
  const bool accept = std::getenv("KILN_ACCEPT") != nullptr;
  for (const auto& [name, file] : files) {
    SCOPED_TRACE(file);
    const auto text = read_file(folder / file);
    ASSERT_OK(text);
    auto examined = examine(*text, "t.json", scratch->path());
    ASSERT_FALSE(examined.found.has_errors()) << examined.found.first_error().describe();
    PlanOptions options;
    options.catalog = "no-catalog.json";
    const auto plan = make_plan(*std::move(examined.checked), std::move(options));
    ASSERT_OK(plan);
    const auto path =
        fs::path(KILN_SOURCE_DIR "/tests/engine/template/expected/plans") / (name + ".txt");
    if (accept) {
      ASSERT_OK(write_file_atomic(path, describe_plan(*plan)));
      continue;
    }
    const auto golden = read_file(path);
    ASSERT_OK(golden);
    EXPECT_EQ(describe_plan(*plan), *golden);
  }
  if (accept) GTEST_SKIP() << "the plans were written anew";
}

/// The slowest part of `kiln validate`; in a release build the largest file takes a few
/// milliseconds.
TEST(RealTemplates, TheLargestIsReadQuickly) {
  const auto folder = test::shared_folder() / "templates";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no real templates at " << folder;
  fs::path largest;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    if (largest.empty() || fs::file_size(entry) > fs::file_size(largest)) largest = entry.path();
  }
  const auto text = read_file(largest);
  ASSERT_OK(text);
  const auto scratch = TempDir::create();
  ASSERT_OK(scratch);
  const auto given = test::answers(*text, scratch->path() / "placeholders.json");
  const auto start = std::chrono::steady_clock::now();
  auto image_template = examine_template(*text, "t.json", given);
  if (image_template) {
    const auto checked = examine_items(*std::move(image_template));
    EXPECT_FALSE(checked.image_template.found.all().empty());
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
#ifdef NDEBUG
  EXPECT_LT(elapsed.count(), 50) << largest;
#else
  EXPECT_LT(elapsed.count(), 5000) << largest;  // a debug build, maybe on a busy machine
#endif
  RecordProperty("milliseconds", static_cast<int>(elapsed.count()));
  std::printf("%s: %d ms\n", largest.c_str(), static_cast<int>(elapsed.count()));
}

TEST(RealTemplates, AreAllInTheTable) {
  const auto folder = test::shared_folder() / "templates";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no real templates at " << folder;
  const auto rows = test::read_table();
  ASSERT_OK(rows);
  std::set<std::string> listed;
  for (const auto& row : *rows) listed.insert(row.file);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    EXPECT_TRUE(listed.contains(fs::relative(entry.path(), folder).string())) << entry.path();
  }
}

}  // namespace
}  // namespace kiln
