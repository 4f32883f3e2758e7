#include "engine/agent/session/job.h"

#include <utility>

namespace kiln::agent {
namespace {

class FinishedJob final : public Job {
 public:
  FinishedJob(std::uint32_t request, ErrorCode code, std::string error)
      : request_(request), code_(code), error_(std::move(error)) {}

  int watch(Waits& /*waits*/, const Outbox& /*outbox*/) override { return 0; }
  bool advance(Outbox& outbox) override {
    if (error_.empty()) {
      outbox.add(FrameType::kDone, request_, {});
    } else {
      outbox.add(FrameType::kError, request_, error_payload(code_, error_));
    }
    return true;
  }

  void cancel() override {}  // it is over before anybody could

 private:
  std::uint32_t request_;
  ErrorCode code_;
  std::string error_;
};

}  // namespace

std::unique_ptr<Job> make_finished_job(std::uint32_t request, ErrorCode code, std::string error) {
  return std::make_unique<FinishedJob>(request, code, std::move(error));
}

std::string error_payload(ErrorCode code, std::string message) {
  constexpr std::size_t kLongest = 8192;  // two paths of PATH_MAX
  if (message.size() > kLongest) message.resize(kLongest);
  return encode(ErrorReport{code, std::move(message)});
}

}  // namespace kiln::agent
