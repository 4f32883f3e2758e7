#include "engine/sandbox/guest/placement.h"

#include <array>

#include "engine/agent/guest_agent.h"
#include "engine/sandbox/guest/domain_xml.h"

namespace kiln {
namespace {

constexpr std::string_view kUnitName = "kiln-agent.service";
constexpr std::string_view kUnitFolder = "/etc/systemd/system";
/// Wanted by every way of starting a system, rescue included.
constexpr std::string_view kWantedBy = "/etc/systemd/system/sysinit.target.wants";
constexpr std::string_view kCloudFolder = "/etc/cloud";
constexpr std::string_view kCloudInitOff = "/etc/cloud/cloud-init.disabled";

/// Without default dependencies, so that a shutdown does not stop it: the agent says the last word
/// about a step that restarts the machine. A step that eats all memory dies alone. Steps stay in
/// the system's own PID namespace, because systemctl takes no answer from a systemd outside of its
/// own.
std::string unit_text(const std::string& folder) {
  return fmt::format(R"([Unit]
Description=Kiln runs the steps of this build
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
StartLimitIntervalSec=0

[Service]
ExecStart={}/kiln-agent --port /dev/virtio-ports/{} --wait-for-port 300 --power-off-when-alone --no-pid-namespace
OOMPolicy=continue
OOMScoreAdjust=-1000
StandardError=journal+console
)",
                     folder,
                     kAgentPortName);
}

Result<bool> exists(ImageSession& session, std::string_view path) {
  KILN_TRY_ASSIGN(const auto kind, session.files().kind(std::string(path)));
  return kind != FileTree::Kind::kAbsent;
}

Result<void> require_systemd(ImageSession& session) {
  constexpr std::array<std::string_view, 2> kPlaces = {"/usr/lib/systemd/systemd",
                                                       "/lib/systemd/systemd"};
  for (const auto place : kPlaces) {
    KILN_TRY_ASSIGN(const bool found, exists(session, place));
    if (found) return {};
  }
  return fail(ErrorKind::kUnsupported,
              "Sandbox:NoSystemd",
              "the image has no systemd, which this version of Kiln needs to start its agent in "
              "the image's own system")
      .cure("build with --mode mount, where no step needs the running system");
}

}  // namespace

Result<Placement> place_agent(ImageSession& session, const std::string& folder) {
  KILN_TRY(require_systemd(session));
  Placement placement;
  const auto write = [&](std::string_view text, std::string path, unsigned mode) -> Result<void> {
    KILN_TRY(session.write(text, path, mode));
    placement.paths.push_back(std::move(path));
    return {};
  };
  KILN_TRY(session.make_folder(folder, 0700));
  placement.paths.push_back(folder);  // with its contents
  KILN_TRY(session.write(embedded_linux_agent(), folder + "/kiln-agent", 0755));
  const auto unit = fmt::format("{}/{}", kUnitFolder, kUnitName);
  const auto wanted = fmt::format("{}/{}", kWantedBy, kUnitName);
  KILN_TRY(write(unit_text(folder), unit, 0644));
  KILN_TRY_ASSIGN(const bool has_wants, exists(session, kWantedBy));
  if (!has_wants) KILN_TRY(session.make_folder(std::string(kWantedBy), 0755));
  KILN_TRY(session.remove_all(wanted));  // of a machine that lost its power with the agent in it
  KILN_TRY(session.link(unit, wanted));
  // Then the whole folder is ours.
  placement.paths.push_back(has_wants ? wanted : std::string(kWantedBy));
  KILN_TRY_ASSIGN(const bool has_cloud_init, exists(session, kCloudFolder));
  KILN_TRY_ASSIGN(const bool already_off, exists(session, kCloudInitOff));
  if (has_cloud_init && !already_off) {
    KILN_TRY(
        write("Placed by kiln while the image is booted.\n", std::string(kCloudInitOff), 0644));
  }
  return placement;
}

}  // namespace kiln
