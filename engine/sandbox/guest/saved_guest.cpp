#include "engine/sandbox/guest/saved_guest.h"

#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/json.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kFormatVersion = 1;
constexpr std::uint64_t kLongestFacts = 256 * kKiB;
constexpr std::uint64_t kLargestVariables = 16 * kMiB;
/// Memory is written at the speed of the disk; a slow one gets this long for a GiB or so.
constexpr auto kStreamPatience = std::chrono::minutes(5);
constexpr auto kLookEvery = std::chrono::milliseconds(10);
/// Or else qemu writes 128 MiB a second.
constexpr std::uint64_t kUnlimited = 64 * kGiB;
constexpr const char* kStream = "kiln-stream";
constexpr mode_t kOwnerOnly = 0600;

const nlohmann::json kNoArguments = nlohmann::json::object();

Error not_saved(std::string_view why) {
  return fail(ErrorKind::kUnsupported, kLayerNotWhole, "the system cannot be saved: {}", why);
}

Error not_resumed(std::string_view why) {
  return fail(ErrorKind::kUnsupported, kNotResumed, "the saved system does not go on: {}", why);
}

nlohmann::json to_json(const GuestFacts& facts, std::size_t variables) {
  const auto& system = facts.system;
  return {{"formatVersion", kFormatVersion},
          {"machine", facts.machine},
          {"system",
           {{"osId", system.os_id},
            {"prettyName", system.pretty_name},
            {"rootDevice", system.root_device},
            {"rootFilesystem", system.root_filesystem},
            {"mounts", system.mounts}}},
          {"sysvinit", facts.placement.init == InitSystem::kSysvinit},
          {"placed", facts.placement.paths},
          {"uefi", facts.uefi},
          {"resumed", facts.resumed},
          {"variables", variables}};
}

Result<GuestFacts> facts_of(const nlohmann::json& json) {
  GuestFacts facts;
  try {
    if (json.at("formatVersion") != kFormatVersion) return not_resumed("another Kiln saved it");
    facts.machine = json.at("machine");
    const auto& system = json.at("system");
    facts.system = {system.at("osId"),
                    system.at("prettyName"),
                    system.at("rootDevice"),
                    system.at("rootFilesystem"),
                    system.at("mounts")};
    if (json.at("sysvinit").get<bool>()) facts.placement.init = InitSystem::kSysvinit;
    facts.placement.paths = json.at("placed").get<std::vector<std::string>>();
    facts.uefi = json.at("uefi");
    facts.resumed = json.at("resumed");
  } catch (const nlohmann::json::exception&) {
    return not_resumed("its file is damaged");
  }
  return facts;
}

/// What the guest sees of the host's processor, where it does.
std::string host_processor() {
  const auto text = read_file("/proc/cpuinfo", kMiB);
  std::string seen;
  if (!text) return seen;
  for (const auto& line : split_lines(text->substr(0, text->find("\n\n")))) {
    if (line.starts_with("model name") || line.starts_with("flags")) seen += line + "\n";
  }
  return seen;
}

