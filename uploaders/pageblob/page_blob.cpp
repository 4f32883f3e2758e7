#include "uploaders/pageblob/page_blob.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <openssl/evp.h>

#include "engine/core/text.h"
#include "uploaders/auth/base64.h"
#include "uploaders/pageblob/crc64.h"
#include "uploaders/pageblob/storage_error.h"

namespace kiln {
namespace {

// Public Azure takes all of these. Azure Stack Hub's profile 2020-09-01-hybrid has 2019-07-07, its
// older builds end at 2017-11-09.
constexpr std::array<std::string_view, 4> kServiceVersions = {
    kNewestServiceVersion, "2019-12-12", "2019-07-07", "2017-11-09"};
constexpr std::string_view kFirstVersionWithCrc64 = "2019-02-02";
constexpr std::string_view kMetadataPrefix = "x-ms-meta-";

std::string md5_header(Bytes data) {
  std::array<std::byte, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  KILN_CHECK(EVP_Digest(data.data(),
                        data.size(),
                        reinterpret_cast<unsigned char*>(digest.data()),
                        &length,
                        EVP_md5(),
                        nullptr) == 1);
  return base64(Bytes(digest).first(length));
}

bool is_success(const HttpResponse& response) {
  return response.status >= 200 && response.status < 300;
}

std::string range_header(std::uint64_t offset, std::uint64_t length) {
  return fmt::format("bytes={}-{}", offset, offset + length - 1);
}

/// As the service says it of tokens and signatures that have ended; whoever lacks a permission gets
/// other codes, which a new token would not change. Answers to HEAD may have no code.
bool refuses_credential(const HttpResponse& response) {
  if (response.status == 401) return true;
  const auto code = storage_error_code(response);
  return response.status == 403 &&
         (code.empty() || code == "AuthenticationFailed" || code == "AuthorizationFailure" ||
          code == "InvalidAuthenticationInfo");
}

/// What the service asked of one request holds for all of them; never longer than anybody waits.
std::optional<std::chrono::milliseconds> asked_pause(const Result<HttpResponse>& answer,
                                                     const RetryPolicy& policy) {
  if (!answer || !worth_retrying(answer->status)) return std::nullopt;
  const auto asked = server_delay(answer->headers, std::chrono::system_clock::now());
  return asked ? std::optional(std::min(*asked, policy.longest_delay)) : std::nullopt;
}

/// Damage on the way is noticed by either side; both times the page is simply written again.
bool damaged_on_the_way(const HttpResponse& response) {
  const auto code = storage_error_code(response);
  return response.status == 400 && (code == "Crc64Mismatch" || code == "Md5Mismatch");
}

}  // namespace

struct PageBlob::Call {
  std::string method;
  std::string query;  ///< without the SAS
  HttpHeaders headers;
  Bytes body;
  /// Set for checksummed writes: the answer must not contradict it.
  std::string checksum_name;
  std::string checksum;

  [[nodiscard]] bool contradicted(const HttpResponse& response) const {
    if (checksum.empty() || !is_success(response)) return false;
    const auto answer = response.headers.get(checksum_name);
    return answer && *answer != checksum;
  }
};

PageBlob::PageBlob(PageBlobTarget target,
                   PageBlobOptions options,
                   std::unique_ptr<HttpSession> session)
    : target_(std::move(target)), options_(std::move(options)), session_(std::move(session)) {}

Result<PageBlob> PageBlob::open(PageBlobTarget target, PageBlobOptions options) {
  options.http.follow_redirects = false;  // requests carry credentials
  KILN_TRY_ASSIGN(auto session, open_http_session(options.http));
  return PageBlob(std::move(target), std::move(options), std::move(session));
}

PageChecksum PageBlob::checksum() const {
  // ISO dates compare as text.
  return options_.service_version < kFirstVersionWithCrc64 ? PageChecksum::kMd5 : options_.checksum;
}

Error PageBlob::error(const Exchange& exchange, const std::string& verb) const {
  auto error = storage_error(
      exchange.response, verb + " " + target_.location.plain(), target_.credential.origin);
  if (exchange.attempts == 1) return error;
  return std::move(error).while_doing(fmt::format("trying {} times", exchange.attempts));
}

Result<Exchange> PageBlob::exchange_once(const Call& call, const CancelToken& cancel) {
  std::optional<CongestionGate::Pass> pass;
  const auto make = [&]() -> Result<HttpRequest> {
    if (options_.gate) {
      KILN_TRY_ASSIGN(auto entered, options_.gate->enter(cancel));
      pass.emplace(std::move(entered));
    }
    HttpRequest request{call.method, target_.location.plain(), call.headers, call.body};
    if (!call.query.empty()) request.url += "?" + call.query;
    request.headers.add("x-ms-version", options_.service_version);
    KILN_TRY_ASSIGN(
        used_, authorize(target_.credential, std::chrono::system_clock::now(), request, cancel));
    return request;
  };
  RetryHooks hooks;
  hooks.ended = [&](const Result<HttpResponse>& answer) {
    if (pass) pass->end(judge_load(answer), asked_pause(answer, options_.retry));
    pass.reset();
  };
  hooks.waiting = waiting_;
  hooks.again = [&](const HttpResponse& response) {
    return worth_retrying(response.status) || damaged_on_the_way(response) ||
           call.contradicted(response);
  };
  return send_with_retry(*session_, make, options_.retry, cancel, hooks);
}

Result<Exchange> PageBlob::exchange_authorized(const Call& call, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto answer, exchange_once(call, cancel));
  if (!refuses_credential(answer.response)) return answer;
  KILN_TRY_ASSIGN(const bool renewed, renew(target_.credential, used_, cancel));
  return renewed ? exchange_once(call, cancel) : answer;
}

