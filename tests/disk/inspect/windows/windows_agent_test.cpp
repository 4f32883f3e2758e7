#include "disk/servicing/windows_agent.h"

#include "disk/inspect/windows/registry_text.h"
#include "disk/servicing/windows_answers.h"
#include "disk/servicing/windows_residues.h"
#include "tests/disk/inspect/windows/windows_disks.h"

namespace kiln::test {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

TEST_F(WindowsDisks, PlacesTheAgentAndTakesItOutWithoutATrace) {
  const std::string program("MZ\0\xff stands in for the agent", 28);
  const std::string key = "\\ControlSet002\\Services\\KilnAgent";
  const auto value = [&](std::string_view name, int type, std::string_view data) {
    return fmt::format("{} : {} : {} : {}", key, name, type, hex(data));
  };
  const auto command = registry_text(R"(C:\Windows\Kiln\kiln-agent.exe --service --port COM2)");
  for (const std::string disk : {"server-2016", "server-2025", "11"}) {
    SCOPED_TRACE(disk);
    const auto facts = facts_of(disk);
    const auto before = registry(facts.device);
    ASSERT_OK(before);
    ASSERT_FALSE(before->files.empty());
    // Twice, as after a build that was killed.
    ASSERT_OK(place_windows_agent(*session_, facts, "an older one"));
    ASSERT_OK(place_windows_agent(*session_, facts, program));
    const auto placed = registry(facts.device);
    ASSERT_OK(placed);
    EXPECT_EQ(placed->files, before->files);
    std::vector<std::string> added;
    std::set_difference(placed->system.begin(),
                        placed->system.end(),
                        before->system.begin(),
                        before->system.end(),
                        std::back_inserter(added));
    EXPECT_EQ(placed->system.size(), before->system.size() + added.size());
    EXPECT_THAT(
        added,
        ::testing::UnorderedElementsAre(key,
                                        value("Type", 4, std::string_view("\x10\0\0\0", 4)),
                                        value("Start", 4, std::string_view("\2\0\0\0", 4)),
                                        value("ErrorControl", 4, std::string_view("\1\0\0\0", 4)),
                                        value("ImagePath", 2, command),
                                        value("ObjectName", 1, registry_text("LocalSystem")),
                                        value("DisplayName", 1, registry_text("Kiln agent")),
                                        ::testing::StartsWith(key + " : Description : 1 : ")));
    ASSERT_OK(session_->mount({facts.device, "/", "ntfs"}, true));
    EXPECT_EQ(session_->files().read("/Windows/Kiln/kiln-agent.exe").value(), program);
    ASSERT_OK(session_->unmount_all());
    ASSERT_OK(remove_windows_agent(*session_, facts));
    const auto after = registry(facts.device);
    ASSERT_OK(after);
    EXPECT_EQ(after->system, before->system);
    EXPECT_EQ(after->files, before->files);
    EXPECT_EQ(after->windows, before->windows);
  }
}

TEST_F(WindowsDisks, FindsWhatAGeneralizedImageMustNotHold) {
  auto facts = facts_of("server-2019");
  ASSERT_OK(place_windows_agent(*session_, facts, "MZ"));
  EXPECT_THAT(find_windows_residues(*session_, facts).value(),
              ElementsAre("the image is not generalized: its state is IMAGE_STATE_COMPLETE",
                          "the service KilnAgent of ControlSet002 is there",
                          "/Windows/Kiln is there"));
  ASSERT_OK(remove_windows_agent(*session_, facts));
  facts.image_state = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE";
  EXPECT_THAT(find_windows_residues(*session_, facts).value(), IsEmpty());
}

/// Plants what a build leaves where it is cut short, and what looks alike but is not Kiln's.
TEST_F(WindowsDisks, FindsTheBuildsAccountAndScripts) {
  auto facts = facts_of("10");
  facts.image_state = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE";
  const std::string uuid = "01234567-89ab-cdef-0123-456789abcdef";
  const auto plant = [&]() -> Result<void> {
    auto& hives = *session_->hives();
    KILN_TRY(session_->mount({facts.device, "/", "ntfs"}, false));
    for (const char* folder : {"/Windows/Temp",
                               "/Users/kiln-build",
                               "/Users/Kiln-Build.DESK-10",
                               "/Users/kiln-builder"}) {
      KILN_TRY(session_->make_folder(folder, 0755));
    }
    for (const auto& file : {"/deprovisioningscript.ps1"s,
                             "/Windows/Temp/script-" + uuid + ".ps1",
                             "/Windows/Temp/kiln-" + uuid + ".cmd",
                             "/Windows/Temp/kiln-notes.txt"s}) {
      KILN_TRY(session_->write("x", file, 0644));
    }
    {
      KILN_TRY_ASSIGN(const auto sam,
                      hives.open("/Windows/System32/config/SAM", Hives::Access::kWrite));
      KILN_TRY(sam->add_key(R"(SAM\Domains\Account\Users\Names\kiln-build)"));
      KILN_TRY(sam->commit());
    }
    KILN_TRY_ASSIGN(const auto software,
                    hives.open("/Windows/System32/config/SOFTWARE", Hives::Access::kWrite));
    const std::string profile =
        R"(Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-1001)";
    KILN_TRY(software->add_key(profile));
    KILN_TRY(software->set_value(
        profile,
        "ProfileImagePath",
        {registry_type::kExpandString, registry_text(R"(C:\Users\kiln-build)")}));
    KILN_TRY(software->commit());
    return session_->unmount_all();
  };
  ASSERT_OK(plant());
  EXPECT_THAT(find_windows_residues(*session_, facts).value(),
              ElementsAre("/deprovisioningscript.ps1 is there",
                          "/Windows/Temp/kiln-" + uuid + ".cmd is there",
                          "/Windows/Temp/script-" + uuid + ".ps1 is there",
                          "/Users/Kiln-Build.DESK-10 is there",
                          "/Users/kiln-build is there",
                          "the account kiln-build is there",
                          "the profile S-1-5-21-1-2-3-1001 is there"));
  ASSERT_OK(remove_windows_scripts(*session_, facts));
  EXPECT_THAT(find_windows_residues(*session_, facts).value(),
              ElementsAre("/Users/Kiln-Build.DESK-10 is there",
                          "/Users/kiln-build is there",
                          "the account kiln-build is there",
                          "the profile S-1-5-21-1-2-3-1001 is there"));
  ASSERT_OK(session_->mount({facts.device, "/", "ntfs"}, true));
  EXPECT_THAT(session_->files().list("/Windows/Temp").value(), ElementsAre("kiln-notes.txt"));
  ASSERT_OK(session_->unmount_all());
}

TEST_F(WindowsDisks, AnswersForAGeneralizedWindowsAndTakesThatBack) {
  auto facts = facts_of("server-2022");
  EXPECT_FALSE(needs_answers(facts));
  facts.image_state = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE";
  EXPECT_TRUE(needs_answers(facts));
  const auto answers = [&]() -> Result<std::string> {
    KILN_TRY(session_->mount({facts.device, "/", "ntfs"}, true));
    auto text = session_->files().read("/Windows/Panther/unattend.xml");
    KILN_TRY(session_->unmount_all());
    return text;
  };
  ASSERT_OK(place_windows_answers(*session_, facts));
  const auto first = answers();
  ASSERT_OK(first);
  EXPECT_THAT(*first, HasSubstr("<SkipMachineOOBE>true</SkipMachineOOBE>"));
  EXPECT_THAT(*first, HasSubstr(R"(processorArchitecture="amd64")"));
  ASSERT_OK(remove_windows_answers(*session_, facts));
  EXPECT_FALSE(answers().has_value());
  ASSERT_OK(remove_windows_answers(*session_, facts));  // a second time is no error
  ASSERT_OK(place_windows_answers(*session_, facts));
  EXPECT_NE(answers().value(), *first) << "the same password twice";
  ASSERT_OK(remove_windows_answers(*session_, facts));
}

TEST_F(WindowsDisks, LeavesTheImagesOwnAnswersInForce) {
  auto facts = facts_of("server-2025");
  ASSERT_OK(session_->mount({facts.device, "/", "ntfs"}, false));
  ASSERT_OK(session_->make_folder("/Windows/PANTHER", 0755));
  ASSERT_OK(session_->write("<unattend/>", "/Windows/PANTHER/Unattend.xml", 0644));
  ASSERT_OK(session_->unmount_all());
  ASSERT_OK(place_windows_answers(*session_, facts));
  ASSERT_OK(remove_windows_answers(*session_, facts));
  ASSERT_OK(session_->mount({facts.device, "/", "ntfs"}, false));
  EXPECT_EQ(session_->files().read("/Windows/PANTHER/Unattend.xml").value(), "<unattend/>");
  EXPECT_THAT(session_->files().list("/Windows/PANTHER").value(), ElementsAre("Unattend.xml"));
  ASSERT_OK(session_->remove_all("/Windows/PANTHER"));
  ASSERT_OK(session_->unmount_all());
}

/// Windows may start with another control set than the one that it was given the agent in.
TEST_F(WindowsDisks, LoseTheServiceFromEveryControlSet) {
  auto facts = facts_of("10");
  ASSERT_OK(place_windows_agent(*session_, facts, "MZ"));
  facts.control_set = "ControlSet001";
  ASSERT_OK(remove_windows_agent(*session_, facts));
  const auto left = registry(facts.device);
  ASSERT_OK(left);
  EXPECT_THAT(left->system, ::testing::Not(::testing::Contains(HasSubstr("KilnAgent"))));
}

TEST_F(WindowsDisks, TouchesNoFolderThatIsNotItsOwn) {
  const auto facts = facts_of("11");
  ASSERT_OK(session_->mount({facts.device, "/", "ntfs"}, false));
  ASSERT_OK(session_->make_folder("/Windows/kiln", 0755));
  ASSERT_OK(session_->write("theirs", "/Windows/kiln/kept.txt", 0644));
  ASSERT_OK(session_->unmount_all());
  EXPECT_THAT(place_windows_agent(*session_, facts, "MZ"), FailsWith("Windows:ForeignFolder"));
  ASSERT_OK(session_->mount({facts.device, "/", "ntfs"}, false));
  EXPECT_EQ(session_->files().read("/Windows/kiln/kept.txt").value(), "theirs");
  ASSERT_OK(session_->remove_all("/Windows/kiln"));
  ASSERT_OK(session_->unmount_all());
}

TEST_F(WindowsDisks, WritesNothingToWhatIsRefused) {
  const auto facts = facts_of("unclean");
  EXPECT_FALSE(place_windows_agent(*session_, facts, "MZ").has_value());
  EXPECT_FALSE(remove_windows_agent(*session_, facts).has_value());
  ASSERT_OK(session_->mount({facts.device, "/", "ntfs"}, true));
  EXPECT_EQ(session_->files().kind("/Windows/Kiln").value(), FileTree::Kind::kAbsent);
  ASSERT_OK(session_->unmount_all());
}

/// What programs on the host say of what was placed, which have no code in common with what placed
/// it. Ends the appliance, so it comes last.
TEST_F(WindowsDisks, HoldTheAgentAsOtherProgramsReadIt) {
  const auto facts = facts_of("server-2022");
  ASSERT_OK(place_windows_agent(*session_, facts, "MZ"));
  ASSERT_OK(session_->mount({facts.device, "/", "ntfs"}, true));
  const auto hive = session_->files().read(kSystem);
  ASSERT_OK(hive);
  ASSERT_OK(write_file_atomic(folder_->path() / "SYSTEM", *hive));
  ASSERT_OK(session_->finish());
  session_.reset();
  const auto tell = [](std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    const auto told = run_checked(*make_process_runner(), command, {});
    EXPECT_OK(told);
    return told ? told->out : std::string();
  };
  const auto registry = tell({"regfexport", folder_->path() / "SYSTEM"});
  const auto service = registry.find(R"(ROOT\ControlSet002\Services\KilnAgent)");
  ASSERT_NE(service, std::string::npos);
  EXPECT_THAT(
      registry.substr(service, registry.find("Key path:", service) - service),
      ::testing::AllOf(HasSubstr(R"(Data: C:\Windows\Kiln\kiln-agent.exe --service --port COM2)"),
                       HasSubstr("REG_EXPAND_SZ"),
                       HasSubstr("Data: LocalSystem")));

  const auto volume = copy_of_volume("server-2022", facts.device);
  ASSERT_OK(volume);
  for (const std::string path : {"/Windows/Kiln", "/Windows/Kiln/kiln-agent.exe"}) {
    SCOPED_TRACE(path);
    const auto told = tell({"ntfssecaudit", "-vv", volume->string(), path});
    EXPECT_THAT(told, HasSubstr("DACL cannot be modified by inheritable ACEs"));
    std::vector<std::string> allowed;
    for (const auto& line : split_lines(told)) {
      if (trim(line).starts_with("dec S-")) allowed.emplace_back(trim(line));
    }
    EXPECT_THAT(allowed, ElementsAre("dec S-1-5-18", "dec S-1-5-32-544"));
    EXPECT_EQ(told.find("Object inherits ACE") != std::string::npos, path == "/Windows/Kiln");
  }
}

}  // namespace
}  // namespace kiln::test
