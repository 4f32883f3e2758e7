#include "uploaders/transport/http.h"

#include <array>
#include <mutex>

#include <curl/curl.h>

#include "engine/core/c_handle.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "uploaders/transport/transport_failure.h"

namespace kiln {
namespace {

constexpr long kMaxRedirects = 10;
constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

using CurlHandle = CHandle<CURL, curl_easy_cleanup>;
using CurlList = CHandle<curl_slist, curl_slist_free_all>;

/// What the C callbacks need to reach during one exchange.
struct Transfer {
  const CancelToken& cancel;
  const BodySink& sink;
  std::uint64_t limit;
  CURL* handle;
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool too_large = false;
  bool enough = false;
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line = trim({data, size});
  transfer.header_bytes += size;
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.too_large = true;
    return 0;
  }
  if (line.rfind("HTTP/", 0) == 0) {  // a further answer: 100, or after a redirect
    transfer.response.headers.clear();
    transfer.response.body.clear();
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    transfer.response.headers.add(std::string(trim(line.substr(0, colon))),
                                  std::string(trim(line.substr(colon + 1))));
  }
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  const bool success = status >= 200 && status < 300;
  if (success && transfer.sink) {
    transfer.enough = !transfer.sink(std::as_bytes(std::span(data, size)));
    return transfer.enough ? 0 : size;
  }
  const auto room = transfer.limit - transfer.response.body.size();
  if (size <= room) {
    transfer.response.body.append(data, size);
    return size;
  }
  transfer.response.body.append(data, room);
  if (!success) return size;  // the rest of an error page is of no interest
  transfer.too_large = true;
  return 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<const Transfer*>(user)->cancel.requested() ? 1 : 0;
}

class CurlSession : public HttpSession {
 public:
  CurlSession(CurlHandle handle, HttpOptions options)
      : handle_(std::move(handle)), options_(std::move(options)) {}

  Result<HttpResponse> send(const HttpRequest& request,
                            const CancelToken& cancel,
                            const BodySink& sink) override {
    KILN_TRY(cancel.check());
    Transfer transfer{cancel, sink, options_.response_limit, handle_.get(), {}};
    KILN_TRY_ASSIGN(const auto headers, header_list(request));
    curl_easy_reset(handle_.get());
    error_.fill('\0');
    set_common();
    set_request(request, headers.get());
    set_callbacks(transfer);
    const auto code = curl_easy_perform(handle_.get());
    if (code != CURLE_OK && !transfer.enough) return failure(code, request, transfer);
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
    return std::move(transfer.response);
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    // Fails only for options this libcurl was built without, which the version we build against
    // has.
    KILN_CHECK(curl_easy_setopt(handle_.get(), option, value) == CURLE_OK);
  }

  void set_common() {
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "kiln/" KILN_VERSION);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options_.use_proxy) set(CURLOPT_NOPROXY, "*");
    // In place of the store's one file; the store's folder of certificates is trusted still.
    if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
    set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_timeout.count()));
    if (options_.longest) set(CURLOPT_TIMEOUT, static_cast<long>(options_.longest->count()));
  }

  void set_request(const HttpRequest& request, curl_slist* headers) {
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_HTTPHEADER, headers);
    if (options_.follow_redirects) {
      set(CURLOPT_FOLLOWLOCATION, 1L);
      set(CURLOPT_MAXREDIRS, kMaxRedirects);
      const bool tls = to_lower(request.url.substr(0, 6)) == "https:";
      set(CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
    }
    if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (request.method == "PUT" || request.method == "POST") {
      // Borrowed, never copied, and sent again by libcurl itself where a kept-alive connection has
      // gone stale.
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS,
          request.body.empty() ? static_cast<const void*>("") : request.body.data());
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else {
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  void set_callbacks(Transfer& transfer) {
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, &transfer);
  }

  static Result<CurlList> header_list(const HttpRequest& request) {
    CurlList list;
    const auto append = [&](const std::string& line) {
      auto* longer = curl_slist_append(list.get(), line.c_str());
      KILN_CHECK(longer != nullptr);
      (void)list.release();
      list.reset(longer);
    };
    // Not libcurl's own ideas: a form's content type, and a round trip before each large body.
    append("Expect:");
    if (!request.headers.get("Content-Type")) append("Content-Type:");
    for (const auto& [name, value] : request.headers.items()) {
      if (value.find_first_of("\r\n") != std::string::npos) {
        return fail(ErrorKind::kInternal, "Http:Header", "header {} contains a line break", name);
      }
      append(value.empty() ? name + ";" : name + ": " + value);
    }
    return list;
  }

  Error failure(CURLcode code, const HttpRequest& request, const Transfer& transfer) const {
    const auto url = redact_url(request.url);
    if (transfer.cancel.requested()) return cancelled();
    if (transfer.too_large) {
      return fail(ErrorKind::kRemote,
                  "Http:TooLarge",
                  "the answer of {} {} is larger than {}",
                  request.method,
                  url,
                  format_bytes(options_.response_limit));
    }
    const auto& row = transport_failure(code);
    // The detailed text may repeat the URL, whose query can be a credential.
    std::string detail = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
    if (detail.find('?') != std::string::npos) detail = curl_easy_strerror(code);
    auto error =
        fail(row.kind, std::string(row.code), "{} {} failed: {}", request.method, url, detail);
    return row.cure.empty() ? std::move(error) : std::move(error).cure(std::string(row.cure));
  }

  CurlHandle handle_;
  HttpOptions options_;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace

void HttpHeaders::add(std::string name, std::string value) {
  items_.emplace_back(std::move(name), std::move(value));
}

std::optional<std::string> HttpHeaders::get(std::string_view name) const {
  for (const auto& [found, value] : items_) {
    if (equal_ignoring_case(found, name)) return value;
  }
  return std::nullopt;
}

Result<std::unique_ptr<HttpSession>> open_http_session(HttpOptions options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  CurlHandle handle(curl_easy_init());
  if (!handle) return fail(ErrorKind::kInternal, "Http:Init", "libcurl cannot be initialized");
  return std::make_unique<CurlSession>(std::move(handle), std::move(options));
}

}  // namespace kiln