Result<Exchange> PageBlob::exchange(const Call& call, const CancelToken& cancel) {
  while (true) {
    KILN_TRY_ASSIGN(auto answer, exchange_authorized(call, cancel));
    const bool unknown_version = !version_settled_ && answer.response.status == 400 &&
                                 storage_error_code(answer.response) == "InvalidHeaderValue";
    const auto* older = std::find_if(
        kServiceVersions.begin(), kServiceVersions.end(), [&](std::string_view version) {
          return version < options_.service_version;
        });
    if (!unknown_version || older == kServiceVersions.end()) {
      version_settled_ =
          version_settled_ || is_success(answer.response) || answer.response.status == 404;
      return answer;
    }
    options_.service_version = *older;
  }
}

Result<std::optional<BlobProperties>> PageBlob::properties(const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto answer, exchange({"HEAD", "", {}, {}, "", ""}, cancel));
  const auto& response = answer.response;
  const auto code = storage_error_code(response);
  if (response.status == 404 && (code == "BlobNotFound" || code.empty())) return std::nullopt;
  if (!is_success(response)) return error(answer, "look at");
  BlobProperties properties;
  const auto length = response.headers.value("Content-Length");
  std::from_chars(length.data(), length.data() + length.size(), properties.size);
  properties.type = response.headers.value("x-ms-blob-type");
  properties.etag = response.headers.value("ETag");
  const auto sequence = response.headers.value("x-ms-blob-sequence-number");
  std::from_chars(sequence.data(), sequence.data() + sequence.size(), properties.sequence);
  properties.leased = response.headers.value("x-ms-lease-state") == "leased";
  for (const auto& [name, value] : response.headers.items()) {
    const auto lower = to_lower(name);
    if (lower.rfind(kMetadataPrefix, 0) == 0) {
      properties.metadata[lower.substr(kMetadataPrefix.size())] = value;
    }
  }
  return properties;
}

Result<void> PageBlob::create(std::uint64_t size,
                              const std::map<std::string, std::string>& metadata,
                              bool replace,
                              const CancelToken& cancel) {
  Call call{"PUT", "", {}, {}, "", ""};
  call.headers.add("x-ms-blob-type", "PageBlob");
  call.headers.add("x-ms-blob-content-length", std::to_string(size));
  if (options_.sequence) {
    call.headers.add("x-ms-blob-sequence-number", std::to_string(*options_.sequence));
  }
  if (!replace) call.headers.add("If-None-Match", "*");
  for (const auto& [name, value] : metadata) {
    call.headers.add(std::string(kMetadataPrefix) + name, value);
  }
  KILN_TRY_ASSIGN(const auto answer, exchange(call, cancel));
  if (is_success(answer.response)) return {};
  auto failure = error(answer, "create the page blob");
  if (answer.response.status != 409) return failure;
  // An earlier attempt may have succeeded without its answer reaching us: ours, or one by libcurl,
  // which itself repeats a request when a kept-alive connection ends without a word.
  KILN_TRY_ASSIGN(const auto found, properties(cancel));
  const bool ours = found && std::all_of(metadata.begin(), metadata.end(), [&](const auto& item) {
                      const auto same = found->metadata.find(to_lower(item.first));
                      return same != found->metadata.end() && same->second == item.second;
                    });
  if (ours && found->size == size) return {};
  return failure;
}

