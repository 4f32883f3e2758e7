#include "uploaders/arm/arm_client.h"

#include <algorithm>
#include <array>

#include "engine/core/json.h"
#include "engine/core/text.h"
#include "uploaders/arm/arm_error.h"
#include "uploaders/arm/operation.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kShortestWait{20};
constexpr milliseconds kLongestWait{600'000};

bool is_success(const HttpResponse& response) {
  return response.status >= 200 && response.status < 300;
}

/// Ids are written by hand, and may hold what a URL may not.
std::string url_of(const std::string& base, const ArmResource& resource) {
  return fmt::format(
      "{}{}?api-version={}", base, percent_encode(resource.id, true), resource.api_version);
}

bool worth_another(const HttpResponse& answer) {
  if (worth_retrying(answer.status)) return true;
  if (answer.status != 409) return false;
  constexpr std::array<std::string_view, 4> kPassing = {
      "AnotherOperationInProgress", "Conflict", "RetryableError", "OperationPreempted"};
  const auto code = arm_error_code(answer);
  return std::find(kPassing.begin(), kPassing.end(), code) != kPassing.end();
}

Result<json> read_body(const HttpResponse& response, const std::string& what) {
  if (trim(response.body).empty()) return json();
  auto body = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_discarded()) return body;
  return fail(ErrorKind::kRemote, "Arm:BadAnswer", "cannot {}: the answer is not JSON", what);
}

}  // namespace

/// One request, and what it is for.
struct ArmClient::Call {
  std::string method;
  std::string url;
  std::string body = {};
  std::string what = {};  ///< the activity, for errors
};

ArmClient::ArmClient(std::string resource_manager,
                     std::shared_ptr<RenewableSecret> tokens,
                     ArmOptions options,
                     std::unique_ptr<HttpSession> session)
    : resource_manager_(std::move(resource_manager)),
      tokens_(std::move(tokens)),
      options_(std::move(options)),
      session_(std::move(session)) {}

Result<ArmClient> ArmClient::open(std::string resource_manager,
                                  std::shared_ptr<RenewableSecret> tokens,
                                  ArmOptions options) {
  KILN_TRY_ASSIGN(auto session, open_http_session(options.http));
  return ArmClient(
      std::move(resource_manager), std::move(tokens), std::move(options), std::move(session));
}

Result<std::optional<json>> ArmClient::get(const ArmResource& resource, const CancelToken& cancel) {
  const Call call{"GET", url_of(resource_manager_, resource), {}, "read " + resource.id};
  KILN_TRY_ASSIGN(const auto answer, send(call, cancel));
  // A wrong subscription or group, or a type that is unknown here, is worth a word of its own.
  const auto code = arm_error_code(answer);
  if (answer.status == 404 && (code.empty() || code == "ResourceNotFound" || code == "NotFound")) {
    return std::nullopt;
  }
  if (!is_success(answer)) return arm_error(answer, call.what);
  KILN_TRY_ASSIGN(auto body, read_body(answer, call.what));
  return body;
}

Result<std::vector<json>> ArmClient::list(const ArmResource& collection,
                                          const CancelToken& cancel) {
  std::vector<json> all;
  Call call{"GET", url_of(resource_manager_, collection), {}, "list " + collection.id};
  while (!call.url.empty()) {
    KILN_TRY(require_own(call.url));
    KILN_TRY_ASSIGN(const auto answer, send(call, cancel));
    if (!is_success(answer)) return arm_error(answer, call.what);
    KILN_TRY_ASSIGN(const auto page, read_body(answer, call.what));
    if (!page.is_object() || !page.contains("value") || !page["value"].is_array()) {
      return fail(ErrorKind::kRemote, "Arm:BadAnswer", "cannot {}: no list came back", call.what);
    }
    all.insert(all.end(), page["value"].begin(), page["value"].end());
    const auto next = page.find("nextLink");
    call.url = next != page.end() && next->is_string() ? next->get<std::string>() : "";
  }
  return all;
}

Result<json> ArmClient::put(const ArmResource& resource,
                            const json& body,
                            const CancelToken& cancel) {
  const Call call{
      "PUT", url_of(resource_manager_, resource), dump_json(body), "create " + resource.id};
  return run(call, cancel);
}

Result<json> ArmClient::settle(const ArmResource& resource, const CancelToken& cancel) {
  // As after a PUT that is waited for by the resource's own state.
  const Call call{"PUT", url_of(resource_manager_, resource), {}, "create " + resource.id};
  HttpResponse accepted;
  accepted.status = 202;
  accepted.headers.add("Retry-After", "0");
  return wait(call, std::move(accepted), cancel);
}

