#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <variant>

#include "engine/core/redact.h"
#include "uploaders/auth/blob_location.h"
#include "uploaders/auth/environment.h"
#include "uploaders/auth/renewable_secret.h"
#include "uploaders/auth/shared_key.h"

namespace kiln {

/// A shared access signature: a query string that is appended as it is, never re-encoded.
struct SasToken {
  Secret query;
};

/// The same with an end that can be put off, as a managed disk's write access has it.
struct RenewableSas {
  std::shared_ptr<RenewableSecret> query;
};

/// A token of Entra ID or AD FS for the storage audience.
struct BearerToken {
  std::shared_ptr<RenewableSecret> token;
};

struct StorageCredential {
  std::variant<SasToken, SharedKey, RenewableSas, BearerToken> value;
  std::string origin;  ///< for messages: where it was found
};

/// The first of these that is there decides; nothing is tried out against the service:
///   1. a SAS in the URL itself
///   2. KILN_STORAGE_KEY_FILE: a file that holds the account's key
///   3. AZURE_STORAGE_SAS_TOKEN
///   4. AZURE_STORAGE_KEY; AZURE_STORAGE_ACCOUNT, if set, must be the URL's account
///   5. AZURE_STORAGE_CONNECTION_STRING: AccountName with AccountKey or SharedAccessSignature, and
///      BlobEndpoint; or UseDevelopmentStorage=true
/// Every value is made known to the redactor before it is returned.
Result<StorageCredential> find_storage_credential(const BlobLocation& target,
                                                  const Environment& environment,
                                                  Redactor& redactor);

/// Adds what the credential demands to a request whose x-ms- headers are complete: the SAS to the
/// URL, or Authorization (and x-ms-date) to the headers. A bearer token travels encrypted, or
/// within this host, or not at all.
/// @return the renewable secret that was used, for `renew`; empty where the credential has none
Result<Secret> authorize(const StorageCredential& credential,
                         std::chrono::system_clock::time_point now,
                         HttpRequest& request,
                         const CancelToken& cancel = {});

/// After the service refused `used`: true where the credential could be renewed.
Result<bool> renew(const StorageCredential& credential,
                   const Secret& used,
                   const CancelToken& cancel);

/// Refuses a SAS that says itself that it cannot do the work: expired (`se`), not valid yet (`st`)
/// or without the permission to write (`sp`). What it does not say is left to the service.
Result<void> check_sas(const SasToken& sas, std::chrono::system_clock::time_point now);

}  // namespace kiln
