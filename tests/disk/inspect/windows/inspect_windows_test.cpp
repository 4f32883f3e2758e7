#include "disk/inspect/windows/refuse_windows.h"
#include "tests/disk/inspect/windows/windows_disks.h"

namespace kiln::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(WindowsDisks, AreNamedWithVersionAndEdition) {
  struct Expected {
    const char* disk;
    const char* product;
    const char* version;
    const char* release;
    const char* edition;
    const char* installation;
    const char* computer;
  };
  for (const auto& expected : {
           Expected{"server-2016",
                    "Windows Server 2016 Standard",
                    "10.0.14393.1234",
                    "1607",
                    "ServerStandard",
                    "Server",
                    "WIN-2016"},
           Expected{"server-2019",
                    "Windows Server 2019 Datacenter",
                    "10.0.17763.1234",
                    "1809",
                    "ServerDatacenter",
                    "Server",
                    "WIN-2019"},
           Expected{"server-2022",
                    "Windows Server 2022 Datacenter",
                    "10.0.20348.1234",
                    "21H2",
                    "ServerDatacenter",
                    "Server Core",
                    "WIN-2022"},
           Expected{"server-2025",
                    "Windows Server 2025 Standard",
                    "10.0.26100.1234",
                    "24H2",
                    "ServerStandard",
                    "Server",
                    "WIN-2025"},
           Expected{"10",
                    "Windows 10 Pro",
                    "10.0.19045.1234",
                    "22H2",
                    "Professional",
                    "Client",
                    "DESK-10"},
           // Its ProductName says Windows 10, as that of every Windows 11.
           Expected{"11",
                    "Windows 11 Enterprise",
                    "10.0.22631.1234",
                    "23H2",
                    "Enterprise",
                    "Client",
                    "DESK-11"},
       }) {
    SCOPED_TRACE(expected.disk);
    const auto facts = facts_of(expected.disk);
    EXPECT_EQ(facts.product, expected.product);
    EXPECT_EQ(facts.version, expected.version);
    EXPECT_EQ(facts.release, expected.release);
    EXPECT_EQ(facts.edition, expected.edition);
    EXPECT_EQ(facts.installation, expected.installation);
    EXPECT_EQ(facts.computer_name, expected.computer);
    EXPECT_EQ(facts.architecture, "AMD64");
    // Set 1 is there too and has another name in it.
    EXPECT_EQ(facts.control_set, "ControlSet002");
    EXPECT_EQ(facts.root, "/Windows");
    EXPECT_EQ(facts.image_state, "IMAGE_STATE_COMPLETE");
    EXPECT_THAT(facts.refusals, IsEmpty());
    EXPECT_OK(check_serviceable(facts));
  }
}

TEST_F(WindowsDisks, AreOfTheGenerationThatTheirLoaderIsOf) {
  const auto bios = facts_of("server-2016");
  EXPECT_TRUE(bios.bios);
  EXPECT_FALSE(bios.uefi);
  EXPECT_EQ(bios.device, "/dev/sda2");
  EXPECT_THAT(bios.boot_stores, ElementsAre("/dev/sda1:/Boot/BCD"));
  const auto uefi = facts_of("server-2019");
  EXPECT_FALSE(uefi.bios);
  EXPECT_TRUE(uefi.uefi);
  EXPECT_EQ(uefi.device, "/dev/sdb3");
  EXPECT_THAT(uefi.boot_stores, ElementsAre("/dev/sdb1:/EFI/Microsoft/Boot/BCD"));
}

TEST_F(WindowsDisks, TellPageFilePowerAndPendingRestarts) {
  const auto ten = facts_of("10");
  EXPECT_THAT(ten.page_files, ElementsAre("D:\\pagefile.sys"));
  EXPECT_TRUE(ten.hibernation);
  EXPECT_TRUE(ten.fast_start_up);
  EXPECT_THAT(ten.pending_restart, IsEmpty());
  const auto server = facts_of("server-2022");
  EXPECT_THAT(server.page_files, ElementsAre("?:\\pagefile.sys"));
  EXPECT_FALSE(server.hibernation);
  EXPECT_FALSE(server.fast_start_up);
  EXPECT_THAT(
      server.pending_restart,
      ElementsAre(
          "files are to be renamed", "components are being serviced", "updates were installed"));
}

