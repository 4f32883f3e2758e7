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
        Refusal{"NoType", R"({"inline": ["a"]})", "Template:MissingField", "1:1", ""},
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
                "Template:UnknownField",
                "/inlin",
                "inline"},
        Refusal{"ShellValidExitCodes",
                R"({"type": "Shell", "inline": ["a"], "validExitCodes": [0, 3]})",
                "Template:UnknownField",
                "/validExitCodes",
                "in the script"},
        Refusal{"ShellEnv",
                R"({"type": "Shell", "inline": ["a"], "env": {}})",
                "Template:UnknownField",
                "/env",
                "in the script"},
        Refusal{"ShellOldScript",
                R"({"type": "Shell", "script": "a"})",
                "Template:FormerName",
                "/script",
                "scriptUri"},
        Refusal{"FileWithoutSource",
                R"({"type": "File", "destination": "/tmp/a"})",
                "Template:MissingField",
                "1:1",
                ""},
        Refusal{"FileWithoutDestination",
                R"({"type": "File", "sourceUri": "a"})",
                "Template:MissingField",
                "1:1",
                ""},
        Refusal{"FileRelative",
                R"({"type": "File", "sourceUri": "a", "destination": "tmp/a"})",
                "File:RelativeDestination",
                "/destination",
                "whole path"},
        Refusal{"FileWindowsFolder",
                R"({"type": "File", "sourceUri": "a", "destination": "c:\\temp\\"})",
                "File:FolderDestination",
                "/destination",
                "file's name"},
        Refusal{"PowerShellWithBoth",
                R"({"type": "PowerShell", "inline": ["a"], "scriptUri": "b"})",
                "PowerShell:OneScript",
                "1:1",
                "exactly one"},
        Refusal{"PowerShellSystemWithoutElevation",
                R"({"type": "PowerShell", "inline": ["a"], "runAsSystem": true})",
                "PowerShell:NotElevated",
                "/runAsSystem",
                "runElevated"},
        Refusal{"PowerShellExitCodeIsNoNumber",
                R"({"type": "PowerShell", "inline": ["a"], "validExitCodes": [0, "x"]})",
                "Template:BadExitCode",
                "/validExitCodes/1",
                "number"},
        Refusal{"PowerShellTextExitCode",
                R"({"type": "PowerShell", "inline": ["a"], "validExitCodes": ["3010"]})",
                "Template:ExitCodeAsText",
                "/validExitCodes/0",
                "quotation"},
        Refusal{"RestartTimeout",
                R"({"type": "WindowsRestart", "restartTimeout": "5 minutes"})",
                "WindowsRestart:BadTimeout",
                "/restartTimeout",
                "5m"},
        Refusal{"KilnRestartTimeout",
                R"({"type": "KilnRestart", "restartTimeout": "0s"})",
                "KilnRestart:BadTimeout",
                "/restartTimeout",
                "5m"},
        Refusal{"UpdateLimit",
                R"({"type": "WindowsUpdate", "updateLimit": -1})",
                "Json:OutOfRange",
                "/updateLimit",
                "from 0"},
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
                "Template:WrongCase",
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

TEST(KilnRestartParse, NeedsTheBootedSystem) {
  const auto plain = parse(R"({"type": "KilnRestart", "name": "after the kernel"})");
  ASSERT_OK(plain);
  EXPECT_EQ((*plain)->describe(), "restarts the system, within 15 min 00 s");
  EXPECT_EQ((*plain)->name(), "after the kernel");
  EXPECT_EQ((*plain)->system(), StepSystem::kLinux);
  EXPECT_NE((*plain)->needs_boot(), "");
  const auto full = parse(R"({"type": "KilnRestart", "restartTimeout": "90s",
                              "restartCheckCommand": "systemctl is-active db"})");
  ASSERT_OK(full);
  EXPECT_EQ((*full)->describe(),
            "restarts the system, within 1 min 30 s, then systemctl is-active db");
  EXPECT_EQ((*parse(R"({"type": "Shell", "inline": ["a"]})"))->needs_boot(), "");
}

