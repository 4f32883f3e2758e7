// Windows Setup, told by autounattend.xml in the root of a removable disk.
#include "engine/installers/windows/windows.h"

#include <algorithm>

#include "engine/core/text.h"
#include "engine/installers/answer_text.h"

namespace kiln {
namespace {

// The installed system ends in audit mode, powered off: no account with a password is needed, and
// sysprep generalizes it from there.
constexpr std::string_view kAnswers = R"(
<?xml version="1.0" encoding="utf-8"?>
<!-- Kiln's answers to Windows Setup. -->
<unattend xmlns="urn:schemas-microsoft-com:unattend" xmlns:wcm="http://schemas.microsoft.com/WMIConfig/2002/State">
  <settings pass="windowsPE">
    <component name="Microsoft-Windows-International-Core-WinPE" @COMPONENT@>
      <SetupUILanguage>
        <UILanguage>@LANGUAGE@</UILanguage>
      </SetupUILanguage>
      <InputLocale>@LANGUAGE@</InputLocale>
      <SystemLocale>@LANGUAGE@</SystemLocale>
      <UILanguage>@LANGUAGE@</UILanguage>
      <UserLocale>@LANGUAGE@</UserLocale>
    </component>
    <component name="Microsoft-Windows-Setup" @COMPONENT@>
@CHECKS@      <DiskConfiguration>
        <WillShowUI>OnError</WillShowUI>
        <Disk wcm:action="add">
          <DiskID>0</DiskID>
          <WillWipeDisk>true</WillWipeDisk>
@PARTITIONS@        </Disk>
      </DiskConfiguration>
      <ImageInstall>
        <OSImage>
          <InstallFrom>
            <MetaData wcm:action="add">
              <Key>/IMAGE/INDEX</Key>
              <Value>@INDEX@</Value>
            </MetaData>
          </InstallFrom>
          <InstallTo>
            <DiskID>0</DiskID>
            <PartitionID>@TARGET@</PartitionID>
          </InstallTo>
          <WillShowUI>OnError</WillShowUI>
        </OSImage>
      </ImageInstall>
      <UserData>
        <AcceptEula>true</AcceptEula>
        <ProductKey>
          <WillShowUI>OnError</WillShowUI>
        </ProductKey>
      </UserData>
      <EnableFirewall>true</EnableFirewall>
    </component>
  </settings>
  <settings pass="specialize">
    <component name="Microsoft-Windows-Shell-Setup" @COMPONENT@>
      <ComputerName>*</ComputerName>
      <TimeZone>UTC</TimeZone>
    </component>
    <component name="Microsoft-Windows-TerminalServices-LocalSessionManager" @COMPONENT@>
      <fDenyTSConnections>false</fDenyTSConnections>
    </component>
    <component name="Microsoft-Windows-PartitionManager" @COMPONENT@>
      <SanPolicy>1</SanPolicy>
    </component>
    <component name="Microsoft-Windows-Deployment" @COMPONENT@>
      <RunSynchronous>
        <RunSynchronousCommand wcm:action="add">
          <Order>1</Order>
          <Description>The clock runs in UTC</Description>
          <Path>reg add HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation /v RealTimeIsUniversal /t REG_DWORD /d 1 /f</Path>
        </RunSynchronousCommand>
        <RunSynchronousCommand wcm:action="add">
          <Order>2</Order>
          <Description>Serial console of the loader and of the system</Description>
          <Path>cmd /c bcdedit /ems {current} on &amp; bcdedit /emssettings EMSPORT:1 EMSBAUDRATE:115200 &amp; bcdedit /bootems {bootmgr} on</Path>
        </RunSynchronousCommand>
        <RunSynchronousCommand wcm:action="add">
          <Order>3</Order>
          <Description>High performance</Description>
          <Path>powercfg /setactive SCHEME_MIN</Path>
        </RunSynchronousCommand>
      </RunSynchronous>
    </component>
  </settings>
  <settings pass="oobeSystem">
    <component name="Microsoft-Windows-Deployment" @COMPONENT@>
      <Reseal>
        <ForceShutdownNow>true</ForceShutdownNow>
        <Mode>Audit</Mode>
      </Reseal>
    </component>
  </settings>
</unattend>
)";

constexpr std::string_view kComponent =
    R"(processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" )"
    R"(versionScope="nonSxS")";

constexpr std::string_view kBiosPartitions = R"(
          <CreatePartitions>
            <CreatePartition wcm:action="add"><Order>1</Order><Type>Primary</Type><Size>500</Size></CreatePartition>
            <CreatePartition wcm:action="add"><Order>2</Order><Type>Primary</Type><Extend>true</Extend></CreatePartition>
          </CreatePartitions>
          <ModifyPartitions>
            <ModifyPartition wcm:action="add"><Order>1</Order><PartitionID>1</PartitionID><Active>true</Active><Format>NTFS</Format><Label>System Reserved</Label></ModifyPartition>
            <ModifyPartition wcm:action="add"><Order>2</Order><PartitionID>2</PartitionID><Format>NTFS</Format><Label>Windows</Label><Letter>C</Letter></ModifyPartition>
          </ModifyPartitions>
)";

