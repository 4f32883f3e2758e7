// What a storage server, or whoever stands in its place, may answer: page lists, errors, delays.
#include <chrono>
#include <cstdint>
#include <cstring>

#include "uploaders/pageblob/page_ranges.h"
#include "uploaders/pageblob/storage_error.h"
#include "uploaders/transport/retry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), data, size);
  if (const auto list = kiln::parse_page_list(text)) {
    for (const auto& range : list->ranges) {
      KILN_CHECK(range.length > 0 && range.offset + range.length > range.offset);
    }
  }
  for (const auto& response : {kiln::HttpResponse{403, {}, text},
                               kiln::HttpResponse{500, {{"x-ms-error-code", text}}, ""},
                               kiln::HttpResponse{409, {{"x-ms-request-id", text}}, text}}) {
    const auto described = kiln::storage_error(response, "do it", "here").describe();
    KILN_CHECK(described.size() < 2048);
    KILN_CHECK(described.find('\x1b') == std::string::npos);
  }
  const auto delay = kiln::server_delay(kiln::HttpHeaders{{"Retry-After", text}},
                                        std::chrono::system_clock::from_time_t(1'000'000'000));
  if (delay) KILN_CHECK(delay->count() >= 0);
  const kiln::RetryPolicy policy;
  KILN_CHECK(kiln::retry_delay(policy, 3, 0.5, delay) <= policy.longest_delay);
  return 0;
}
