#include "engine/cli/settings.h"

#include <cstdlib>

namespace kiln {
namespace {

std::filesystem::path xdg_folder(const char* variable, const char* below_home) {
  const char* value = std::getenv(variable);
  // The specification: a relative path is invalid and to be ignored.
  if (value != nullptr && value[0] == '/') return std::filesystem::path(value) / "kiln";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/root") / below_home / "kiln";
}

}  // namespace

Settings default_settings() {
  Settings settings;
  settings.state_folder = xdg_folder("XDG_STATE_HOME", ".local/state");
  settings.cache_folder = xdg_folder("XDG_CACHE_HOME", ".cache");
  settings.catalog = xdg_folder("XDG_CONFIG_HOME", ".config") / "catalog.json";
  return settings;
}

std::filesystem::path default_config_file() {
  return xdg_folder("XDG_CONFIG_HOME", ".config") / "config.toml";
}

}  // namespace kiln
