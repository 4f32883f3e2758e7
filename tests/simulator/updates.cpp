#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <set>
#include <sys/mount.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/simulator/files.h"
#include "tests/simulator/programs.h"

namespace kiln::simulator {
namespace {

constexpr const char* kInstalled = R"(C:\simulator\installed)";

std::string argument(const std::string& arguments, const std::string& name) {
  std::smatch words;
  const std::regex pattern("-" + name + " '?([^' ]*)'?");
  return std::regex_search(arguments, words, pattern) ? words[1].str() : "";
}

using Json = nlohmann::json;

Json attempt(const std::string& id, const std::string& title) {
  std::printf("installed: %s\r\n", title.c_str());
  return {{"id", id}, {"title", title}, {"outcome", "installed"}, {"code", 0}};
}

bool write_report(const std::string& arguments, bool disc, const Json& updates) {
  const Json report = {{"disc", disc}, {"restart", !updates.empty()}, {"updates", updates}};
  return write_text(path_here(argument(arguments, "Report")), report.dump());
}

/// The disc with that label, mounted; nothing where no drive has it.
std::optional<std::filesystem::path> find_disc(const std::string& label) {
  constexpr std::streamoff kLabelOffset = 16 * 2048 + 40;
  for (const char* drive : {"/dev/sr0", "/dev/sr1", "/dev/sr2"}) {
    std::string found(label.size() + 1, '\0');
    std::ifstream file(drive, std::ios::binary);
    if (!file.seekg(kLabelOffset).read(found.data(), static_cast<std::streamsize>(found.size())) ||
        found != label + " ") {
      continue;
    }
    ::mkdir("/run/disc", 0755);
    if (::mount(drive, "/run/disc", "iso9660", MS_RDONLY, nullptr) == 0) return "/run/disc";
  }
  return std::nullopt;
}

/// Every package that no earlier round has settled; each wants a restart.
int run_disc_round(const std::filesystem::path& disc, const std::string& arguments) {
  std::set<std::string> packages;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(disc)) {
    const auto ending = entry.path().extension();
    auto name = entry.path().lexically_relative(disc).string();
    std::replace(name.begin(), name.end(), '/', '\\');
    const bool settled = arguments.find("'" + name + "'") != std::string::npos;
    if ((ending == ".msu" || ending == ".cab") && !settled) packages.insert(name);
  }
  ::umount(disc.c_str());
  auto updates = Json::array();
  for (const auto& name : packages) updates.push_back(attempt(name, name));
  note("disc round: " + updates.dump());
  return write_report(arguments, true, updates) ? 0 : 1;
}

}  // namespace

/// From the disc UPDATES, where there is one. Else by the scenario. `updates 3`: so many are
/// offered, and each is gone once it is installed. `updates endless`: the same one is offered again
/// and again.
int run_update_round(const std::string& arguments) {
  note("updates " + arguments);
  if (const auto disc = find_disc("UPDATES")) return run_disc_round(*disc, arguments);
  const auto wanted = scenario("updates");
  const bool endless = wanted == "endless";
  const int before = std::atoi(read_text(path_here(kInstalled)).c_str());
  const int limit = std::atoi(argument(arguments, "UpdateLimit").c_str());
  const int offered = endless ? 1 : std::max(std::atoi(wanted.c_str()) - before, 0);
  const int chosen = std::min(offered, limit);
  auto updates = Json::array();
  for (int i = 0; i < chosen; ++i) {
    const auto number = endless ? "1" : std::to_string(before + i + 1);
    updates.push_back(attempt("update-" + number, "Update " + number));
  }
  write_text(path_here(kInstalled), std::to_string(before + chosen));
  note("update round: " + std::to_string(chosen) + " of " + std::to_string(offered));
  return write_report(arguments, false, updates) ? 0 : 1;
}

}  // namespace kiln::simulator
