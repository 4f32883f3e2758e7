#include "tests/simulator/files.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "engine/core/text.h"

namespace kiln::simulator {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPowerFile = "/run/power";
constexpr const char* kRestart = "restart";

fs::path find_name(const fs::path& folder, const std::string& name) {
  std::error_code error;
  if (!fs::exists(folder / name, error)) {
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (equal_ignoring_case(entry.path().filename().string(), name)) return entry.path();
    }
  }
  return folder / name;
}

}  // namespace

std::string path_here(std::string_view windows_path) {
  fs::path path = kVolume;
  if (windows_path.size() >= 2 && windows_path[1] == ':') windows_path.remove_prefix(2);
  for (const auto& name : split(windows_path, '\\')) {
    if (!name.empty()) path = find_name(path, name);
  }
  return path.string();
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool write_text(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return !file.fail();
}

void note(const std::string& line) {
  std::ofstream(path_here(R"(C:\simulator\log)"), std::ios::app) << line << '\n';
}

void note_text(const std::string& word, const std::string& text) {
  using Json = nlohmann::json;
  note(word + " " + Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string scenario(std::string_view word) {
  for (const auto& line : split_lines(read_text(path_here(R"(C:\simulator\scenario)")))) {
    const auto text = trim(line);
    const auto end = text.find(' ');
    if (text.substr(0, end) != word) continue;
    return end == std::string_view::npos ? "yes" : std::string(trim(text.substr(end)));
  }
  return {};
}

void ask_for(Power power) {
  write_text(kPowerFile, power == Power::kRestart ? kRestart : "off");
}

Power asked_power() {
  const auto asked = read_text(kPowerFile);
  if (asked.empty()) return Power::kStay;
  return asked == kRestart ? Power::kRestart : Power::kOff;
}

}  // namespace kiln::simulator
