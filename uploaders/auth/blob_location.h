#pragma once

#include <string>
#include <string_view>

#include "engine/core/secret.h"
#include "uploaders/transport/url.h"

namespace kiln {

/// A blob's or container's URL taken apart. The query, if any, is a shared access signature: it is
/// kept apart, verbatim, and treated as a credential.
struct BlobLocation {
  Url url;                ///< without query
  std::string account;    ///< from the host, or from the path's first part (see path_style)
  std::string container;  ///< decoded
  std::string blob;       ///< decoded; empty where the URL names a container only
  bool path_style = false;
  Secret sas;

  /// The blob's URL without any signature: fit for logs and run outputs.
  [[nodiscard]] std::string plain() const { return url.text(); }
  /// The container's location plus a blob name.
  [[nodiscard]] BlobLocation with_blob(std::string_view name) const;
};

/// Hosts that are addresses, `localhost` or a bare name without dots carry the account in the path
/// (`http://127.0.0.1:10000/devstoreaccount1/container/blob`), as Azurite does; all others in the
/// host name.
Result<BlobLocation> parse_blob_location(std::string_view text);

}  // namespace kiln
