// Parsing of customizers: what is accepted, and what each refusal says and where.
#include <algorithm>

#include "customizers/customizer.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

Result<std::unique_ptr<Customizer>> parse(const std::string& text) {
  auto body = JsonReader::parse(text, "template.json");
  if (!body) return std::move(body).error();
  return parse_customizer(*body);
}

Error error_of(const std::string& text) {
  auto parsed = parse(text);
  if (parsed) return {ErrorKind::kInternal, "accepted", "accepted " + text};
  return std::move(parsed).error();
}

TEST(ShellParse, TakesInlineLines) {
  const auto step = parse(R"({"type": "Shell", "name": "motd", "inline": ["a", "b", "c"]})");
  ASSERT_OK(step);
  EXPECT_EQ((*step)->type(), "Shell");
  EXPECT_EQ((*step)->name(), "motd");
  EXPECT_EQ((*step)->describe(), "3 inline lines");
  EXPECT_TRUE((*step)->inputs().empty());
}

TEST(ShellParse, TakesAScriptWithItsChecksumInEitherCase) {
  const std::string digest(64, 'A');
  const auto step = parse(R"({"type": "Shell", "scriptUri": "https://host/a.sh?sig=secret",
                              "sha256Checksum": ")" +
                          digest + R"("})");
  ASSERT_OK(step);
  const auto inputs = (*step)->inputs();
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_EQ(inputs[0].uri, "https://host/a.sh?sig=secret");
  EXPECT_EQ(inputs[0].sha256, std::string(64, 'a'));
  EXPECT_THAT(inputs[0].where, HasSubstr("/scriptUri"));
  EXPECT_THAT((*step)->describe(), ::testing::Not(HasSubstr("secret")));
}

TEST(ShellParse, AnEmptyChecksumMeansUnchecked) {
  const auto step = parse(R"({"type": "Shell", "scriptUri": "a.sh", "sha256Checksum": ""})");
  ASSERT_OK(step);
  EXPECT_EQ((*step)->inputs()[0].sha256, "");
}

struct Refusal {
  const char* name;
  const char* text;
  const char* code;
  const char* where;
  const char* cure;
};

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
  return out << refusal.name;
}

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, SaysWhatWhereAndTheCure) {
  const auto& refusal = GetParam();
  const auto error = error_of(refusal.text);
  EXPECT_EQ(error.code(), refusal.code) << error.describe();
  EXPECT_THAT(error.where(), HasSubstr(refusal.where));
  EXPECT_THAT(error.cure(), HasSubstr(refusal.cure));
}

