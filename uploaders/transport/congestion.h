#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

#include "engine/core/cancel.h"
#include "uploaders/transport/http.h"

namespace kiln {

/// What an attempt's end says about the service: that it keeps up, that it does not, or neither.
enum class Load { kBearable, kTooMuch, kUnknown };

/// Busy (503, 429) or too late (408, 500, 504, no byte for a while) is too much; a reset or a
/// refused connection says nothing, as it is rarely for the load.
Load judge_load(const Result<HttpResponse>& answer);

/// How many requests may be under way at once, as TCP finds it out: doubled by every round of
/// successes up to the first trouble, then one more a round; halved by trouble.
class CongestionLimit {
 public:
  explicit CongestionLimit(unsigned most);
  [[nodiscard]] unsigned value() const { return static_cast<unsigned>(limit_); }
  void grow();
  void shrink();

 private:
  double most_;
  double limit_;
  double threshold_;  ///< from here on only one more a round
};

/// Lets the requests of several threads through as the service bears them. What a service asks of
/// one, to wait, holds for all.
class CongestionGate {
 public:
  /// @param most requests at once
  explicit CongestionGate(unsigned most) : limit_(most) {}

  /// One attempt, from its start to its end; an end that nobody tells says nothing.
  class Pass {
   public:
    Pass(Pass&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), number_(other.number_) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() { end(Load::kUnknown, {}); }
    /// @param pause that the service asked for
    void end(Load load, std::optional<std::chrono::milliseconds> pause);

   private:
    friend class CongestionGate;
    Pass(CongestionGate& gate, std::uint64_t number) : gate_(&gate), number_(number) {}
    CongestionGate* gate_;
    std::uint64_t number_;
  };

  /// Waits for room and for the end of a pause.
  Result<Pass> enter(const CancelToken& cancel);
  [[nodiscard]] unsigned limit() const;

 private:
  void leave(std::uint64_t number, Load load, std::optional<std::chrono::milliseconds> pause);

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  CongestionLimit limit_;
  unsigned under_way_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t shrunk_at_ = 0;  ///< attempts up to this one began before the last trouble
  std::chrono::steady_clock::time_point closed_until_;
};

}  // namespace kiln
