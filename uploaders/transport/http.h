#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/bytes.h"
#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// Names compare without regard to case; order is kept.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<std::pair<std::string, std::string>> items) : items_(items) {}

  void add(std::string name, std::string value);
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  /// The value or an empty string.
  [[nodiscard]] std::string value(std::string_view name) const { return get(name).value_or(""); }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& items() const {
    return items_;
  }
  void clear() { items_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

struct HttpRequest {
  std::string method = "GET";  ///< GET, HEAD, PUT, POST or DELETE
  std::string url;
  HttpHeaders headers;
  Bytes body;  ///< borrowed; sent with its length, also when empty, for PUT and POST
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};

/// Takes the body of a 2xx answer piece by piece instead of HttpResponse::body; false means that
/// enough has been seen, and ends the transfer successfully.
using BodySink = std::function<bool(Bytes)>;

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{30'000};
  std::chrono::seconds stall_timeout{60};       ///< no byte in either direction for so long
  std::uint64_t response_limit = 4 * kMiB;      ///< of a body that is kept in memory
  bool follow_redirects = false;                ///< only where a request carries no credential
  std::optional<std::chrono::seconds> longest;  ///< for the whole exchange
  bool use_proxy = true;                        ///< as the proxy variables say
  std::string ca_file;                          ///< PEM; trusted beside the host's own store
};

/// One connection's worth of HTTP, used by one thread at a time; keep-alive and TLS sessions are
/// reused between calls. TLS peers are always verified against the host's trust store, and the
/// usual proxy variables (https_proxy, no_proxy, …) are honoured.
class HttpSession {
 public:
  virtual ~HttpSession() = default;
  /// Any answer of the server is a success here, whatever its status. A transport failure has a
  /// code from the table of transport_failures(). Returns within about a second of cancellation.
  virtual Result<HttpResponse> send(const HttpRequest& request,
                                    const CancelToken& cancel,
                                    const BodySink& sink = {}) = 0;
};

Result<std::unique_ptr<HttpSession>> open_http_session(HttpOptions options = {});

}  // namespace kiln
