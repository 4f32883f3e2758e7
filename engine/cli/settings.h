#pragma once

#include <filesystem>
#include <string>

namespace kiln {

enum class LogFormat { kText, kJson };

/// What every command shares, resolved once from flags, environment, configuration file and
/// defaults, in that order.
struct Settings {
  std::filesystem::path state_folder;  ///< run folders live in `runs/` there
  std::filesystem::path cache_folder;
  std::filesystem::path catalog;
  LogFormat log_format = LogFormat::kText;
};

/// XDG folders: $XDG_STATE_HOME/kiln, $XDG_CACHE_HOME/kiln, $XDG_CONFIG_HOME/kiln/catalog.json.
Settings default_settings();
std::filesystem::path default_config_file();

}  // namespace kiln
