#include "engine/template/parse.h"

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A whole template around some more members of `properties`.
std::string with_properties(const std::string& members) {
  return R"({"properties": {"source": {"type": "KilnLocalImage", "path": "a.vhd"},)" + members +
         R"("distribute": [{"type": "VHD", "runOutputName": "image"}]}})";
}

/// What was accepted although it means nothing offline.
std::vector<std::string> notices(const Result<ImageTemplate>& parsed) {
  return parsed ? parsed->found.lines(Severity::kNotice) : std::vector<std::string>{"an error"};
}

Result<ImageTemplate> load_sample(const std::string& name) {
  const auto path = std::string(KILN_SOURCE_DIR "/fixtures/templates/valid/") + name + ".json";
  KILN_TRY_ASSIGN(const auto text, read_template_file(path));
  return parse_template(text, path);
}

TEST(Template, ReadsEverythingOfAFullOne) {
  const auto parsed = load_sample("debian-web");
  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->name, "debian-web");
  EXPECT_EQ(parsed->api_version, "2024-02-01");
  EXPECT_EQ(parsed->location, "westeurope");
  EXPECT_EQ(parsed->tags.at("team"), "platform");
  EXPECT_EQ(parsed->source->type, "PlatformImage");
  EXPECT_EQ(*parsed->source->body.string("offer"), "debian-12");
  ASSERT_THAT(parsed->customize, SizeIs(3));
  EXPECT_EQ(parsed->customize[1].type, "File");
  EXPECT_THAT(parsed->customize[2].body.where(), HasSubstr("/properties/customize/2"));
  EXPECT_THAT(parsed->distribute, SizeIs(2));
  EXPECT_EQ(parsed->build_timeout, std::chrono::minutes(80));
}

TEST(Template, EachCloudFieldGivesOneNoticeWithItsPlace) {
  const auto parsed = load_sample("debian-web");
  ASSERT_OK(parsed);
  for (const std::string field : {"identity",
                                  "vmSize",
                                  "vnetConfig",
                                  "stagingResourceGroup",
                                  "autoRun",
                                  "managedResourceTags"}) {
    const auto about_it = testing::StartsWith(field + " has no meaning offline");
    const auto lines = notices(parsed);
    EXPECT_EQ(std::count_if(lines.begin(),
                            lines.end(),
                            [&](const auto& notice) { return testing::Value(notice, about_it); }),
              1)
        << field;
  }
  EXPECT_THAT(notices(parsed), SizeIs(6));
  EXPECT_THAT(notices(parsed), Each(HasSubstr("debian-web.json:")));
}

TEST(Template, ReadsTheShortestOne) {
  const auto parsed = load_sample("shortest");
  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->name, "shortest");
  EXPECT_EQ(parsed->api_version, "");
  EXPECT_THAT(parsed->customize, IsEmpty());
  EXPECT_THAT(notices(parsed), IsEmpty());
  EXPECT_EQ(parsed->build_timeout, std::chrono::minutes(240));
}

TEST(Template, AcceptsWhatAReadFromTheServiceReturns) {
  const auto parsed = load_sample("read-back");
  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->build_timeout, std::chrono::minutes(240));
  EXPECT_THAT(notices(parsed), Contains(HasSubstr("lastRunStatus")));
}

TEST(Template, KnowsTheShortTypeAndOldVersions) {
  EXPECT_OK(load_sample("short-type-2019"));
  const auto old = load_sample("api-2018");
  ASSERT_OK(old);
  // Whether this spelling is a type is the registry's to say.
  EXPECT_EQ(old->customize[0].type, "shell");
}

TEST(Template, PlaceholdersThatDoNotMatterPass) {
  EXPECT_EQ(load_sample("short-type-2019")->location, "<region>");
}

TEST(Template, ADoubledBracketIsALiteralOne) {
  const auto parsed = load_sample("escaped-bracket");
  ASSERT_OK(parsed);
  const auto inline_lines = parsed->customize[0].body.require("inline");
  ASSERT_OK(inline_lines);
  EXPECT_THAT(*inline_lines->as_strings(),
              ElementsAre("[ -e /etc/motd ]", "[ -e /etc/issue ] || exit 1"));
  EXPECT_THAT(inline_lines->where(), HasSubstr("escaped-bracket.json:12:"));
  EXPECT_THAT(notices(parsed), Contains(HasSubstr("in 1 place")));
}

