#include "disk/servicing/windows_agent.h"

#include "disk/inspect/windows/hives.h"
#include "disk/inspect/windows/registry_text.h"
#include "disk/inspect/windows/windows_path.h"
#include "engine/core/bytes.h"

namespace kiln {
namespace {

constexpr std::string_view kFolder = "Kiln";
constexpr std::string_view kProgram = "kiln-agent.exe";
/// What `setup /generalize` leaves for the next start (Windows Setup, "Windows Setup States").
constexpr std::string_view kGeneralized = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE";

std::string service_key(const WindowsFacts& facts) {
  return fmt::format("{}\\Services\\{}", facts.control_set, kWindowsAgentService);
}

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

  /// Mounts, does it, and unmounts whatever came of it.
  template <class Work>
  static Result<void> with(ImageSession& session,
                           const WindowsFacts& facts,
                           bool read_only,
                           Work&& work) {
    auto* const hives = session.hives();
    if (hives == nullptr) {
      return fail(ErrorKind::kUnsupported,
                  "Windows:NoHives",
                  "this kind of appliance cannot read the registry of Windows");
    }
    KILN_TRY(session.mount({facts.device, "/", "ntfs"}, read_only));
    Volume volume(session, *hives, facts);
    auto done = work(volume);
    auto unmounted = session.unmount_all();
    KILN_TRY(std::move(done));
    return unmounted;
  }

  Result<void> write_program(std::string_view program) {
    KILN_TRY(session_.make_folder(folder(), 0755));
    return session_.write(program, fmt::format("{}/{}", folder(), kProgram), 0755);
  }

  Result<void> add_service() {
    KILN_TRY_ASSIGN(const auto path, system_hive());
    KILN_TRY_ASSIGN(const auto hive, hives_.open(path, Hives::Access::kWrite));
    const auto key = service_key(facts_);
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

  Result<bool> has_service() {
    KILN_TRY_ASSIGN(const auto path, system_hive());
    KILN_TRY_ASSIGN(const auto hive, hives_.open(path, Hives::Access::kRead));
    return hive->has_key(service_key(facts_));
  }

  /// A hive that has no entry of ours is not written.
  Result<void> remove_service() {
    KILN_TRY_ASSIGN(const auto there, has_service());
    if (!there) return {};
    KILN_TRY_ASSIGN(const auto path, system_hive());
    KILN_TRY_ASSIGN(const auto hive, hives_.open(path, Hives::Access::kWrite));
    KILN_TRY(hive->remove_key(service_key(facts_)));
    return hive->commit();
  }

  Result<bool> has_folder() {
    KILN_TRY_ASSIGN(const auto there, windows_path(session_.files(), folder()));
    return there.has_value();
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
  [[nodiscard]] std::string folder() const { return fmt::format("{}/{}", facts_.root, kFolder); }

  Result<std::string> system_hive() {
    const auto wanted = facts_.root + "/System32/config/SYSTEM";
    KILN_TRY_ASSIGN(auto path, windows_path(session_.files(), wanted));
    if (path) return *std::move(path);
    return fail(ErrorKind::kNotFound, "Windows:NoSystemHive", "{} is missing", wanted)
        .at(facts_.device)
        .cure("look for the step that changed it");
  }

  ImageSession& session_;
  Hives& hives_;
  const WindowsFacts& facts_;
};

}  // namespace

Result<void> place_windows_agent(ImageSession& session,
                                 const WindowsFacts& facts,
                                 std::string_view program) {
  KILN_TRY(check_serviceable(facts));
  return Volume::with(session, facts, false, [&](Volume& volume) -> Result<void> {
    KILN_TRY(volume.remove_folder());
    KILN_TRY(volume.remove_service());
    KILN_TRY(volume.write_program(program));
    return volume.add_service();
  });
}

Result<void> remove_windows_agent(ImageSession& session, const WindowsFacts& facts) {
  KILN_TRY(check_serviceable(facts));
  return Volume::with(session, facts, false, [](Volume& volume) -> Result<void> {
    KILN_TRY(volume.remove_service());
    return volume.remove_folder();
  });
}

Result<std::vector<std::string>> find_windows_residues(ImageSession& session,
                                                       const WindowsFacts& facts) {
  std::vector<std::string> found;
  if (facts.image_state != kGeneralized) {
    found.push_back(
        fmt::format("the image is not generalized: its state is {}", facts.image_state));
  }
  KILN_TRY(Volume::with(session, facts, true, [&](Volume& volume) -> Result<void> {
    KILN_TRY_ASSIGN(const auto service, volume.has_service());
    if (service) found.push_back(fmt::format("the service {} is there", kWindowsAgentService));
    KILN_TRY_ASSIGN(const auto folder, volume.has_folder());
    if (folder) found.push_back(fmt::format("{} is there", kWindowsAgentPath));
    return {};
  }));
  return found;
}

}  // namespace kiln