TEST(WindowsParse, StepsAreReadInFull) {
  for (const auto& [text, described] : std::vector<std::pair<std::string, std::string>>{
           {R"({"type": "PowerShell", "scriptUri": "https://h/a.ps1", "runElevated": true,
               "runAsSystem": true, "validExitCodes": [0, 3010]})",
            "script https://h/a.ps1, as SYSTEM, exit codes 0 3010"},
           {R"({"type": "PowerShell", "inline": ["a"], "runElevated": true})",
            "1 inline line, elevated"},
           {R"({"type": "WindowsRestart", "restartTimeout": "1h30m",
               "restartCheckCommand": "echo up"})",
            "shutdown /r /f /t 0 /c \"packer restart\", within 1 h 30 min, then echo up"},
           {R"({"type": "WindowsUpdate", "filters": ["include:$true"], "updateLimit": 20})",
            "search BrowseOnly=0 and IsInstalled=0, 1 filter, at most 20 a round"},
           {R"({"type": "File", "sourceUri": "a", "destination": "c:\\temp\\a"})",
            "a -> c:\\temp\\a"}}) {
    const auto step = parse(text);
    ASSERT_OK(step);
    EXPECT_EQ((*step)->describe(), described);
    EXPECT_EQ((*step)->system(), StepSystem::kWindows);
  }
}

/// The findings of a customizer under an api-version.
Diagnostics findings(const std::string& text, ApiVersion version, bool validator = false) {
  Diagnostics found;
  const auto body = JsonReader::parse(text, "t.json");
  EXPECT_OK(body);
  const ContractContext context{version, found};
  const auto parsed =
      validator ? parse_validator(*body, context) : parse_customizer(*body, context);
  EXPECT_EQ(parsed.item == nullptr, found.has_errors());
  return found;
}

TEST(Versions, EarlierOnesOverlookWhatLaterOnesRefuse) {
  for (const std::string text : {
           R"({"type": "Shell", "Inline": ["a"]})",
           R"({"type": "Shell", "inline": ["a"], "shell": "bash"})",
           R"({"type": "PowerShell", "inline": ["a"], "validExitCodes": ["3010"]})",
           R"({"type": "Shell", "script": "a"})",
       }) {
    SCOPED_TRACE(text);
    EXPECT_EQ(findings(text, ApiVersion::k2023).count(Severity::kWarning), 1U);
    EXPECT_FALSE(findings(text, ApiVersion::k2023).has_errors());
    EXPECT_TRUE(findings(text, ApiVersion::k2024).has_errors());
  }
}

TEST(Versions, TheFirstHasNamesOfItsOwn) {
  const std::string text = R"({"type": "shell", "script": "a.sh"})";
  EXPECT_TRUE(findings(text, ApiVersion::k2018Preview).all().empty());
  EXPECT_TRUE(findings(text, ApiVersion::k2019Preview).has_errors());
}

TEST(Versions, ATypeOfALaterOneIsReadWithAWarning) {
  const auto found =
      findings(R"({"type": "WindowsUpdate", "updateLimit": 1})", ApiVersion::k2019MayPreview);
  ASSERT_EQ(found.all().size(), 1U);
  EXPECT_EQ(found.all()[0].code, "Template:NotInVersion");
  EXPECT_EQ(found.all()[0].severity, Severity::kWarning);
}

TEST(Validators, TakeFewerTypesThanSteps) {
  EXPECT_FALSE(
      findings(R"({"type": "Shell", "inline": ["a"]})", kNewestVersion, true).has_errors());
  const auto found = findings(R"({"type": "WindowsRestart"})", kNewestVersion, true);
  ASSERT_TRUE(found.has_errors());
  EXPECT_EQ(found.all()[0].provisioning_error, "BadValidatorType");
  const auto empty = findings(R"({"type": "Shell"})", kNewestVersion, true);
  EXPECT_EQ(empty.all()[0].provisioning_error, "NoValidatorScript");
  EXPECT_EQ(findings(R"({"type": "Shell"})", kNewestVersion).all()[0].provisioning_error,
            "NoCustomizerScript");
}

TEST(Findings, SeveralErrorsOfOneItemAreToldAtOnce) {
  const auto found =
      findings(R"({"type": "File", "sourceUri": 1, "Destination": "/a", "sha256Checksum": true})",
               kNewestVersion);
  EXPECT_EQ(found.count(Severity::kError), 3U);
  EXPECT_EQ(found.all()[0].value, "1");
}

TEST(Registry, NamesEachTypeOnceWithHelp) {
  std::vector<std::string_view> types;
  for (const auto& entry : customizer_registry()) {
    types.push_back(entry.type->name);
    EXPECT_FALSE(entry.type->help.empty()) << entry.type->name;
  }
  std::sort(types.begin(), types.end());
  EXPECT_EQ(std::adjacent_find(types.begin(), types.end()), types.end());
  EXPECT_EQ(types.size(), 6U);
}

}  // namespace
}  // namespace kiln