TEST(Template, KnowsEveryApiVersionOfTheContract) {
  for (const std::string version : {"2018-02-01-preview",
                                    "2019-02-01-preview",
                                    "2019-05-01-preview",
                                    "2020-02-14",
                                    "2021-10-01",
                                    "2022-02-14",
                                    "2022-07-01",
                                    "2023-07-01",
                                    "2024-02-01",
                                    "2025-10-01"}) {
    auto text = with_properties("");
    text.insert(1, "\"apiVersion\": \"" + version + "\",");
    EXPECT_OK(parse_template(text, "t.json"));
  }
}

TEST(Template, TakesItsNameFromTheFileWhereItHasNone) {
  const auto name = [](const std::string& document) {
    return parse_template(with_properties(""), document)->name;
  };
  EXPECT_EQ(name("/some/where/web server.v2.json"), "web-server.v2");
  EXPECT_EQ(name("-"), "-");
  EXPECT_EQ(name(""), "image");
  EXPECT_EQ(name(std::string(100, 'x') + ".json"), std::string(64, 'x'));
  EXPECT_EQ(name("é.json"), "--");
}

TEST(Template, TimeLimitsAreMinutes) {
  const auto timeout = [](const std::string& value) {
    return parse_template(with_properties("\"buildTimeoutInMinutes\": " + value + ","), "t");
  };
  EXPECT_EQ(timeout("960")->build_timeout, std::chrono::minutes(960));
  EXPECT_EQ(timeout("0")->build_timeout, std::chrono::minutes(240));
  EXPECT_THAT(notices(timeout("6")), IsEmpty());
  EXPECT_THAT(notices(timeout("5")), ElementsAre(HasSubstr("the service needs 6")));
  EXPECT_THAT(timeout("961"), FailsWith("Json:OutOfRange"));
  EXPECT_THAT(timeout("80.5"), FailsWith("Json:WrongType"));
}

TEST(Template, PartsThatCannotBeBuiltYetAreReadAndKept) {
  const auto parsed = parse_template(
      with_properties(
          R"("errorHandling": {"onCustomizerError": "abort", "onValidationError": "cleanup"},
             "validate": {"sourceValidationOnly": true, "continueDistributeOnFailure": true,
                          "inVMValidations": [{"type": "Shell", "inline": ["true"]}]},
             "vmProfile": {"osDiskSizeGB": 64},
             "additionalDataDisks": [{"sizeGB": 4}],)"),
      "t.json");
  ASSERT_OK(parsed);
  EXPECT_EQ(parsed->on_customizer_error, OnError::kAbort);
  EXPECT_EQ(parsed->on_validation_error, OnError::kCleanup);
  EXPECT_TRUE(parsed->validate.source_only);
  EXPECT_TRUE(parsed->validate.continue_distribute_on_failure);
  EXPECT_THAT(parsed->validate.checks, SizeIs(1));
  EXPECT_THAT(parsed->data_disks, ElementsAre(4));
  ASSERT_TRUE(parsed->disk_size.has_value());
  EXPECT_EQ(parsed->disk_size->gib, 64);
  std::vector<std::string> places;
  for (const auto& blocker : parsed->blockers) {
    EXPECT_EQ(blocker.code(), "Template:NotYetSupported");
    places.push_back(parse_place(blocker.where()).pointer);
  }
  EXPECT_THAT(places, testing::UnorderedElementsAre("/properties/additionalDataDisks"));
}

TEST(Template, OptimizationsGiveNoticesOnly) {
  const auto parsed =
      parse_template(with_properties(R"("optimize": {"vmBoot": {"state": "Enabled"}},)"), "t.json");
  ASSERT_OK(parsed);
  EXPECT_THAT(parsed->blockers, IsEmpty());
  EXPECT_THAT(notices(parsed), ElementsAre(HasSubstr("vmBoot has no meaning offline")));
  EXPECT_THAT(parse_template(with_properties(R"("optimize": {"vmBoot": {"state": "On"}},)"), "t"),
              FailsWith("Template:BadValue"));
}

/// All findings about a whole template of an api-version around some members of `properties`.
std::vector<std::pair<std::string, std::string>> codes(const std::string& version,
                                                       const std::string& members) {
  auto text = with_properties(members);
  if (!version.empty()) text.insert(1, "\"apiVersion\": \"" + version + "\",");
  const auto examined = examine_template(text, "t.json");
  std::vector<std::pair<std::string, std::string>> found;
  if (!examined) return {{examined.error().code(), ""}};
  for (const auto& one : examined->found.all()) {
    found.emplace_back(fmt::format("{} {}", to_string(one.severity), one.code),
                       parse_place(one.where).pointer);
  }
  return found;
}

