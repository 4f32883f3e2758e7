#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/core/result.h"
#include "engine/core/secret.h"

namespace kiln {

/// An application's certificate with its private key, which proves by signing who asks for a token.
class ClientCertificate {
 public:
  virtual ~ClientCertificate() = default;
  /// A JSON Web Token (RS256, named by the certificate's thumbprint) that lives ten minutes.
  /// @param audience the URL that it is sent to
  [[nodiscard]] virtual Result<std::string> assertion(
      const std::string& client_id,
      const std::string& audience,
      std::chrono::system_clock::time_point now) const = 0;
};

/// Reads PEM (certificate and RSA key in one text, in any order) or PKCS #12.
/// @param password of the key; empty where it has none
Result<std::unique_ptr<ClientCertificate>> parse_client_certificate(const std::string& contents,
                                                                    const Secret& password);

}  // namespace kiln