/// Codes and places; each refusal has a cure.
std::map<std::string, std::string> refusals_of(const WindowsFacts& facts) {
  std::map<std::string, std::string> refused;
  for (const auto& refusal : facts.refusals) {
    refused[refusal.code()] = refusal.where();
    EXPECT_NE(refusal.cure(), "");
  }
  return refused;
}

TEST_F(WindowsDisks, AreRefusedWhereWritingWouldLoseWhatWindowsHolds) {
  const auto facts = facts_of("unclean");
  EXPECT_EQ(facts.product, "Windows Server 2022 Standard");
  const auto refused = refusals_of(facts);
  const std::map<std::string, std::string> expected = {
      {"Windows:DirtyHive", "/dev/sdg2:/Windows/System32/config/SYSTEM"},
      {"Windows:Hibernated", "/dev/sdg2:/hiberfil.sys"},
      {"Windows:DirtyFileSystem", "/dev/sdg2:$Volume"}};
  EXPECT_EQ(refused, expected);
  EXPECT_EQ(facts.refusals.size(), expected.size());
  EXPECT_FALSE(check_serviceable(facts).has_value());
}

TEST_F(WindowsDisks, AreRefusedWhereTheAgentCannotRunOrTheLogIsNotEmpty) {
  const auto facts = facts_of("unfit");
  EXPECT_EQ(facts.version, "6.3.9600.1234");
  const std::map<std::string, std::string> expected = {
      {"Windows:UncleanLog", "/dev/sdi2:$LogFile"},
      {"Windows:NoBootLoader", "/dev/sdi2:/Windows"},
      {"Windows:TooOld", "/dev/sdi2:/Windows"},
      {"Windows:Architecture", "/dev/sdi2:/Windows"}};
  EXPECT_EQ(refusals_of(facts), expected);
  EXPECT_EQ(facts.refusals.size(), expected.size());
}

TEST_F(WindowsDisks, AreRefusedWhereTheRegistryIsDamaged) {
  const auto facts = inspect_windows(*session_, file_systems_of("damaged"));
  ASSERT_THAT(facts, FailsWith("Windows:DamagedHive"));
  EXPECT_EQ(facts.error().where(), "/dev/sdj3:/Windows/System32/config/SOFTWARE");
  EXPECT_NE(facts.error().cure(), "");
}

TEST_F(WindowsDisks, AreRefusedUnderBitLocker) {
  const auto facts = inspect_windows(*session_, file_systems_of("bitlocker"));
  ASSERT_THAT(facts, FailsWith("Windows:BitLocker"));
  EXPECT_EQ(facts.error().where(), "/dev/sdh3");
  EXPECT_NE(facts.error().cure(), "");
}

TEST_F(WindowsDisks, AreRefusedWhereTwoSystemsAreFound) {
  auto both = file_systems_of("server-2016");
  const auto more = file_systems_of("10");
  both.insert(both.end(), more.begin(), more.end());
  EXPECT_THAT(inspect_windows(*session_, both), FailsWith("Windows:SeveralSystems"));
  // The loader alone is no Windows.
  const auto loader = inspect_windows(*session_, {file_systems_of("server-2016").front()});
  ASSERT_OK(loader);
  EXPECT_FALSE(loader->has_value());
}

/// As a build meets them that was not told what its source is.
TEST_F(WindowsDisks, AreNamedWhereABuildCannotMountThem) {
  const auto refuse = [](const std::string& name) {
    const auto found = file_systems_of(name);
    auto plan = plan_mounts(found, {});
    EXPECT_FALSE(plan.has_value());
    return refuse_windows(*session_, found, std::move(plan).error());
  };
  const auto server = refuse("server-2022");
  EXPECT_EQ(server.code(), "Inspect:WindowsRoot");
  EXPECT_EQ(server.where(), "/dev/sdc3");
  EXPECT_EQ(server.message(),
            "the disk holds Windows Server 2022 Datacenter 21H2 (10.0.20348.1234, "
            "ServerDatacenter, generation 2), and the template does not say so");
  EXPECT_THAT(server.quoted(), IsEmpty());
  const auto unfit = refuse("unfit");
  EXPECT_THAT(unfit.message(), ::testing::HasSubstr("no boot loader"));
  EXPECT_EQ(unfit.quoted().size(), 4U);
  EXPECT_EQ(refuse("bitlocker").code(), "Inspect:Encrypted");
}

}  // namespace
}  // namespace kiln::test