TEST(Template, UnknownFieldsAreErrorsWhereTheServiceIsStrict) {
  const std::string member = R"("vmProfile": {"vnetconfig": {"subnetID": "/a"}, "tags": {}},)";
  using Finding = std::pair<std::string, std::string>;
  EXPECT_THAT(
      codes("2023-07-01", member),
      ElementsAre(
          Finding("warning Template:WrongCase", "/properties/vmProfile/vnetconfig"),
          Finding("warning Template:WrongCase", "/properties/vmProfile/vnetconfig/subnetID"),
          Finding("notice Template:NoMeaningOffline", "/properties/vmProfile/vnetconfig"),
          Finding("warning Template:UnknownField", "/properties/vmProfile/tags")));
  const auto strict = codes("2024-02-01", member);
  EXPECT_EQ(std::count_if(strict.begin(),
                          strict.end(),
                          [](const auto& one) { return one.first.starts_with("error"); }),
            3);
}

TEST(Template, ManyFindingsAreBounded) {
  std::string members;
  for (int i = 0; i < 1000; ++i) members += fmt::format("\"x{}\": 1,", i);
  EXPECT_THAT(codes("", members), SizeIs(Diagnostics::kMost + 1));
}

TEST(Template, TheEmptyFormOfAnUnsupportedPartAsksForNothing) {
  EXPECT_OK(parse_template(
      with_properties(R"("optimize": {}, "validate": null, "additionalDataDisks": [],)"), "t"));
}

TEST(Template, OnlyAWholeBracketedStringIsAnExpression) {
  const auto line = [](const std::string& text) {
    return parse_template(
        with_properties(R"("customize": [{"type": "Shell", "inline": [")" + text + "\"]}],"), "t");
  };
  EXPECT_OK(line("[concat('a', 'b')]"));
  EXPECT_THAT(line("[parameters('x')]"), FailsWith("Arm:UnknownName"));
  EXPECT_OK(line("[]"));
  EXPECT_OK(line("[ -f x ] && true"));
  EXPECT_OK(line("echo [x]"));
  EXPECT_OK(line("["));
  EXPECT_OK(line("[["));
  EXPECT_OK(line("[[]"));
}

TEST(Template, InlineScriptsMayHoldAngleBrackets) {
  EXPECT_OK(parse_template(
      with_properties(R"("customize": [{"type": "Shell", "inline": ["sort <file> out"]}],)"), "t"));
}

TEST(Template, RefusesAnOversizedDocument) {
  EXPECT_THAT(parse_template(std::string((4U << 20U) + 1, ' '), "t"),
              FailsWith("Template:TooLarge"));
}

TEST(Template, AMissingFileIsTheCommandLinesFault) {
  const auto parsed = read_template_file("/nonexistent/template.json");
  ASSERT_THAT(parsed, FailsWith("File:Open"));
  EXPECT_EQ(parsed.error().kind(), ErrorKind::kInvalidTemplate);
  EXPECT_FALSE(parsed.error().cure().empty());
}

TEST(Parse, SaysWhatALanguageOtherThanJsonIs) {
  for (const auto& [name, word] : std::map<std::string, std::string>{
           {"a/main.bicep", "az bicep build"}, {"b.YAML", "yq"}, {"c.pkr.hcl", "template init"}}) {
    const auto parsed = parse_template("param location string", name);
    ASSERT_THAT(parsed, test::FailsWith("Template:WrongKind")) << name;
    EXPECT_THAT(parsed.error().cure(), testing::HasSubstr(word));
  }
  // By its beginning, where the name says nothing.
  for (const auto& [text, word] : std::map<std::string, std::string>{
           {"// an image\n\nparam location string", "az bicep build"},
           {"resource image 'Microsoft.VirtualMachineImages/imageTemplates@2024-02-01' = {",
            "bicep"},
           {"using 'main.bicep'", "build-params"},
           {"# x\nlocation: westus\n", "yq"},
           {"---\n- a", "yq"},
           {"resource \"azurerm_image\" \"x\" {", "template init"}}) {
    const auto parsed = parse_template(text, "stdin");
    ASSERT_THAT(parsed, test::FailsWith("Template:WrongKind")) << text;
    EXPECT_THAT(parsed.error().cure(), testing::HasSubstr(word));
  }
  EXPECT_THAT(parse_template("hello there", "t.json"), test::FailsWith("Json:Syntax"));
  EXPECT_THAT(parse_template("\n", "t.json"), test::FailsWith("Json:Empty"));
  // What is JSON all the same is read.
  EXPECT_THAT(parse_template("{}", "t.yaml"), test::FailsWith("Template:MissingField"));
}

}  // namespace
}  // namespace kiln
