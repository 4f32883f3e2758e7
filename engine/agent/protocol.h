#pragma once

#include <cstddef>
#include <cstdint>

namespace kiln::agent {

/// Both ends must speak exactly this version: the agent is embedded in the program that talks to
/// it, so they never differ unless something is wrong.
inline constexpr std::uint8_t kProtocolVersion = 5;

/// Small enough that a cancel never waits long behind data, and that memory stays bounded on both
/// ends whatever the peer sends.
inline constexpr std::size_t kMaxPayload = std::size_t{64} * 1024;

/// How much of a command's standard input the host may send beyond what the agent has told to be
/// taken; a command that does not read fills this and nothing else.
inline constexpr std::size_t kInputWindow = kMaxPayload;

/// The numbers are the wire format. Requests carry a growing, non-zero id which their answers
/// repeat; hello, ping and pong carry 0. There is one request at a time.
enum class FrameType : std::uint8_t {
  // From the agent.
  kHello = 1,
  kStdout = 2,
  kStderr = 3,
  kExit = 4,     ///< the last answer to run
  kData = 5,     ///< a piece of the file that get asked for
  kRemoved = 6,  ///< some of the paths that remove removed
  kDone = 7,     ///< the last answer to whatever has no other
  kError = 8,    ///< the last answer to a request that failed
  kPong = 9,
  kInputTaken = 10,  ///< how many bytes of input have gone to the command since the last one
  kFrozen = 11,      ///< until the host thaws, or the request's time is over
  kStreamOpen = 12,  ///< a connection to a destination; numbers streams in place of requests
  // From the host.
  kRun = 32,
  kCancel = 33,
  kPut = 34,
  kPutData = 35,
  kPutEnd = 36,
  kGet = 37,
  kRemove = 38,
  kPing = 39,
  kQuit = 40,
  kInput = 41,     ///< for the command of a run that was asked for with input
  kInputEnd = 42,  ///< end of file; in a terminal Ctrl-D
  kResize = 43,    ///< of the command's terminal
  kSetClock = 44,
  kFreeze = 45,
  kThaw = 46,  ///< ends a freeze
  kForward = 47,
  // From both, of a stream that was opened.
  kStreamData = 56,
  kStreamTaken = 57,  ///< as kInputTaken
  kStreamEnd = 58,    ///< no more data from this end
  kStreamReset = 59,  ///< it is over
};

bool is_known(FrameType type);

/// Whether a frame is one of a stream, which belongs to no request.
bool is_stream(FrameType type);

/// Whether the agent may answer a `request` with `answer`.
bool is_answer(FrameType request, FrameType answer);

/// The agent's check that the host's frames come in an order that makes sense.
class RequestOrder {
 public:
  enum class Verdict {
    kAccept,
    kStale,  ///< crossed our final answer on the way: drop it
    kViolation,
  };
  Verdict admit(FrameType type, std::uint32_t request);
  /// The final answer to the active request has been given.
  void finished() { active_ = 0; }

 private:
  /// What continues a request `of` that type.
  [[nodiscard]] Verdict admit_part(FrameType of, std::uint32_t request) const;

  std::uint32_t last_ = 0;    ///< the highest id seen
  std::uint32_t active_ = 0;  ///< 0 where none is
  FrameType active_type_ = FrameType::kPing;
};

}  // namespace kiln::agent
