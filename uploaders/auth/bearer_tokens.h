#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/core/cancel.h"
#include "engine/core/redact.h"
#include "engine/core/secret.h"
#include "uploaders/auth/renewable_secret.h"

namespace kiln {

/// A token as its issuer gave it.
struct AccessToken {
  Secret value;
  std::chrono::system_clock::time_point expires;
};

/// Where tokens are issued, with what it takes to be given one. Every call asks anew.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// For messages, e.g. `the service principal in AZURE_CLIENT_ID`.
  [[nodiscard]] virtual const std::string& origin() const = 0;
  /// @param audience the resource that the token is for, e.g. `https://storage.azure.com`
  virtual Result<AccessToken> request(const std::string& audience, const CancelToken& cancel) = 0;
};

/// The tokens for one audience that requests are sent with: kept until shortly before they expire,
/// then replaced. Safe from several threads at once: one of them renews while the others go on with
/// what is still valid, or wait where nothing is.
class BearerTokens : public RenewableSecret {
 public:
  using Clock = std::function<std::chrono::system_clock::time_point()>;

  /// @param source, redactor outlive this object; every token goes to the redactor before it is
  /// used
  BearerTokens(TokenSource& source,
               std::string audience,
               Redactor& redactor,
               Clock clock = std::chrono::system_clock::now);

  /// A token that is good for minutes yet, if the issuer gives such ones. An issuer that fails is
  /// an error only where the token at hand has expired, too.
  Result<Secret> value(const CancelToken& cancel) override;
  Result<void> renew(const Secret& used, const CancelToken& cancel) override;

  /// TokenSource's.
  [[nodiscard]] const std::string& origin() const { return source_.origin(); }

 private:
  /// Waits until there is a token to return, or until it is this thread that has to renew.
  Result<std::optional<Secret>> token_at_hand(const CancelToken& cancel);
  Result<Secret> store(Result<AccessToken> fresh);

  TokenSource& source_;
  std::string audience_;
  Redactor& redactor_;
  Clock clock_;
  std::mutex mutex_;  ///< guards what follows; not held while a token is requested
  std::condition_variable renewed_;
  bool renewing_ = false;
  AccessToken current_;
  std::chrono::system_clock::time_point obtained_;
  std::optional<Error> failure_;  ///< the last renewal's
  std::chrono::system_clock::time_point failed_;
};

}  // namespace kiln
