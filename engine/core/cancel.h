#pragma once

#include <memory>
#include <stop_token>

#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// A request to stop, seen both by loops (`requested`) and by poll(2) (`fd` becomes readable and
/// stays so). Copies share one state; a default-constructed token is never cancelled.
class CancelToken {
 public:
  CancelToken() = default;

  [[nodiscard]] bool requested() const { return token_.stop_requested(); }
  /// For poll(2); -1 where there is nothing to wait for, which poll ignores.
  [[nodiscard]] int fd() const;
  [[nodiscard]] const std::stop_token& stop_token() const { return token_; }
  /// The error for a step that stopped because of this token.
  [[nodiscard]] Result<void> check() const;

 private:
  friend class CancelSource;
  struct Pipe;
  std::stop_token token_;
  std::shared_ptr<Pipe> pipe_;
};

class CancelSource {
 public:
  CancelSource();
  [[nodiscard]] const CancelToken& token() const { return token_; }
  void request();

 private:
  std::stop_source source_;
  CancelToken token_;
};

Error cancelled();

}  // namespace kiln
