#include "engine/sandbox/make_distinct.h"

#include <sys/random.h>

#include "engine/core/memory_file.h"
#include "engine/core/text.h"
#include "engine/sandbox/ask_system.h"

namespace kiln {
namespace {

constexpr std::size_t kSeedBytes = 64;

Result<UniqueFd> draw_seed() {
  std::string seed(kSeedBytes, '\0');
  if (::getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size())) {
    return fail(ErrorKind::kIo, "Sandbox:Random", "this host gives no random numbers");
  }
  return memory_file(seed);
}

}  // namespace

Result<void> make_distinct(GuestAgent& agent,
                           const std::string& program,
                           const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto seed, draw_seed());
  GuestCommand command;
  command.argv = {program, "image-tool", "reseed"};
  command.directory = "/";
  command.input = GuestInput{seed.get(), {}};
  KILN_TRY_ASSIGN(const auto answer, ask_system(agent, command, cancel));
  if (!answer.exit.ok()) {
    return fail(ErrorKind::kGuestFailed,
                "Sandbox:NotSeeded",
                "the random numbers of the virtual machine cannot be seeded: {}",
                printable(trim(answer.out)));
  }
  return agent.set_clock(std::chrono::system_clock::now(), cancel);
}

}  // namespace kiln
