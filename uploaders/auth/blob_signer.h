#pragma once

#include "engine/core/redact.h"
#include "uploaders/auth/environment.h"
#include "uploaders/transport/fetcher.h"

namespace kiln {

/// Signs reads of private blobs with the credential that an upload to the same account would use
/// (find_storage_credential). Other hosts, URLs that bring a signature of their own, and accounts
/// for which there is no credential get nothing. A SAS from the environment, which would be seen
/// by whoever is asked, goes to Microsoft's clouds and to this host only; a shared key's signature
/// is worth nothing elsewhere.
/// @param environment, redactor outlive the signer
RequestSigner make_blob_signer(const Environment& environment, Redactor& redactor);

}  // namespace kiln
