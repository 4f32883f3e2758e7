#include "uploaders/transport/transport_failure.h"

#include <algorithm>
#include <array>

#include <curl/curl.h>

namespace kiln {
namespace {

constexpr std::string_view kCheckNetwork =
    "check the host name, the network, and the proxy variables (https_proxy, no_proxy)";
constexpr std::string_view kCheckTrust =
    "add the server's certificate authority to this host's trust store "
    "(update-ca-certificates); Kiln never turns verification off";

constexpr std::array kFailures = {
    TransportFailure{
        CURLE_COULDNT_RESOLVE_HOST, ErrorKind::kRemote, "Http:Resolve", true, kCheckNetwork},
    TransportFailure{
        CURLE_COULDNT_RESOLVE_PROXY, ErrorKind::kRemote, "Http:Proxy", false, kCheckNetwork},
    TransportFailure{
        CURLE_COULDNT_CONNECT, ErrorKind::kRemote, "Http:Connect", true, kCheckNetwork},
    TransportFailure{
        CURLE_OPERATION_TIMEDOUT, ErrorKind::kTimeout, "Http:Stalled", true, kCheckNetwork},
    TransportFailure{CURLE_SEND_ERROR, ErrorKind::kRemote, "Http:Interrupted", true, ""},
    TransportFailure{CURLE_RECV_ERROR, ErrorKind::kRemote, "Http:Interrupted", true, ""},
    TransportFailure{CURLE_GOT_NOTHING, ErrorKind::kRemote, "Http:Interrupted", true, ""},
    TransportFailure{CURLE_PARTIAL_FILE, ErrorKind::kRemote, "Http:Interrupted", true, ""},
    TransportFailure{CURLE_SSL_CONNECT_ERROR, ErrorKind::kRemote, "Http:TlsHandshake", true, ""},
    TransportFailure{
        CURLE_PEER_FAILED_VERIFICATION, ErrorKind::kRemote, "Http:Tls", false, kCheckTrust},
    TransportFailure{
        CURLE_SSL_CACERT_BADFILE, ErrorKind::kHostNotReady, "Http:Tls", false, kCheckTrust},
    TransportFailure{
        CURLE_TOO_MANY_REDIRECTS, ErrorKind::kRemote, "Http:Redirects", false, "check the URL"},
    TransportFailure{
        CURLE_URL_MALFORMAT, ErrorKind::kInvalidTemplate, "Http:Url", false, "check the URL"},
    TransportFailure{CURLE_UNSUPPORTED_PROTOCOL,
                     ErrorKind::kUnsupported,
                     "Http:Protocol",
                     false,
                     "use an https URL; a redirect from https to http is not followed"},
};

constexpr TransportFailure kOther = {
    CURLE_OK, ErrorKind::kRemote, "Http:Failed", false, kCheckNetwork};

}  // namespace

std::span<const TransportFailure> transport_failures() {
  return kFailures;
}

const TransportFailure& transport_failure(int curl_code) {
  const auto* found = std::find_if(kFailures.begin(), kFailures.end(), [&](const auto& failure) {
    return failure.curl_code == curl_code;
  });
  return found == kFailures.end() ? kOther : *found;
}

}  // namespace kiln
