#pragma once

#include "engine/core/cancel.h"
#include "engine/core/result.h"
#include "engine/core/secret.h"

namespace kiln {

/// A secret that may end before the work does: a bearer token, the signature of a disk's upload.
/// Called from several threads at once. Whoever makes one has told the redactor of every value.
class RenewableSecret {
 public:
  RenewableSecret() = default;
  RenewableSecret(const RenewableSecret&) = delete;
  RenewableSecret& operator=(const RenewableSecret&) = delete;
  virtual ~RenewableSecret() = default;

  /// The value to use now. Asked for at every attempt of every request, so it comes from memory
  /// unless the last one is about to end.
  virtual Result<Secret> value(const CancelToken& cancel) = 0;
  /// The service refused `used`: value() gives another one from now on. Of several threads that
  /// were refused with the same value one gets a new one, and the others take that.
  virtual Result<void> renew(const Secret& used, const CancelToken& cancel) = 0;
};

}  // namespace kiln