/// Waits until `there` says so.
template <class Condition>
Result<void> await(const CancelToken& cancel, Condition there) {
  const auto deadline = Clock::now() + kStreamPatience;
  for (;;) {
    KILN_TRY_ASSIGN(const bool done, there());
    if (done) return {};
    KILN_TRY(cancel.check());
    if (Clock::now() > deadline) {
      return fail(ErrorKind::kTimeout, "Sandbox:Stream", "qemu takes too long for its memory");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

Result<UniqueFd> begin_file(const GuestFacts& facts,
                            const fs::path& variables,
                            const fs::path& path) {
  std::string contents;
  if (!variables.empty()) {
    KILN_TRY_ASSIGN(contents, read_file(variables, kLargestVariables));
  }
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
  if (!file) return not_saved("cannot create " + path.string());
  const auto head = dump_json(to_json(facts, contents.size())) + "\n" + contents;
  KILN_TRY(pwrite_all(file.get(), std::as_bytes(std::span(head)), 0, path));
  if (::lseek(file.get(), static_cast<off_t>(head.size()), SEEK_SET) < 0) {
    return not_saved("cannot write " + path.string());
  }
  return file;
}

Result<void> write_stream(RunningDomain& domain, int file, const CancelToken& cancel) {
  KILN_TRY(domain.monitor("migrate-set-parameters", {{"max-bandwidth", kUnlimited}}, -1));
  KILN_TRY(domain.monitor("getfd", {{"fdname", kStream}}, file));
  KILN_TRY(domain.monitor("migrate", {{"uri", std::string("fd:") + kStream}}, -1));
  return await(cancel, [&]() -> Result<bool> {
    KILN_TRY_ASSIGN(const auto answer, domain.monitor("query-migrate", kNoArguments, -1));
    const auto status = answer.value("status", std::string());
    if (status == "failed" || status == "cancelled") {
      return not_saved(printable(answer.value("error-desc", status)));
    }
    return status == "completed";
  });
}

/// qemu's drivers for VHDX and dynamic VHDs keep something to themselves.
Result<void> check_savable(RunningDomain& domain) {
  KILN_TRY_ASSIGN(const auto state, domain.monitor("query-migrate", kNoArguments, -1));
  const auto reasons = state.find("blocked-reasons");
  if (reasons == state.end() || !reasons->is_array() || reasons->empty()) return {};
  const auto& first = reasons->front();
  return fail(ErrorKind::kUnsupported,
              "Sandbox:Unsavable",
              "the image's own system runs, and qemu does not save it: {}",
              printable(first.is_string() ? first.get<std::string>() : "it does not say why"))
      .cure("a source in the format qcow2, raw or fixed VHD can be saved");
}

}  // namespace

std::string machine_identity(const DomainSpec& spec, unsigned long libvirt) {
  auto neutral = spec;
  neutral.name.clear();
  neutral.owner = 0;
  neutral.incoming = false;
  neutral.emulator = spec.emulator.parent_path().filename();  // see VmKeeper
  neutral.disk_node = R"(json:{"file":{}})";
  neutral.console_log.clear();
  neutral.agent_socket = "agent";
  if (neutral.uefi) neutral.uefi->variables.clear();
  return sha256_hex(fmt::format("{}\n{}\n{}",
                                domain_xml(neutral),
                                libvirt,
                                spec.accelerator == Accelerator::kKvm ? host_processor() : ""));
}

Result<void> save_guest(RunningDomain& domain,
                        const GuestFacts& facts,
                        const fs::path& variables,
                        const NextLayer& layer,
                        const fs::path& file,
                        const CancelToken& cancel) {
  const auto save = [&]() -> Result<void> {
    KILN_TRY_ASSIGN(const auto stream, begin_file(facts, variables, file));
    return write_stream(domain, stream.get(), cancel);
  };
  KILN_TRY(check_savable(domain));
  KILN_TRY(domain.pause());
  const auto begun = domain.monitor("blockdev-snapshot-sync",
                                    {{"node-name", layer.below},
                                     {"snapshot-node-name", layer.node},
                                     {"snapshot-file", layer.overlay.string()},
                                     {"format", "qcow2"},
                                     {"mode", "existing"}},
                                    -1);
  auto saved = begun ? save() : Result<void>(begun.error());
  if (auto resumed = domain.resume(); !resumed) return resumed;
  if (saved) return {};
  std::error_code ignored;
  fs::remove(file, ignored);
  if (!begun || saved.error().kind() == ErrorKind::kCancelled) return saved;
  return not_saved(saved.error().summary());
}

Result<SavedGuest> open_saved_guest(const fs::path& file) {
  SavedGuest saved;
  KILN_TRY_ASSIGN(saved.stream, open_read_only(file));
  std::string head(kLongestFacts, '\0');
  const auto got = ::pread(saved.stream.get(), head.data(), head.size(), 0);
  head.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  const auto end = head.find('\n');
  if (end == std::string::npos) return not_resumed("its file is damaged");
  const auto json = nlohmann::json::parse(
      std::string_view(head).substr(0, end), nullptr, /*allow_exceptions=*/false);
  KILN_TRY_ASSIGN(saved.facts, facts_of(json));
  const auto length = json.find("variables");
  const auto size = length != json.end() && length->is_number_unsigned()
                        ? length->get<std::uint64_t>()
                        : kLargestVariables + 1;
  if (size > kLargestVariables) return not_resumed("its file is damaged");
  saved.variables.resize(size);
  KILN_TRY(pread_exactly(
      saved.stream.get(), std::as_writable_bytes(std::span(saved.variables)), end + 1, file));
  if (::lseek(saved.stream.get(), static_cast<off_t>(end + 1 + size), SEEK_SET) < 0) {
    return not_resumed("its file cannot be read");
  }
  return saved;
}

Result<void> load_guest(RunningDomain& domain, const SavedGuest& saved, const CancelToken& cancel) {
  const auto load = [&]() -> Result<void> {
    KILN_TRY(domain.monitor("getfd", {{"fdname", kStream}}, saved.stream.get()));
    KILN_TRY(domain.monitor("migrate-incoming", {{"uri", std::string("fd:") + kStream}}, -1));
    KILN_TRY(await(cancel, [&]() -> Result<bool> {
      if (domain.ended()) return not_resumed("qemu does not take it");
      KILN_TRY_ASSIGN(const auto answer, domain.monitor("query-status", kNoArguments, -1));
      return answer.value("status", std::string()) != "inmigrate";
    }));
    // It was saved at rest, so it is loaded at rest.
    return domain.resume();
  };
  auto loaded = load();
  if (loaded || loaded.error().kind() == ErrorKind::kCancelled) return loaded;
  return not_resumed(loaded.error().summary());
}

}  // namespace kiln
