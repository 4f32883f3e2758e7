#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/fake_agent.h"

namespace kiln::test {

/// Keeps the files that it is given, and every program with the files that were there while it ran.
class FakeWindows : public FakeAgent {
 public:
  struct Run {
    GuestCommand command;
    std::map<std::string, std::string> files;
    /// What the file is whose name begins and ends so; empty where there is none.
    [[nodiscard]] std::string file(std::string_view begin, std::string_view end) const {
      for (const auto& [path, contents] : files) {
        if (path.starts_with(begin) && path.ends_with(end)) return contents;
      }
      return {};
    }
  };
  using Answer = std::function<Result<GuestExit>(const Run&, const GuestOutput&)>;

  std::map<std::string, std::string> files;
  std::vector<Run> runs;
  Answer answer = [](const Run&, const GuestOutput&) { return GuestExit{}; };

  Result<GuestExit> run(const GuestCommand& command,
                        const GuestOutput& output,
                        const CancelToken&) override {
    runs.push_back({command, files});
    return answer(runs.back(), output);
  }
  Result<void> put(std::string_view contents,
                   const std::string& path,
                   unsigned,
                   const CancelToken&) override {
    files[path] = contents;
    return {};
  }
  Result<void> put_file(const std::filesystem::path& host_path,
                        const std::string& path,
                        unsigned,
                        const CancelToken&) override {
    files[path] = host_path.string();
    return {};
  }
  Result<std::string> get(const std::string& path, std::uint64_t, const CancelToken&) override {
    const auto found = files.find(path);
    if (found != files.end()) return found->second;
    return fail(ErrorKind::kNotFound, "Agent:NotFound", "{} is not there", path);
  }
  Result<std::vector<std::string>> remove(const std::string& path, const CancelToken&) override {
    if (files.erase(path) == 0) return std::vector<std::string>();
    return std::vector<std::string>{path};
  }
};

}  // namespace kiln::test
