#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "disk/inspect/file_tree.h"
#include "engine/agent/guest_agent.h"

namespace kiln {

/// Kiln's own program in the micro-appliance.
inline constexpr const char* kOwnTools = "/init";

/// Programs in the micro-appliance, and Kiln's own among them (engine/agent/linux/image_tool.h).
/// The agent outlives it.
class MicroTools {
 public:
  MicroTools(GuestAgent& agent, CancelToken cancel) : agent_(agent), cancel_(std::move(cancel)) {}

  /// What the program prints; what it complains of is the error, kNotFound where Kiln's own say
  /// that there is no such file.
  /// @param doing for messages: `mounting /dev/sda1`
  /// @param good_codes exit codes that are no failure
  Result<std::string> run(const std::vector<std::string>& argv,
                          const std::string& doing,
                          std::string_view input = {},
                          std::initializer_list<int> good_codes = {0});
  /// The same for one of Kiln's own.
  Result<std::string> tool(std::vector<std::string> arguments,
                           const std::string& doing,
                           std::string_view input = {});
  /// The same for one that answers with a list.
  Result<std::vector<std::string>> tool_list(std::vector<std::string> arguments,
                                             const std::string& doing);

  [[nodiscard]] GuestAgent& agent() const { return agent_; }
  [[nodiscard]] const CancelToken& cancel() const { return cancel_; }

 private:
  GuestAgent& agent_;
  CancelToken cancel_;
};

/// What is mounted in a micro-appliance.
class MicroFileTree : public FileTree {
 public:
  explicit MicroFileTree(MicroTools& tools) : tools_(tools) {}

  Result<Kind> kind(const std::string& path) override;
  Result<std::uint64_t> file_size(const std::string& path) override;
  Result<std::string> read(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::vector<std::string>> glob(const std::string& pattern) override;
  Result<std::vector<std::vector<std::string>>> glob_each(
      const std::vector<std::string>& patterns) override;

 private:
  MicroTools& tools_;
};

}  // namespace kiln
