#include "disk/servicing/windows_agent.h"

#include "disk/inspect/windows/control_sets.h"
#include "disk/inspect/windows/hives.h"
#include "disk/inspect/windows/registry_text.h"
#include "disk/inspect/windows/windows_path.h"
#include "disk/servicing/agent_archive.h"
#include "disk/servicing/windows_volume.h"
#include "engine/core/bytes.h"

namespace kiln {
namespace {

constexpr const char* kProgram = "kiln-agent.exe";

RegistryValue number(std::uint32_t value) {
  std::string data(sizeof(value), '\0');
  write_le(std::as_writable_bytes(std::span(data)), 0, value);
  return {registry_type::kDword, std::move(data)};
}

RegistryValue text(std::string_view value, std::uint32_t type = registry_type::kString) {
  return {type, registry_text(value)};
}

/// An image's C: while it is mounted.
class Volume {
 public:
  Volume(ImageSession& session, Hives& hives, const WindowsFacts& facts)
      : session_(session), hives_(hives), facts_(facts) {}

  Result<void> write_program(std::string_view program) {
    KILN_TRY_ASSIGN(const auto archive,
                    agent_archive(std::string(kWindowsAgentFolder), kProgram, program));
    return hives_.unpack(archive, facts_.root);
  }

  Result<void> add_service() {
    KILN_TRY_ASSIGN(const auto path, system_hive());
    KILN_TRY_ASSIGN(const auto hive, hives_.open(path, Hives::Access::kWrite));
    const auto key = windows_agent_key(facts_.control_set);
    KILN_TRY(hive->add_key(key));
    // As the service manager writes them (SERVICE_WIN32_OWN_PROCESS and so on, winsvc.h); it takes
    // an entry that it finds at its start for one that it has made.
    constexpr std::uint32_t kOwnProcess = 0x10;
    constexpr std::uint32_t kAutomatic = 2;
    constexpr std::uint32_t kErrorNormal = 1;
    const auto command = fmt::format("{} --service --port COM2", kWindowsAgentPath);
    KILN_TRY(hive->set_value(key, "Type", number(kOwnProcess)));
    KILN_TRY(hive->set_value(key, "Start", number(kAutomatic)));
    KILN_TRY(hive->set_value(key, "ErrorControl", number(kErrorNormal)));
    KILN_TRY(hive->set_value(key, "ImagePath", text(command, registry_type::kExpandString)));
    KILN_TRY(hive->set_value(key, "ObjectName", text("LocalSystem")));
    KILN_TRY(hive->set_value(key, "DisplayName", text("Kiln agent")));
    KILN_TRY(
        hive->set_value(key,
                        "Description",
                        text("Runs the steps of an image's build. Kiln removes it at the end.")));
    return hive->commit();
  }

  /// From every control set, as Windows may have changed to another. A hive that has no entry of
  /// ours is not written.
  Result<void> remove_service() {
    KILN_TRY_ASSIGN(const auto path, system_hive());
    KILN_TRY_ASSIGN(const auto hive, hives_.open(path, Hives::Access::kWrite));
    KILN_TRY_ASSIGN(const auto sets, control_sets(*hive));
    bool changed = false;
    for (const auto& set : sets) {
      const auto key = windows_agent_key(set);
      KILN_TRY_ASSIGN(const bool there, hive->has_key(key));
      if (!there) continue;
      KILN_TRY(hive->remove_key(key));
      changed = true;
    }
    return changed ? hive->commit() : Result<void>();
  }

  /// Ours holds the agent's program and its log, or nothing where removing it was cut short.
  Result<void> remove_folder() {
    KILN_TRY_ASSIGN(const auto there, windows_path(session_.files(), folder()));
    if (!there) return {};
    KILN_TRY_ASSIGN(const auto names, session_.files().list(*there));
    for (const auto& name : names) {
      if (name.starts_with("kiln-agent.")) continue;
      return fail(ErrorKind::kUnsupported,
                  "Windows:ForeignFolder",
                  "the folder has {}, which is not Kiln's",
                  name)
          .at(facts_.device + ":" + *there)
          .cure("move that file elsewhere in the image");
    }
    return session_.remove_all(*there);
  }

 private:
  [[nodiscard]] std::string folder() const {
    return fmt::format("{}/{}", facts_.root, kWindowsAgentFolder);
  }

  Result<std::string> system_hive() { return hive_path(session_, facts_, "SYSTEM"); }

  ImageSession& session_;
  Hives& hives_;
  const WindowsFacts& facts_;
};

}  // namespace

std::string windows_agent_key(const std::string& control_set) {
  return fmt::format("{}\\Services\\{}", control_set, kWindowsAgentService);
}

Result<void> place_windows_agent(ImageSession& session,
                                 const WindowsFacts& facts,
                                 std::string_view program) {
  KILN_TRY(check_serviceable(facts));
  return on_windows_volume(session, facts, false, [&](Hives& hives) -> Result<void> {
    Volume volume(session, hives, facts);
    KILN_TRY(volume.remove_folder());
    KILN_TRY(volume.remove_service());
    KILN_TRY(volume.write_program(program));
    return volume.add_service();
  });
}

Result<void> remove_windows_agent(ImageSession& session, const WindowsFacts& facts) {
  KILN_TRY(check_serviceable(facts));
  return on_windows_volume(session, facts, false, [&](Hives& hives) -> Result<void> {
    Volume volume(session, hives, facts);
    KILN_TRY(volume.remove_service());
    return volume.remove_folder();
  });
}

}  // namespace kiln