void PageBlob::demand_sequence(Call& call) const {
  if (!options_.sequence) return;
  call.headers.add("x-ms-if-sequence-number-eq", std::to_string(*options_.sequence));
}

Result<void> PageBlob::put_pages(std::uint64_t offset,
                                 Bytes data,
                                 const CancelToken& cancel,
                                 std::optional<std::uint64_t> crc) {
  KILN_CHECK(offset % 512 == 0 && data.size() % 512 == 0 && !data.empty());
  KILN_CHECK(data.size() <= kLargestPageWrite);
  Call call{"PUT", "comp=page", {}, data, "", ""};
  const bool is_crc = checksum() == PageChecksum::kCrc64;
  call.checksum_name = is_crc ? "x-ms-content-crc64" : "Content-MD5";
  call.checksum = is_crc ? crc64_header(crc ? *crc : crc64(data)) : md5_header(data);
  call.headers.add("x-ms-page-write", "update");
  demand_sequence(call);
  call.headers.add("x-ms-range", range_header(offset, data.size()));
  call.headers.add(call.checksum_name, call.checksum);
  KILN_TRY_ASSIGN(const auto answer, exchange(call, cancel));
  const auto verb = fmt::format("write {} bytes at {} of", data.size(), offset);
  if (!is_success(answer.response)) return error(answer, verb);
  if (!call.contradicted(answer.response)) return {};
  return fail(ErrorKind::kRemote,
              "Storage:ChecksumMismatch",
              "cannot {} {}: the service stored other bytes than were sent ({} {}, not {})",
              verb,
              target_.location.plain(),
              call.checksum_name,
              answer.response.headers.value(call.checksum_name),
              call.checksum)
      .cure("look for a proxy or network device that changes data, then upload again");
}

Result<void> PageBlob::clear_pages(std::uint64_t offset,
                                   std::uint64_t length,
                                   const CancelToken& cancel) {
  KILN_CHECK(offset % 512 == 0 && length % 512 == 0 && length > 0);
  Call call{"PUT", "comp=page", {}, {}, "", ""};
  call.headers.add("x-ms-page-write", "clear");
  demand_sequence(call);
  call.headers.add("x-ms-range", range_header(offset, length));
  KILN_TRY_ASSIGN(const auto answer, exchange(call, cancel));
  if (is_success(answer.response)) return {};
  return error(answer, fmt::format("clear {} bytes at {} of", length, offset));
}

Result<PageRangeSet> PageBlob::page_ranges(std::uint64_t begin,
                                           std::uint64_t end,
                                           const CancelToken& cancel) {
  PageRangeSet set;
  std::string marker;
  do {
    Call call{"GET", "comp=pagelist", {}, {}, "", ""};
    if (!marker.empty()) call.query += "&marker=" + percent_encode(marker, /*keep_slashes=*/false);
    call.headers.add("x-ms-range", range_header(begin, end - begin));
    KILN_TRY_ASSIGN(const auto answer, exchange(call, cancel));
    if (!is_success(answer.response)) return error(answer, "list the page ranges of");
    KILN_TRY_ASSIGN(auto list, parse_page_list(answer.response.body));
    for (const auto& range : list.ranges) {
      const auto& known = set.ranges();
      if (!known.empty() && range.offset < known.back().offset + known.back().length) {
        return fail(ErrorKind::kRemote,
                    "Storage:BadPageList",
                    "the list of page ranges of {} overlaps itself at byte {}",
                    target_.location.plain(),
                    range.offset);
      }
      set.add(range);
    }
    marker = std::move(list.next_marker);
  } while (!marker.empty());
  // Whether a range that crosses the window is cut at its edges is the service's choice.
  return set.within(begin, end);
}

Result<void> PageBlob::remove(const std::string& etag, const CancelToken& cancel) {
  const Call call{"DELETE", "", {{"If-Match", etag}}, {}, "", ""};
  KILN_TRY_ASSIGN(const auto answer, exchange(call, cancel));
  if (is_success(answer.response) || answer.response.status == 404) return {};
  return error(answer, "delete");
}

}  // namespace kiln
