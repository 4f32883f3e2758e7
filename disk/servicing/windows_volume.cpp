#include "disk/servicing/windows_volume.h"

#include "disk/inspect/windows/windows_path.h"

namespace kiln {

Result<void> on_windows_volume(ImageSession& session,
                               const WindowsFacts& facts,
                               bool read_only,
                               const std::function<Result<void>(Hives&)>& work) {
  auto* const hives = session.hives();
  if (hives == nullptr) {
    return fail(ErrorKind::kUnsupported,
                "Windows:NoHives",
                "this kind of appliance cannot read the registry of Windows");
  }
  KILN_TRY(session.mount({facts.device, "/", "ntfs"}, read_only));
  auto done = work(*hives);
  auto unmounted = session.unmount_all();
  KILN_TRY(std::move(done));
  return unmounted;
}

Result<std::string> hive_path(ImageSession& session,
                              const WindowsFacts& facts,
                              std::string_view name) {
  const auto wanted = fmt::format("{}/System32/config/{}", facts.root, name);
  KILN_TRY_ASSIGN(auto path, windows_path(session.files(), wanted));
  if (path) return *std::move(path);
  return fail(ErrorKind::kNotFound, "Windows:NoHive", "{} is missing", wanted)
      .at(facts.device)
      .cure("look for the step that changed it");
}

}  // namespace kiln