constexpr std::string_view kUefiPartitions = R"(
          <CreatePartitions>
            <CreatePartition wcm:action="add"><Order>1</Order><Type>EFI</Type><Size>300</Size></CreatePartition>
            <CreatePartition wcm:action="add"><Order>2</Order><Type>MSR</Type><Size>16</Size></CreatePartition>
            <CreatePartition wcm:action="add"><Order>3</Order><Type>Primary</Type><Extend>true</Extend></CreatePartition>
          </CreatePartitions>
          <ModifyPartitions>
            <ModifyPartition wcm:action="add"><Order>1</Order><PartitionID>1</PartitionID><Format>FAT32</Format><Label>System</Label></ModifyPartition>
            <ModifyPartition wcm:action="add"><Order>2</Order><PartitionID>2</PartitionID></ModifyPartition>
            <ModifyPartition wcm:action="add"><Order>3</Order><PartitionID>3</PartitionID><Format>NTFS</Format><Label>Windows</Label><Letter>C</Letter></ModifyPartition>
          </ModifyPartitions>
)";

// Windows 11 wants to see a TPM and more on the machine that it is installed on; what is made here
// runs elsewhere.
constexpr std::string_view kSkipChecks = R"(
      <RunSynchronous>
        <RunSynchronousCommand wcm:action="add"><Order>1</Order><Path>reg add HKLM\SYSTEM\Setup\LabConfig /v BypassTPMCheck /t REG_DWORD /d 1 /f</Path></RunSynchronousCommand>
        <RunSynchronousCommand wcm:action="add"><Order>2</Order><Path>reg add HKLM\SYSTEM\Setup\LabConfig /v BypassSecureBootCheck /t REG_DWORD /d 1 /f</Path></RunSynchronousCommand>
        <RunSynchronousCommand wcm:action="add"><Order>3</Order><Path>reg add HKLM\SYSTEM\Setup\LabConfig /v BypassRAMCheck /t REG_DWORD /d 1 /f</Path></RunSynchronousCommand>
      </RunSynchronous>
)";

bool is_named(const WindowsEdition& edition, const std::string& wanted) {
  return wanted.empty() || std::to_string(edition.index) == wanted ||
         equal_ignoring_case(edition.name, wanted) || equal_ignoring_case(edition.edition, wanted);
}

/// A word such as `en-US`, from the disc.
std::string language_of(const WindowsEdition& edition) {
  const bool plain =
      edition.language.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == std::string::npos;
  return plain && !edition.language.empty() ? edition.language : "en-US";
}

Error unknown_edition(const InstallOrder& order) {
  std::vector<std::string> names;
  for (const auto& edition : order.media.editions) {
    names.push_back(fmt::format("{} {}", edition.index, edition.name));
  }
  return fail(ErrorKind::kInvalidTemplate,
              "Installer:UnknownEdition",
              "{} has no edition \"{}\"",
              order.media.image.string(),
              printable(order.edition))
      .expecting("one of " + fmt::format("{}", fmt::join(names, ", ")))
      .cure("write an edition's number, name or ID; `kiln image inspect` lists them");
}

Result<InstallRecipe> recipe(const InstallOrder& order) {
  const auto& media = order.media;
  const bool uefi = order.firmware == Firmware::kUefi;
  const auto found =
      std::find_if(media.editions.begin(), media.editions.end(), [&](const auto& edition) {
        return is_named(edition, order.edition);
      });
  if (found == media.editions.end()) return unknown_edition(order);
  const auto& edition = *found;
  InstallRecipe recipe;
  recipe.answer_label = "KILN_ANSWERS";
  recipe.answers = {
      {"autounattend.xml",
       fill_answers(kAnswers,
                    {{"COMPONENT", kComponent},
                     {"LANGUAGE", language_of(edition)},
                     {"CHECKS", media.product == "Windows 11" ? fill_answers(kSkipChecks, {}) : ""},
                     {"PARTITIONS", fill_answers(uefi ? kUefiPartitions : kBiosPartitions, {})},
                     {"INDEX", std::to_string(edition.index)},
                     {"TARGET", uefi ? "3" : "2"}})}};
  auto& installation = recipe.installation;
  installation.memory_mib = 4096;
  installation.restarts = 4;
  installation.sata_disk = true;
  installation.key_to_boot = true;
  installation.logs = {"/Windows/Panther/setuperr.log", "/Windows/Panther/setupact.log"};
  return recipe;
}

}  // namespace

constexpr InstallerEntry kWindowsInstaller{
    InstallerFamily::kWindows, "autounattend.xml", recipe, nullptr, nullptr};

}  // namespace kiln
