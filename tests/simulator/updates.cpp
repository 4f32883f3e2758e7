#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <regex>

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

std::string attempt(const std::string& number) {
  std::printf("installed: Update %s\r\n", number.c_str());
  return R"({"id": "update-)" + number + R"(", "title": "Update )" + number +
         R"(", "outcome": "installed", "code": 0})";
}

}  // namespace

/// `updates 3`: so many are offered, and each is gone once it is installed. `updates endless`: the
/// same one is offered again and again.
int run_update_round(const std::string& arguments) {
  note("updates " + arguments);
  const auto wanted = scenario("updates");
  const bool endless = wanted == "endless";
  const int before = std::atoi(read_text(path_here(kInstalled)).c_str());
  const int limit = std::atoi(argument(arguments, "UpdateLimit").c_str());
  const int offered = endless ? 1 : std::max(std::atoi(wanted.c_str()) - before, 0);
  const int chosen = std::min(offered, limit);
  std::string list;
  for (int i = 0; i < chosen; ++i) {
    list += (i == 0 ? "" : ", ") + attempt(endless ? "1" : std::to_string(before + i + 1));
  }
  write_text(path_here(kInstalled), std::to_string(before + chosen));
  note("update round: " + std::to_string(chosen) + " of " + std::to_string(offered));
  const auto report = R"({"disc": false, "restart": )" +
                      std::string(chosen > 0 ? "true" : "false") + R"(, "updates": [)" + list +
                      "]}";
  return write_text(path_here(argument(arguments, "Report")), report) ? 0 : 1;
}

}  // namespace kiln::simulator
