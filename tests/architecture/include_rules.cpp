#include "tests/architecture/include_rules.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "engine/core/text.h"

namespace kiln::test {
namespace {

struct Include {
  std::string target;
  bool quoted = false;
};

std::optional<Include> parse_include(std::string_view line) {
  line = trim(line);
  if (line.substr(0, 1) != "#") return std::nullopt;
  line = trim(line.substr(1));
  if (line.substr(0, 7) != "include") return std::nullopt;
  line = trim(line.substr(7));
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return std::nullopt;
  const bool quoted = line[0] == '"';
  const auto end = line.find(quoted ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{std::string(line.substr(1, end - 1)), quoted};
}

bool is_under(std::string_view path, std::string_view folder) {
  return path.substr(0, folder.size()) == folder &&
         (path.size() == folder.size() || path[folder.size()] == '/');
}

/// Folders of plug-ins: each knows its parent, and only the parent's registry knows it.
constexpr std::string_view kPluginParents[] = {"disk/sources", "customizers", "engine/installers"};
/// No step type, but the end of every build: the plan and the run know it.
constexpr std::string_view kNoPlugins[] = {"customizers/generalize"};

/// The folder right below a parent of plug-ins that `path` is in; empty where it is in none.
std::string_view plugin_of(std::string_view path) {
  for (const auto parent : kPluginParents) {
    if (!is_under(path, parent) || path == parent) continue;
    const auto end = path.find('/', parent.size() + 1);
    if (end == std::string_view::npos) continue;
    const auto folder = path.substr(0, end);
    const bool shared =
        std::find(std::begin(kNoPlugins), std::end(kNoPlugins), folder) != std::end(kNoPlugins);
    return shared ? std::string_view() : folder;
  }
  return {};
}

std::string check_quoted(std::string_view path, const std::string& target) {
  const auto* from = rule_for(path);
  const auto* to = rule_for(target);
  if (to == nullptr) {
    return fmt::format(
        "{} includes \"{}\", which is in no folder with a rule; includes start at the repository's "
        "root",
        path,
        target);
  }
  if (from != to && std::find(from->may_include.begin(), from->may_include.end(), to->folder) ==
                        from->may_include.end()) {
    return fmt::format(
        "{} includes \"{}\", but {} may not: {}", path, target, from->folder, from->reason);
  }
  const auto plugin = plugin_of(target);
  if (!plugin.empty() && !is_under(path, plugin) &&
      path != fmt::format("{}/registry.cpp", to->folder)) {
    return fmt::format(
        "{} includes \"{}\", but only the registry knows {}: adding or removing one must touch one "
        "line",
        path,
        target,
        plugin);
  }
  return {};
}

std::string check_angled(std::string_view path, const std::string& target) {
  if (rule_for(target) != nullptr) {
    return fmt::format("{} includes <{}>; Kiln's own headers are quoted", path, target);
  }
  for (const auto& header : confined_headers()) {
    if (target.substr(0, header.prefix.size()) != header.prefix) continue;
    if (is_under(path, header.folder)) continue;
    return fmt::format(
        "{} includes <{}>, which only {} may: {}", path, target, header.folder, header.reason);
  }
  return {};
}

}  // namespace

const std::vector<FolderRule>& folder_rules() {
  static const std::vector<FolderRule> rules = {
      {"engine/core", {}, "everything stands on it, so it knows nothing of images or guests"},
      {"engine/contract",
       {"engine/core"},
       "it knows fields and versions, not what any of them does"},
      {"engine/template",
       {"engine/core", "engine/contract"},
       "a template is text to it; what types there are is known by the registries above"},
      {"engine/agent",
       {"engine/core"},
       "it is also built into the guest's program, which must stay small and without libraries"},
      {"disk/formats",
       {"engine/core"},
       "header readers take bytes and say what they mean; they are fuzzed on their own"},
      {"disk/image", {"engine/core", "disk/formats"}, "it says what a file is, whatever it is for"},
      {"disk/media",
       {"engine/core"},
       "it says what is on a disc, whatever is done with it; discs are hostile"},
      {"disk/extents", {"engine/core"}, "blocks are blocks, whatever wrote them"},
      {"disk/convert",
       {"engine/core", "disk/extents", "disk/formats", "disk/image"},
       "conversion reads blocks and writes a format; it does not know who asked"},
      {"disk/workspace",
       {"engine/core", "disk/image"},
       "an overlay needs its base's format and nothing else"},
      {"disk/inspect",
       {"engine/core"},
       "it looks at a tree of files, so that a test can use a folder instead of a disk"},
      {"disk/servicing",
       {"engine/core", "disk/inspect"},
       "what it writes is decided here; the session that writes it is handed in"},
      {"disk/grow",
       {"engine/core", "disk/inspect"},
       "what grows is decided and ordered here; who does it is handed in"},
      {"disk/guestfs",
       {"engine/core", "disk/inspect", "disk/grow"},
       "it wraps libguestfs, not what is done with it"},
      {"disk/sources",
       {"engine/core", "engine/contract", "disk/image", "disk/media"},
       "a source names a file; nothing is opened or attached to find it"},
      {"engine/sandbox",
       {"engine/core",
        "engine/agent",
        "disk/image",
        "disk/workspace",
        "disk/inspect",
        "disk/grow",
        "disk/servicing",
        "disk/guestfs"},
       "what boots or mounts a disk does not know which steps will run"},
      {"engine/installers",
       {"engine/core", "disk/media", "engine/sandbox"},
       "an installer is told what to do and followed; who asked for it is not its concern"},
      {"customizers",
       {"engine/core", "engine/contract", "engine/agent", "engine/sandbox", "disk/inspect"},
       "a step sees a guest through its agent and never how that guest came up or what becomes of "
       "it"},
      {"uploaders",
       {"engine/core",
        "engine/contract",
        "disk/extents",
        "disk/formats",
        "disk/convert",
        "disk/image"},
       "a target sees a finished disk and never what was done to it"},
      {"engine/plan",
       {"engine/core",
        "engine/contract",
        "engine/template",
        "engine/sandbox",
        "engine/installers",
        "disk/image",
        "disk/media",
        "disk/sources",
        "disk/convert",
        "customizers",
        "uploaders"},
       "planning is pure: it may know every type, but starts and attaches nothing"},
      {"engine/run",
       {"engine/core",
        "engine/contract",
        "engine/template",
        "engine/plan",
        "engine/agent",
        "engine/sandbox",
        "engine/installers",
        "disk/image",
        "disk/media",
        "disk/formats",
        "disk/extents",
        "disk/convert",
        "disk/workspace",
        "disk/inspect",
        "disk/sources",
        "customizers",
        "uploaders"},
       "the order of things is known here; concrete backends are handed in by the command line"},
      {"engine/cli",
       {"engine/core",  "engine/contract", "engine/template",   "engine/plan",    "engine/run",
        "engine/agent", "engine/sandbox",  "engine/installers", "disk/image",     "disk/media",
        "disk/formats", "disk/extents",    "disk/convert",      "disk/workspace", "disk/inspect",
        "disk/grow",    "disk/guestfs",    "disk/sources",      "customizers",    "uploaders"},
       "the top: nobody includes it"},
  };
  return rules;
}

const std::vector<ConfinedHeader>& confined_headers() {
  static const std::vector<ConfinedHeader> headers = {
      {"guestfs.h", "disk/guestfs", "its handle has error and thread rules that one class keeps"},
      {"libvirt/",
       "engine/sandbox",
       "domains must be destroyed on every way out, which one class does"},
      {"curl/", "uploaders/transport", "retry, redaction and time limits are done once, around it"},
      {"libnbd.h", "disk/extents", "a connection belongs to one thread, which one class keeps"},
      {"vterm.h",
       "engine/sandbox/guest",
       "its callbacks and its buffer of answers are minded once, around it"},
      {"CLI/", "engine/cli", "it throws, and its types must not become those of the program"},
  };
  return headers;
}

const FolderRule* rule_for(std::string_view path) {
  const FolderRule* best = nullptr;
  for (const auto& rule : folder_rules()) {
    if (!is_under(path, rule.folder)) continue;
    if (best == nullptr || rule.folder.size() > best->folder.size()) best = &rule;
  }
  return best;
}

std::vector<std::string> check_includes(std::string_view path, std::string_view text) {
  if (rule_for(path) == nullptr) {
    return {fmt::format("{} is in no folder with a rule; add one to tests/architecture", path)};
  }
  std::vector<std::string> broken;
  for (const auto& line : split_lines(text)) {
    const auto include = parse_include(line);
    if (!include) continue;
    auto message =
        include->quoted ? check_quoted(path, include->target) : check_angled(path, include->target);
    if (!message.empty()) broken.push_back(std::move(message));
  }
  return broken;
}

}  // namespace kiln::test
