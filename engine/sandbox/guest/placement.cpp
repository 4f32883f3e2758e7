#include "engine/sandbox/guest/placement.h"

#include <algorithm>
#include <array>

#include "engine/core/bytes.h"
#include "engine/sandbox/agent_port.h"

namespace kiln {
namespace {

constexpr const char* kProgram = "/kiln-agent";
constexpr std::string_view kUnitName = "kiln-agent.service";
constexpr std::string_view kUnitFolder = "/etc/systemd/system";
constexpr const char* kInittab = "/etc/inittab";
constexpr unsigned kInittabMode = 0644;
constexpr std::string_view kInittabEntry = "kiln:";
/// Wanted by every way of starting a system, rescue included.
constexpr std::string_view kWantedBy = "/etc/systemd/system/sysinit.target.wants";
constexpr std::string_view kCloudFolder = "/etc/cloud";
constexpr std::string_view kCloudInitOff = "/etc/cloud/cloud-init.disabled";

/// Steps stay in the system's own PID namespace, because systemctl takes no answer from a systemd
/// outside of its own.
std::string agent_command(const std::string& folder) {
  return fmt::format(
      "{}{} --port /dev/virtio-ports/{} --wait-for-port 300 --power-off-when-alone "
      "--no-pid-namespace",
      folder,
      kProgram,
      kAgentPortName);
}

/// Without default dependencies, so that a shutdown does not stop it: the agent says the last word
/// about a step that restarts the machine. A step that eats all memory dies alone.
std::string unit_text(const std::string& folder) {
  return fmt::format(R"([Unit]
Description=Kiln runs the steps of this build
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
StartLimitIntervalSec=0

[Service]
ExecStart={}
OOMPolicy=continue
OOMScoreAdjust=-1000
StandardError=journal+console
)",
                     agent_command(folder));
}

Result<bool> exists(ImageSession& session, std::string_view path) {
  KILN_TRY_ASSIGN(const auto kind, session.files().kind(std::string(path)));
  return kind != FileTree::Kind::kAbsent;
}

/// Its own program, not a link to systemd or to busybox, whose inittab is another. Upstart's has no
/// such line.
Result<bool> has_sysvinit(ImageSession& session) {
  for (const auto* file : {"/sbin/init", kInittab}) {
    KILN_TRY_ASSIGN(const auto kind, session.files().kind(file));
    if (kind != FileTree::Kind::kFile) return false;
  }
  KILN_TRY_ASSIGN(const auto inittab, session.files().read(kInittab));
  return inittab.find(":sysinit:") != std::string::npos;
}

Result<InitSystem> find_init(ImageSession& session) {
  KILN_TRY_ASSIGN(const bool sysvinit, has_sysvinit(session));
  if (sysvinit) return InitSystem::kSysvinit;
  constexpr std::array<std::string_view, 2> kPlaces = {"/usr/lib/systemd/systemd",
                                                       "/lib/systemd/systemd"};
  for (const auto place : kPlaces) {
    KILN_TRY_ASSIGN(const bool found, exists(session, place));
    if (found) return InitSystem::kSystemd;
  }
  return fail(ErrorKind::kUnsupported,
              "Sandbox:UnknownInit",
              "the image has neither systemd nor sysvinit, one of which starts Kiln's agent in the "
              "image's own system")
      .cure("build with --mode mount, where no step needs the running system");
}

std::string folder_of(const std::string& path) {
  return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

/// What is new gets the label of the folder it is in, as it would from the image's own kernel.
Result<void> add_file(ImageSession& session,
                      std::string_view contents,
                      const std::string& path,
                      unsigned mode) {
  KILN_TRY(session.write(contents, path, mode));
  return session.copy_label(folder_of(path), path);
}

Result<void> add_folder(ImageSession& session, const std::string& path, unsigned mode) {
  KILN_TRY(session.make_folder(path, mode));
  return session.copy_label(folder_of(path), path);
}

/// An init that SELinux confines may start no program but a labelled one.
Result<void> add_program(ImageSession& session,
                         std::string_view contents,
                         const std::string& path) {
  constexpr const char* kOrdinaryProgram = "/usr/bin/env";
  KILN_TRY(session.write(contents, path, 0755));
  return session.copy_label(kOrdinaryProgram, path);
}

Result<void> add_to_inittab(ImageSession& session, const std::string& folder) {
  const auto start = folder + "/start";
  KILN_TRY(add_program(
      session, fmt::format("#!/bin/sh\nexec {} --daemon\n", agent_command(folder)), start));
  KILN_TRY_ASSIGN(const auto inittab, session.files().read(kInittab));
  return session.write(inittab_with_agent(inittab, start), kInittab, kInittabMode);
}

Result<void> add_unit(ImageSession& session, const std::string& folder, Placement& placement) {
  const auto unit = fmt::format("{}/{}", kUnitFolder, kUnitName);
  const auto wanted = fmt::format("{}/{}", kWantedBy, kUnitName);
  KILN_TRY(add_file(session, unit_text(folder), unit, 0644));
  placement.paths.push_back(unit);
  KILN_TRY_ASSIGN(const bool has_wants, exists(session, kWantedBy));
  if (!has_wants) KILN_TRY(add_folder(session, std::string(kWantedBy), 0755));
  KILN_TRY(session.remove_all(wanted));  // of a machine that lost its power with the agent in it
  KILN_TRY(session.link(unit, wanted));
  KILN_TRY(session.copy_label(folder_of(wanted), wanted));
  // Then the whole folder is ours.
  placement.paths.push_back(has_wants ? wanted : std::string(kWantedBy));
  return {};
}

}  // namespace

std::string agent_program(const Placement& placement) {
  return placement.paths.front() + kProgram;
}

std::string inittab_without_agent(std::string_view inittab) {
  std::string text;
  while (!inittab.empty()) {
    const auto line = inittab.substr(0, std::min(inittab.find('\n'), inittab.size() - 1) + 1);
    if (line.substr(0, kInittabEntry.size()) != kInittabEntry) text += line;
    inittab.remove_prefix(line.size());
  }
  return text;
}

std::string inittab_with_agent(std::string_view inittab, const std::string& program) {
  auto text = inittab_without_agent(inittab);  // of a machine that lost its power
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text + fmt::format("{}2345:once:{}\n", kInittabEntry, program);
}

Result<Placement> place_agent(ImageSession& session, const std::string& folder) {
  Placement placement;
  KILN_TRY_ASSIGN(placement.init, find_init(session));
  KILN_TRY(add_folder(session, folder, 0700));
  placement.paths.push_back(folder);  // with its contents
  KILN_TRY(add_program(session, embedded_linux_agent(), folder + kProgram));
  KILN_TRY(placement.init == InitSystem::kSystemd ? add_unit(session, folder, placement)
                                                  : add_to_inittab(session, folder));
  KILN_TRY_ASSIGN(const bool has_cloud_init, exists(session, kCloudFolder));
  KILN_TRY_ASSIGN(const bool already_off, exists(session, kCloudInitOff));
  if (has_cloud_init && !already_off) {
    const std::string off(kCloudInitOff);
    KILN_TRY(add_file(session, "Placed by kiln while the image is booted.\n", off, 0644));
    placement.paths.push_back(off);
  }
  return placement;
}

Result<void> take_out(const Placement& placement, GuestAgent& agent, const CancelToken& cancel) {
  for (const auto& path : placement.paths) KILN_TRY(agent.remove(path, cancel));
  if (placement.init == InitSystem::kSystemd) return {};
  KILN_TRY_ASSIGN(const auto inittab, agent.get(kInittab, kMiB, cancel));
  return agent.put(inittab_without_agent(inittab), kInittab, kInittabMode, cancel);
}

}  // namespace kiln
