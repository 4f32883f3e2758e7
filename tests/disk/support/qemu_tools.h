#pragma once

#include <fcntl.h>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/file.h"
#include "engine/core/process_runner.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln::test {

/// A test with a folder of its own that makes disks with the real qemu tools.
class QemuTest : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path(const std::string& name) const {
    return folder_.path() / name;
  }

  /// Standard output; a failing tool fails the test.
  std::string run(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    const auto output = run_checked(*runner_, command, {});
    EXPECT_OK(output);
    return output ? output->out : "";
  }

  std::filesystem::path create(const std::string& name,
                               const std::string& format,
                               const std::string& options,
                               const std::string& size) {
    std::vector<std::string> argv = {"qemu-img", "create", "-q", "-f", format};
    if (!options.empty()) argv.insert(argv.end(), {"-o", options});
    argv.insert(argv.end(), {path(name).string(), size});
    run(argv);
    return path(name);
  }

  /// qemu-io commands on an image of a format.
  void io(const std::filesystem::path& image,
          const std::string& format,
          const std::vector<std::string>& commands) {
    std::vector<std::string> argv = {"qemu-io", "-f", format};
    for (const auto& command : commands) argv.insert(argv.end(), {"-c", command});
    argv.push_back(image.string());
    run(argv);
  }

  void patch(const std::filesystem::path& image, std::uint64_t offset, std::string_view bytes) {
    const UniqueFd file(::open(image.c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_OK(pwrite_all(file.get(), std::as_bytes(std::span(bytes)), offset, image));
  }

  std::unique_ptr<ProcessRunner> runner_ = make_process_runner();
  TempDir folder_ = TempDir::create().value();
};

}  // namespace kiln::test
