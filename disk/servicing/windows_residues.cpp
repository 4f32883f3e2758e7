#include "disk/servicing/windows_residues.h"

#include <algorithm>
#include <array>

#include "disk/inspect/windows/control_sets.h"
#include "disk/inspect/windows/registry_text.h"
#include "disk/inspect/windows/windows_path.h"
#include "disk/servicing/windows_agent.h"
#include "disk/servicing/windows_volume.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// What `setup /generalize` leaves for the next start (Windows Setup, "Windows Setup States").
constexpr std::string_view kGeneralized = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE";
/// As the agent has it (engine/agent/windows/administrator.h).
constexpr std::string_view kAccount = "kiln-build";
constexpr const char* kProfiles = R"(Microsoft\Windows NT\CurrentVersion\ProfileList)";

/// Windows calls a profile `NAME.COMPUTER` where another folder was in its way.
bool is_profile(std::string_view name) {
  return equal_ignoring_case(name.substr(0, name.find('.')), kAccount);
}

/// What steps put into the Temp folder of Windows (customizers): a prefix, a UUID, an extension.
bool is_staged(std::string_view name) {
  constexpr std::array<std::string_view, 2> kPrefixes = {"kiln-", "script-"};
  constexpr std::size_t kUuid = 36;
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
    if (!name.starts_with(prefix) || name.size() < prefix.size() + kUuid) return false;
    const auto uuid = name.substr(prefix.size(), kUuid);
    return uuid.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
  });
}

constexpr std::string_view kScript = "/DeprovisioningScript.ps1";

/// The paths of what is in a folder and is a residue.
Result<std::vector<std::string>> residues_in(FileTree& files,
                                             const std::string& folder,
                                             bool (*is_residue)(std::string_view)) {
  std::vector<std::string> found;
  KILN_TRY_ASSIGN(const auto path, windows_path(files, folder));
  if (!path) return found;
  KILN_TRY_ASSIGN(const auto names, files.list(*path));
  for (const auto& name : names) {
    if (is_residue(name)) found.push_back(*path + "/" + name);
  }
  return found;
}

class Search {
 public:
  Search(ImageSession& session, Hives& hives, const WindowsFacts& facts)
      : session_(session), hives_(hives), facts_(facts) {}

  Result<void> run() {
    KILN_TRY(look_at_services());
    KILN_TRY(look_for("/" + std::string(kWindowsAgentFolder), facts_.root));
    KILN_TRY(look_for(std::string(kScript), ""));
    KILN_TRY(look_into(facts_.root + "/Temp", is_staged));
    KILN_TRY(look_into("/Users", is_profile));
    KILN_TRY(look_at_accounts());
    return look_at_profiles();
  }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  void add(std::string_view what) { found_.push_back(fmt::format("{} is there", printable(what))); }

  Result<void> look_for(const std::string& name, const std::string& folder) {
    KILN_TRY_ASSIGN(const auto path, windows_path(session_.files(), folder + name));
    if (path) add(*path);
    return {};
  }

  Result<void> look_into(const std::string& folder, bool (*is_residue)(std::string_view)) {
    KILN_TRY_ASSIGN(const auto paths, residues_in(session_.files(), folder, is_residue));
    for (const auto& path : paths) add(path);
    return {};
  }

  Result<std::unique_ptr<Hive>> open(std::string_view name) {
    KILN_TRY_ASSIGN(const auto path, hive_path(session_, facts_, name));
    return hives_.open(path, Hives::Access::kRead);
  }

  Result<void> look_at_services() {
    KILN_TRY_ASSIGN(const auto hive, open("SYSTEM"));
    KILN_TRY_ASSIGN(const auto sets, control_sets(*hive));
    for (const auto& set : sets) {
      KILN_TRY_ASSIGN(const bool there, hive->has_key(windows_agent_key(set)));
      if (there) add(fmt::format("the service {} of {}", kWindowsAgentService, set));
    }
    return {};
  }

  Result<void> look_at_accounts() {
    KILN_TRY_ASSIGN(const auto hive, open("SAM"));
    KILN_TRY_ASSIGN(const bool there,
                    hive->has_key(fmt::format(R"(SAM\Domains\Account\Users\Names\{})", kAccount)));
    if (there) add(fmt::format("the account {}", kAccount));
    return {};
  }

  Result<void> look_at_profiles() {
    KILN_TRY_ASSIGN(const auto hive, open("SOFTWARE"));
    KILN_TRY_ASSIGN(const auto names, hive->keys(kProfiles));
    for (const auto& name : names) {
      KILN_TRY_ASSIGN(const auto value,
                      hive->value(fmt::format(R"({}\{})", kProfiles, name), "ProfileImagePath"));
      const auto path = value ? text_of(*value).value_or("") : "";
      if (is_profile(std::string_view(path).substr(path.rfind('\\') + 1))) {
        add(fmt::format("the profile {}", name));
      }
    }
    return {};
  }

  ImageSession& session_;
  Hives& hives_;
  const WindowsFacts& facts_;
  std::vector<std::string> found_;
};

}  // namespace

Result<std::vector<std::string>> find_windows_residues(ImageSession& session,
                                                       const WindowsFacts& facts) {
  std::vector<std::string> found;
  if (facts.image_state != kGeneralized) {
    found.push_back(
        fmt::format("the image is not generalized: its state is {}", printable(facts.image_state)));
  }
  const auto looked = on_windows_volume(session, facts, true, [&](Hives& hives) -> Result<void> {
    Search search(session, hives, facts);
    KILN_TRY(search.run());
    const auto more = search.take();
    found.insert(found.end(), more.begin(), more.end());
    return {};
  });
  KILN_TRY(looked);
  return found;
}

Result<void> remove_windows_scripts(ImageSession& session, const WindowsFacts& facts) {
  return on_windows_volume(session, facts, false, [&](Hives&) -> Result<void> {
    auto& files = session.files();
    KILN_TRY_ASSIGN(auto paths, residues_in(files, facts.root + "/Temp", is_staged));
    KILN_TRY_ASSIGN(auto script, windows_path(files, kScript));
    if (script) paths.push_back(*std::move(script));
    for (const auto& path : paths) KILN_TRY(session.remove_all(path));
    return {};
  });
}

}  // namespace kiln
