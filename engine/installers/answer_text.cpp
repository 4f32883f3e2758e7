#include "engine/installers/answer_text.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace kiln {

std::string fill_answers(
    std::string_view text,
    std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  std::string filled(text);
  for (const auto& [name, value] : values) {
    const auto mark = fmt::format("@{}@", name);
    for (auto at = filled.find(mark); at != std::string::npos;
         at = filled.find(mark, at + value.size())) {
      filled.replace(at, mark.size(), value);
    }
  }
  return filled;
}

std::vector<std::string> packages_on(const InstallerMedia& media,
                                     std::initializer_list<std::string_view> wanted) {
  std::vector<std::string> packages;
  for (const auto name : wanted) {
    if (media.has_package(name)) packages.emplace_back(name);
  }
  return packages;
}

std::vector<ConsoleMark> linux_marks(std::vector<ConsoleMark> own) {
  using Kind = ConsoleMark::Kind;
  std::vector<ConsoleMark> marks = {
      {Kind::kFailure, R"(VFS: Unable to mount root fs)", "the installer's system does not start"},
      {Kind::kFailure,
       R"(You are in emergency mode|Entering emergency mode)",
       "the installer's system is in emergency mode"},
      {Kind::kDone, R"(reboot: Power down)", "the machine powers off"},
  };
  std::ranges::move(own, std::back_inserter(marks));
  return marks;
}

unsigned major_version(const std::string& version) {
  return static_cast<unsigned>(std::strtoul(version.c_str(), nullptr, 10));
}

}  // namespace kiln
