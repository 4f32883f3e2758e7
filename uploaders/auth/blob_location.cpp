#include "uploaders/auth/blob_location.h"

#include <algorithm>

#include "engine/core/redact.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

bool is_address_or_bare_name(std::string_view host) {
  if (host.front() == '[') return true;
  if (host.find('.') == std::string_view::npos) return true;
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// Takes the first part off an encoded path.
std::string take_part(std::string_view& path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  const auto part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return percent_decode(part);
}

Error bad_location(std::string_view text, std::string_view why) {
  return fail(ErrorKind::kInvalidTemplate, "Blob:Url", "{} {}", printable(redact_url(text)), why)
      .cure("write https://ACCOUNT.blob.CLOUD/CONTAINER/NAME.vhd, with a SAS appended if needed");
}

}  // namespace

BlobLocation BlobLocation::with_blob(std::string_view name) const {
  auto location = *this;
  if (location.url.path.back() != '/') location.url.path += '/';
  location.url.path += percent_encode(name, /*keep_slashes=*/true);
  location.blob = name;
  return location;
}

Result<BlobLocation> parse_blob_location(std::string_view text) {
  BlobLocation location;
  KILN_TRY_ASSIGN(location.url, parse_url(text));
  location.sas = Secret(std::exchange(location.url.query, {}));
  if (!location.sas.empty() && !query_parameter(location.sas.reveal(), "sig")) {
    return bad_location(text, "has a query that is not a shared access signature (no sig=)");
  }
  location.path_style = is_address_or_bare_name(location.url.host);
  std::string_view path = location.url.path;
  location.account = location.path_style ? take_part(path)
                                         : location.url.host.substr(0, location.url.host.find('.'));
  location.container = take_part(path);
  if (location.account.empty() || location.container.empty()) {
    return bad_location(text, "names no container");
  }
  if (!path.empty()) path.remove_prefix(1);
  location.blob = percent_decode(path);
  if (location.blob.find('\0') != std::string::npos ||
      (!location.blob.empty() && location.blob.back() == '/')) {
    return bad_location(text, "does not name a blob");
  }
  return location;
}

}  // namespace kiln