Result<json> ArmClient::post(const ArmResource& resource,
                             const std::string& action,
                             const json& body,
                             const CancelToken& cancel) {
  const Call call{"POST",
                  url_of(resource_manager_, resource.child(action)),
                  body.is_null() ? "" : dump_json(body),
                  fmt::format("{} of {}", action, resource.id)};
  return run(call, cancel);
}

Result<void> ArmClient::remove(const ArmResource& resource, const CancelToken& cancel) {
  const Call call{"DELETE", url_of(resource_manager_, resource), {}, "delete " + resource.id};
  auto done = run(call, cancel);
  if (done || done.error().kind() == ErrorKind::kNotFound) return {};
  return std::move(done).error();
}

Result<json> ArmClient::run(const Call& call, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto first, send(call, cancel));
  if (!is_success(first)) return arm_error(first, call.what);
  return wait(call, std::move(first), cancel);
}

Result<json> ArmClient::wait(const Call& call, HttpResponse first, const CancelToken& cancel) {
  const auto operation = follow_up(call.method, first);
  if (operation.style == Operation::Style::kDone) return read_body(first, call.what);
  const bool resource = operation.style == Operation::Style::kResource;
  const auto end = std::chrono::steady_clock::now() + options_.longest_operation;
  auto answer = std::move(first);
  Call look{"GET", resource ? call.url : operation.url, {}, call.what};
  for (;;) {
    const auto asked = server_delay(answer.headers, std::chrono::system_clock::now());
    KILN_TRY_WHILE(
        wait_for(std::clamp(asked.value_or(options_.poll_interval), kShortestWait, kLongestWait),
                 cancel),
        "waiting for the service to {}",
        call.what);
    if (std::chrono::steady_clock::now() > end) {
      return fail(ErrorKind::kTimeout,
                  "Arm:TimedOut",
                  "the service has not finished to {} within {}",
                  call.what,
                  format_duration(options_.longest_operation))
          .cure("look at the resource in the portal; the service may still finish it");
    }
    KILN_TRY(require_own(look.url));
    KILN_TRY_ASSIGN(answer, send(look, cancel));
    KILN_TRY_ASSIGN(const bool finished, is_finished(operation, call.method, answer, call.what));
    if (finished) break;
    // The place of a result may move while it is waited for.
    if (const auto moved = answer.headers.get("Location");
        moved && operation.style == Operation::Style::kResult) {
      look.url = *moved;
    }
  }
  if (call.method == "DELETE") return json();
  if (operation.style != Operation::Style::kState) return read_body(answer, call.what);
  if (call.method == "POST" && operation.result.empty()) return json();
  look.url = call.method == "PUT" ? call.url : operation.result;
  KILN_TRY(require_own(look.url));
  KILN_TRY_ASSIGN(answer, send(look, cancel));
  if (!is_success(answer)) return arm_error(answer, call.what);
  return read_body(answer, call.what);
}

Result<HttpResponse> ArmClient::send(const Call& call, const CancelToken& cancel) {
  Secret used;
  KILN_TRY_ASSIGN(auto answer, send_once(call, used, cancel));
  if (answer.status != 401) return answer;
  KILN_TRY(tokens_->renew(used, cancel));
  return send_once(call, used, cancel);
}

Result<HttpResponse> ArmClient::send_once(const Call& call,
                                          Secret& used,
                                          const CancelToken& cancel) {
  const auto make = [&]() -> Result<HttpRequest> {
    KILN_TRY_ASSIGN(used, tokens_->value(cancel));
    HttpRequest request{call.method, call.url, {}, std::as_bytes(std::span(call.body))};
    request.headers.add("Authorization", "Bearer " + used.reveal());
    request.headers.add("Accept", "application/json");
    if (!call.body.empty()) request.headers.add("Content-Type", "application/json");
    return request;
  };
  RetryHooks hooks;
  hooks.again = worth_another;
  auto exchange = send_with_retry(*session_, make, options_.retry, cancel, hooks);
  if (exchange) return std::move(exchange->response);
  return std::move(exchange).error();
}

Result<void> ArmClient::require_own(const std::string& url) const {
  KILN_TRY_ASSIGN(const auto own, parse_url(resource_manager_));
  KILN_TRY_ASSIGN(const auto other, parse_url(url));
  const bool same_host = other.host == own.host || other.host.ends_with("." + own.host);
  if (same_host && other.scheme == own.scheme && other.port == own.port) return {};
  return fail(ErrorKind::kRemote,
              "Arm:ForeignUrl",
              "{} refers to {}, which is not its own and gets no token",
              resource_manager_,
              other.origin());
}

}  // namespace kiln
