#include "uploaders/staging/disk_access.h"

namespace kiln {
namespace {

constexpr int kSeconds = 86'400;

}  // namespace

Result<std::shared_ptr<DiskAccess>> DiskAccess::grant(AzureAccess& azure,
                                                      const ArmResource& disk,
                                                      const CancelToken& cancel) {
  std::shared_ptr<DiskAccess> access(new DiskAccess(azure, disk));
  KILN_TRY_ASSIGN(access->location_, access->ask(cancel));
  access->query_ = std::exchange(access->location_.sas, Secret());
  return access;
}

Result<Secret> DiskAccess::value(const CancelToken& /*cancel*/) {
  const std::lock_guard lock(mutex_);
  return query_;
}

Result<void> DiskAccess::renew(const Secret& used, const CancelToken& cancel) {
  // Held while it is asked for, so that of many refused requests one asks and the others wait.
  const std::lock_guard lock(mutex_);
  if (used.reveal() != query_.reveal()) return {};
  KILN_TRY_ASSIGN(const auto fresh, ask(cancel));
  if (fresh.plain() != location_.plain()) {
    return fail(ErrorKind::kRemote,
                "Disk:Moved",
                "the disk {} is to be written at another place than before",
                disk_.id)
        .cure("distribute again");
  }
  query_ = fresh.sas;
  return {};
}

Result<BlobLocation> DiskAccess::ask(const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto client, azure_.client());
  KILN_TRY_ASSIGN(
      const auto answer,
      client.post(
          disk_, "beginGetAccess", {{"access", "Write"}, {"durationInSeconds", kSeconds}}, cancel));
  // Old and new versions of the service spell it differently.
  for (const auto* name : {"accessSAS", "accessSas"}) {
    const auto found = answer.is_object() ? answer.find(name) : answer.end();
    if (!answer.is_object() || found == answer.end() || !found->is_string()) continue;
    const auto url = found->get<std::string>();
    azure_.redactor().add(Secret(url));
    auto location = parse_blob_location(url);
    if (!location) return std::move(location).error();
    if (location->sas.empty()) break;
    azure_.redactor().add(location->sas);
    if (auto signature = query_parameter(location->sas.reveal(), "sig")) {
      azure_.redactor().add(Secret(*std::move(signature)));
    }
    return location;
  }
  return fail(
      ErrorKind::kRemote, "Disk:NoAccess", "the service grants no access to the disk {}", disk_.id);
}

}  // namespace kiln
