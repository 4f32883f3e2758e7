#include "engine/agent/protocol.h"

namespace kiln::agent {

bool is_known(FrameType type) {
  return (type >= FrameType::kHello && type <= FrameType::kStreamOpen) ||
         (type >= FrameType::kRun && type <= FrameType::kForward) ||
         (type >= FrameType::kStreamData && type <= FrameType::kStreamReset);
}

bool is_stream(FrameType type) {
  return type == FrameType::kStreamOpen ||
         (type >= FrameType::kStreamData && type <= FrameType::kStreamReset);
}

bool is_answer(FrameType request, FrameType answer) {
  if (answer == FrameType::kError) return request != FrameType::kQuit;
  switch (request) {
    case FrameType::kRun:
      return answer == FrameType::kStdout || answer == FrameType::kStderr ||
             answer == FrameType::kExit || answer == FrameType::kInputTaken;
    case FrameType::kPut:
    case FrameType::kSetClock:
    case FrameType::kForward:
    case FrameType::kQuit:
      return answer == FrameType::kDone;
    case FrameType::kFreeze:
      return answer == FrameType::kFrozen || answer == FrameType::kDone;
    case FrameType::kGet:
      return answer == FrameType::kData || answer == FrameType::kDone;
    case FrameType::kRemove:
      return answer == FrameType::kRemoved || answer == FrameType::kDone;
    default:
      return false;
  }
}

RequestOrder::Verdict RequestOrder::admit(FrameType type, std::uint32_t request) {
  switch (type) {
    case FrameType::kPing:
      return request == 0 ? Verdict::kAccept : Verdict::kViolation;
    case FrameType::kRun:
    case FrameType::kPut:
    case FrameType::kGet:
    case FrameType::kRemove:
    case FrameType::kSetClock:
    case FrameType::kFreeze:
    case FrameType::kForward:
    case FrameType::kQuit:
      if (request <= last_) return Verdict::kViolation;
      if (active_ != 0 && type != FrameType::kQuit) return Verdict::kViolation;
      last_ = request;
      active_ = request;
      active_type_ = type;
      return Verdict::kAccept;
    case FrameType::kCancel:
      return admit_part(active_type_, request);
    case FrameType::kPutData:
    case FrameType::kPutEnd:
      return admit_part(FrameType::kPut, request);
    case FrameType::kInput:
    case FrameType::kInputEnd:
    case FrameType::kResize:
      return admit_part(FrameType::kRun, request);
    case FrameType::kThaw:
      return admit_part(FrameType::kFreeze, request);
    default:
      return Verdict::kViolation;
  }
}

RequestOrder::Verdict RequestOrder::admit_part(FrameType of, std::uint32_t request) const {
  if (request == 0 || request > last_) return Verdict::kViolation;
  if (request != active_) return Verdict::kStale;
  return of == active_type_ ? Verdict::kAccept : Verdict::kViolation;
}

}  // namespace kiln::agent