INSTANTIATE_TEST_SUITE_P(
    Customizers,
    Refused,
    ::testing::Values(
        Refusal{"WrongCase",
                R"({"type": "shell", "inline": ["a"]})",
                "Template:UnknownType",
                "/type",
                "Shell"},
        Refusal{"UnknownType", R"({"type": "Ansible"})", "Template:UnknownType", "/type", "Shell"},
        Refusal{"NoType", R"({"inline": ["a"]})", "Json:MissingField", "1:1", ""},
        Refusal{"PowerShell",
                R"({"type": "PowerShell", "inline": ["a"]})",
                "Template:NotYetSupported",
                "/type",
                "remove the step"},
        Refusal{"WindowsRestart",
                R"({"type": "WindowsRestart"})",
                "Template:NotYetSupported",
                "/type",
                "remove the step"},
        Refusal{"WindowsUpdate",
                R"({"type": "WindowsUpdate"})",
                "Template:NotYetSupported",
                "/type",
                "remove the step"},
        Refusal{"ShellWithBoth",
                R"({"type": "Shell", "inline": ["a"], "scriptUri": "b"})",
                "Shell:OneScript",
                "1:1",
                "exactly one"},
        Refusal{"ShellWithNeither",
                R"({"type": "Shell", "name": "x"})",
                "Shell:OneScript",
                "1:1",
                "exactly one"},
        Refusal{"ShellWithoutLines",
                R"({"type": "Shell", "inline": []})",
                "Shell:NoLines",
                "/inline",
                "at least one"},
        Refusal{"ShellLineIsNoString",
                R"({"type": "Shell", "inline": ["a", 1]})",
                "Json:WrongType",
                "/inline/1",
                ""},
        Refusal{"ShellEmptyUri",
                R"({"type": "Shell", "scriptUri": ""})",
                "Template:EmptyUri",
                "/scriptUri",
                "URI"},
        Refusal{"ShellBadChecksum",
                R"({"type": "Shell", "scriptUri": "a", "sha256Checksum": "12ab"})",
                "Template:BadChecksum",
                "/sha256Checksum",
                "sha256sum"},
        Refusal{"ShellChecksumOfInline",
                R"({"type": "Shell", "inline": ["a"], "sha256Checksum": "12"})",
                "Shell:ChecksumOfInline",
                "/sha256Checksum",
                "scriptUri"},
        Refusal{"ShellUnknownField",
                R"({"type": "Shell", "inlin": ["a"]})",
                "Json:UnknownField",
                "/inlin",
                "inline"},
        Refusal{"ShellValidExitCodes",
                R"({"type": "Shell", "inline": ["a"], "validExitCodes": [0, 3]})",
                "Shell:ForeignField",
                "/validExitCodes",
                "in the script"},
        Refusal{"ShellEnv",
                R"({"type": "Shell", "inline": ["a"], "env": {}})",
                "Shell:ForeignField",
                "/env",
                "in the script"},
        Refusal{"ShellOldScript",
                R"({"type": "Shell", "script": "a"})",
                "Shell:ForeignField",
                "/script",
                "scriptUri"},
        Refusal{"FileWithoutSource",
                R"({"type": "File", "destination": "/tmp/a"})",
                "Json:MissingField",
                "1:1",
                ""},
        Refusal{"FileWithoutDestination",
                R"({"type": "File", "sourceUri": "a"})",
                "Json:MissingField",
                "1:1",
                ""},
        Refusal{"FileRelative",
                R"({"type": "File", "sourceUri": "a", "destination": "tmp/a"})",
                "File:RelativeDestination",
                "/destination",
                "slash"},
        Refusal{"FileWindowsPath",
                R"({"type": "File", "sourceUri": "a", "destination": "c:\\temp\\a"})",
                "File:RelativeDestination",
                "/destination",
                "slash"},
        Refusal{"FileFolder",
                R"({"type": "File", "sourceUri": "a", "destination": "/tmp/"})",
                "File:FolderDestination",
                "/destination",
                "file's name"},
        Refusal{"FileDots",
                R"({"type": "File", "sourceUri": "a", "destination": "/tmp/../etc/a"})",
                "File:BadDestination",
                "/destination",
                ".."},
        Refusal{"FileUnknownField",
                R"({"type": "File", "sourceURI": "a", "destination": "/tmp/a"})",
                "Json:UnknownField",
                "/sourceURI",
                "sourceUri"}),
    [](const auto& test) { return test.param.name; });

TEST(FileParse, DescribesSourceAndDestination) {
  const auto step =
      parse(R"({"type": "File", "sourceUri": "file:/a/index.html", "destination": "/tmp/i.html"})");
  ASSERT_OK(step);
  EXPECT_EQ((*step)->type(), "File");
  EXPECT_EQ((*step)->describe(), "file:/a/index.html -> /tmp/i.html");
  ASSERT_EQ((*step)->inputs().size(), 1U);
  EXPECT_THAT((*step)->inputs()[0].where, HasSubstr("/sourceUri"));
}

TEST(Registry, NamesEachTypeOnceWithHelp) {
  std::vector<std::string_view> types;
  for (const auto& entry : customizer_registry()) {
    types.push_back(entry.type);
    EXPECT_FALSE(entry.help.empty()) << entry.type;
  }
  std::sort(types.begin(), types.end());
  EXPECT_EQ(std::adjacent_find(types.begin(), types.end()), types.end());
  EXPECT_EQ(types.size(), 5U);
}

}  // namespace
}  // namespace kiln
