#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln::agent {

struct SudoOptions {
  std::string user = "root";
  std::string group;
  std::string directory;
  bool preserve_environment = false;
  std::vector<std::string> preserved;  ///< by --preserve-env=LIST
  bool set_home = false;
  bool login = false;
  bool shell = false;
  bool preserve_groups = false;
  bool only_credentials = false;  ///< -v, -k, -K: of no effect where no password is ever asked
  bool version = false;
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::string> command;
  std::string error;  ///< not empty: cannot be understood
};

SudoOptions parse_sudo_options(const std::vector<std::string>& arguments);

}  // namespace kiln::agent
