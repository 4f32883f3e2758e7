#include "engine/sandbox/ask_system.h"

#include "engine/core/bytes.h"

namespace kiln {
namespace {

constexpr std::size_t kAnswerLimit = 8 * kKiB;

}  // namespace

Result<SystemAnswer> ask_system(GuestAgent& agent,
                                const GuestCommand& command,
                                const CancelToken& cancel) {
  SystemAnswer answer;
  const auto keep = [&answer](GuestStream /*stream*/, std::string_view data) {
    answer.out += data.substr(0, kAnswerLimit - answer.out.size());
  };
  KILN_TRY_ASSIGN(answer.exit, agent.run(command, keep, cancel));
  return answer;
}

}  // namespace kiln
