#pragma once

#include "engine/agent/guest_agent.h"

namespace kiln::test {

/// Does nothing, and says that it did.
class FakeAgent : public GuestAgent {
 public:
  GuestExit exit;  ///< of whatever is run

  Result<GuestExit> run(const GuestCommand&, const GuestOutput&, const CancelToken&) override {
    return exit;
  }
  Result<void> put(std::string_view, const std::string&, unsigned, const CancelToken&) override {
    return {};
  }
  Result<void> put_file(const std::filesystem::path&,
                        const std::string&,
                        unsigned,
                        const CancelToken&) override {
    return {};
  }
  Result<std::string> get(const std::string&, std::uint64_t, const CancelToken&) override {
    return std::string();
  }
  Result<std::vector<std::string>> remove(const std::string&, const CancelToken&) override {
    return std::vector<std::string>();
  }
  Result<void> set_clock(std::chrono::system_clock::time_point, const CancelToken&) override {
    return {};
  }
  Result<void> freeze(const std::vector<std::string>&,
                      std::chrono::milliseconds,
                      const std::function<Result<void>()>& work,
                      const CancelToken&) override {
    return work();
  }
  Result<void> forward(const std::vector<Destination>&, const CancelToken&) override { return {}; }
  Result<void> quit(const CancelToken&) override { return {}; }
};

}  // namespace kiln::test
