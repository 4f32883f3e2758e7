// Any text is a blob's URL or an error; and no way out repeats a signature.
#include <cstdint>
#include <cstring>

#include "uploaders/auth/blob_location.h"
#include "uploaders/auth/shared_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), data, size);
  constexpr const char* kSignature = "dGhpcyBpcyBzZWNyZXQ";
  // What stands elsewhere in the URL may well be repeated, and escaping a byte before it adds
  // letters.
  if (text.find(kSignature + 4) != std::string::npos) return 0;
  const auto location = kiln::parse_blob_location(
      text + (text.find('?') == std::string::npos ? "?" : "&") + "sig=" + kSignature);
  if (!location) {
    KILN_CHECK(location.error().describe().find(kSignature) == std::string::npos);
    return 0;
  }
  KILN_CHECK(location->plain().find(kSignature) == std::string::npos);
  KILN_CHECK(!location->account.empty() && !location->container.empty());
  const auto again = kiln::parse_url(location->plain());
  KILN_CHECK(again.has_value() && again->text() == location->plain());
  const kiln::HttpRequest request{"PUT", location->plain() + "?comp=page", {}, {}};
  KILN_CHECK(kiln::shared_key_string_to_sign(location->account, request).has_value());
  return 0;
}
