#include "uploaders/pageblob/storage_error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "engine/core/text.h"

namespace kiln {
namespace {

struct KnownCode {
  std::string_view code;
  ErrorKind kind;
  std::string_view cure;
};

constexpr std::string_view kCheckCredential =
    "check that the credential belongs to this storage account, has not expired or been rotated, "
    "and that this host's clock is right";
constexpr std::string_view kCheckPermission =
    "give the SAS the permissions read, create, write and delete, or use the account's key; check "
    "the account's firewall, too";
constexpr std::string_view kLease = "break the lease, or choose another blob name";

// "Blob service error codes" and "Common REST API error codes" of the service's documentation.
constexpr std::array kKnown = {
    KnownCode{"AuthenticationFailed", ErrorKind::kRemote, kCheckCredential},
    KnownCode{"AuthorizationFailure", ErrorKind::kRemote, kCheckCredential},
    KnownCode{"InvalidAuthenticationInfo", ErrorKind::kRemote, kCheckCredential},
    KnownCode{"NoAuthenticationInformation", ErrorKind::kRemote, kCheckCredential},
    KnownCode{"AuthorizationPermissionMismatch", ErrorKind::kRemote, kCheckPermission},
    KnownCode{"AuthorizationResourceTypeMismatch", ErrorKind::kRemote, kCheckPermission},
    KnownCode{"AuthorizationServiceMismatch", ErrorKind::kRemote, kCheckPermission},
    KnownCode{"InsufficientAccountPermissions", ErrorKind::kRemote, kCheckPermission},
    KnownCode{"KeyBasedAuthenticationNotPermitted",
              ErrorKind::kRemote,
              "the account refuses Shared Key: allow it, or use a user delegation SAS"},
    KnownCode{"AuthorizationProtocolMismatch", ErrorKind::kRemote, "use an https URL"},
    KnownCode{"AccountRequiresHttps", ErrorKind::kRemote, "use an https URL"},
    KnownCode{"ContainerNotFound",
              ErrorKind::kNotFound,
              "create the container first, or correct its name in the URL"},
    KnownCode{"ResourceNotFound", ErrorKind::kNotFound, "check the URL and the account"},
    KnownCode{
        "ContainerBeingDeleted", ErrorKind::kRemote, "wait a minute, or use another container"},
    KnownCode{"BlobNotFound", ErrorKind::kNotFound, ""},
    KnownCode{"BlobAlreadyExists",
              ErrorKind::kRemote,
              "choose another name, delete the blob, or allow overwriting (--overwrite)"},
    KnownCode{"LeaseIdMissing", ErrorKind::kRemote, kLease},
    KnownCode{"LeaseIdMismatchWithBlobOperation", ErrorKind::kRemote, kLease},
    KnownCode{"LeaseAlreadyPresent", ErrorKind::kRemote, kLease},
    KnownCode{"InvalidBlobType",
              ErrorKind::kRemote,
              "the name is taken by a blob of another type: delete it or choose another name"},
    KnownCode{"SnapshotsPresent",
              ErrorKind::kRemote,
              "delete the blob's snapshots or choose another name"},
    KnownCode{"BlobImmutableDueToPolicy",
              ErrorKind::kRemote,
              "choose another name or container: this one is immutable by policy"},
    KnownCode{"FeatureNotSupportedByAccount",
              ErrorKind::kRemote,
              "use an account that holds page blobs: general purpose v2, or premium page blobs"},
    KnownCode{"BlobTypeNotSupported",
              ErrorKind::kRemote,
              "use an account that holds page blobs: general purpose v2, or premium page blobs"},
    KnownCode{"AccountBeingCreated", ErrorKind::kRemote, "try again in a few minutes"},
    KnownCode{"ServerBusy", ErrorKind::kRemote, "try again later, or with fewer workers"},
    KnownCode{"OperationTimedOut", ErrorKind::kTimeout, "try again later, or with fewer workers"},
    KnownCode{
        "SequenceNumberConditionNotMet",
        ErrorKind::kRemote,
        "another upload has put its own blob in this one's place: choose another name, or let "
        "one of them end first"},
    KnownCode{"ConditionNotMet",
              ErrorKind::kRemote,
              "somebody else changes this blob at the same time: choose another name"},
};

pugi::xml_document parse_body(const HttpResponse& response) {
  pugi::xml_document document;
  std::string_view body = response.body;
  if (body.rfind("\xEF\xBB\xBF", 0) == 0) body.remove_prefix(3);
  document.load_buffer(body.data(), body.size());
  return document;
}

bool is_code(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0;
         });
}

/// The first line of the message; the others are the request's id and time.
std::vector<std::string> message_lines(const HttpResponse& response) {
  const auto document = parse_body(response);
  const auto lines = split_lines(document.child("Error").child_value("Message"));
  std::vector<std::string> quoted;
  if (!lines.empty()) quoted.push_back(printable(lines.front()));
  if (const auto id = response.headers.get("x-ms-request-id")) {
    quoted.push_back("x-ms-request-id: " + printable(*id));
  }
  return quoted;
}

}  // namespace

std::string storage_error_code(const HttpResponse& response) {
  auto code = response.headers.value("x-ms-error-code");
  if (code.empty()) code = parse_body(response).child("Error").child_value("Code");
  return is_code(code) ? code : "";
}

Error storage_error(const HttpResponse& response,
                    const std::string& what,
                    const std::string& credential) {
  auto code = storage_error_code(response);
  if (code.empty()) code = fmt::format("Http{}", response.status);
  const auto* known = std::find_if(kKnown.begin(), kKnown.end(), [&](const KnownCode& candidate) {
    return candidate.code == code;
  });
  auto message = fmt::format("cannot {}: HTTP {} {}", what, response.status, code);
  if (response.status == 401 || response.status == 403) {
    message += fmt::format(", with the credential from {}", credential);
  }
  const bool found = known != kKnown.end();
  auto error =
      Error(found ? known->kind : ErrorKind::kRemote, "Storage:" + code, std::move(message))
          .quoting(message_lines(response));
  if (found && !known->cure.empty()) return std::move(error).cure(std::string(known->cure));
  if (response.status == 403) return std::move(error).cure(std::string(kCheckCredential));
  return error;
}

}  // namespace kiln
