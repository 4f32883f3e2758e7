#include "disk/servicing/windows_answers.h"

#include "disk/inspect/private_folder.h"
#include "disk/inspect/windows/windows_path.h"
#include "disk/servicing/windows_volume.h"

namespace kiln {
namespace {

constexpr std::string_view kMark = "Kiln's answers for the time of a build";

/// Everything that a person would be asked when a generalized Windows starts for the first time.
/// Server asks for the administrator's password, which nobody is going to use.
constexpr std::string_view kAnswers = R"(<?xml version="1.0" encoding="utf-8"?>
<!-- {mark}. -->
<unattend xmlns="urn:schemas-microsoft-com:unattend">
  <settings pass="oobeSystem">
    <component name="Microsoft-Windows-International-Core" {component}>
      <InputLocale>en-US</InputLocale>
      <SystemLocale>en-US</SystemLocale>
      <UILanguage>en-US</UILanguage>
      <UserLocale>en-US</UserLocale>
    </component>
    <component name="Microsoft-Windows-Shell-Setup" {component}>
      <OOBE>
        <HideEULAPage>true</HideEULAPage>
        <HideLocalAccountScreen>true</HideLocalAccountScreen>
        <HideOEMRegistrationScreen>true</HideOEMRegistrationScreen>
        <HideOnlineAccountScreens>true</HideOnlineAccountScreens>
        <HideWirelessSetupInOOBE>true</HideWirelessSetupInOOBE>
        <ProtectYourPC>3</ProtectYourPC>
        <SkipMachineOOBE>true</SkipMachineOOBE>
        <SkipUserOOBE>true</SkipUserOOBE>
      </OOBE>
      <UserAccounts>
        <AdministratorPassword>
          <Value>{password}</Value>
          <PlainText>true</PlainText>
        </AdministratorPassword>
      </UserAccounts>
      <TimeZone>UTC</TimeZone>
    </component>
  </settings>
</unattend>
)";

constexpr std::string_view kComponent =
    R"(processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" )"
    R"(versionScope="nonSxS")";

/// Where Windows looks before any disc (Windows Setup, "Implicit Answer File Search Order").
constexpr std::string_view kPlaces[] = {"Panther/Unattend/Unattend.xml", "Panther/Unattend.xml"};

Result<std::optional<std::string>> find_answers(ImageSession& session, const WindowsFacts& facts) {
  for (const auto place : kPlaces) {
    KILN_TRY_ASSIGN(auto path,
                    windows_path(session.files(), fmt::format("{}/{}", facts.root, place)));
    if (path) return path;
  }
  return std::optional<std::string>();
}

std::string random_password() {
  const auto name = private_folder_name();
  return "Aa1-" + name.substr(name.find_last_of("-/.") + 1);
}

}  // namespace

bool needs_answers(const WindowsFacts& facts) {
  return facts.image_state == "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE";
}

Result<void> place_windows_answers(ImageSession& session, const WindowsFacts& facts) {
  return on_windows_volume(session, facts, false, [&](Hives&) -> Result<void> {
    KILN_TRY_ASSIGN(const auto theirs, find_answers(session, facts));
    if (theirs) return {};
    KILN_TRY_ASSIGN(auto folder, windows_path(session.files(), facts.root + "/Panther"));
    if (!folder) {
      folder = facts.root + "/Panther";
      KILN_TRY(session.make_folder(*folder, 0755));
    }
    return session.write(fmt::format(kAnswers,
                                     fmt::arg("mark", kMark),
                                     fmt::arg("component", kComponent),
                                     fmt::arg("password", random_password())),
                         *folder + "/unattend.xml",
                         0644);
  });
}

Result<void> remove_windows_answers(ImageSession& session, const WindowsFacts& facts) {
  return on_windows_volume(session, facts, false, [&](Hives&) -> Result<void> {
    KILN_TRY_ASSIGN(const auto path, find_answers(session, facts));
    if (!path) return {};
    KILN_TRY_ASSIGN(const auto text, session.files().read(*path));
    return text.find(kMark) == std::string::npos ? Result<void>() : session.remove_all(*path);
  });
}

}  // namespace kiln
