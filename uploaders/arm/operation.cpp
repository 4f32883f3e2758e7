#include "uploaders/arm/operation.h"

#include <nlohmann/json.hpp>

#include "engine/core/text.h"
#include "uploaders/arm/arm_error.h"

namespace kiln {
namespace {

using nlohmann::json;

json body_of(const HttpResponse& answer) {
  auto body = json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  return body.is_object() ? body : json::object();
}

std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string provisioning_state(const HttpResponse& answer) {
  const auto body = body_of(answer);
  const auto properties = body.find("properties");
  if (properties == body.end() || !properties->is_object()) return {};
  return text_of(*properties, "provisioningState");
}

bool is_success(const HttpResponse& answer) {
  return answer.status >= 200 && answer.status < 300;
}

/// Anything but the three final states means that it goes on; none at all means that there is
/// nothing to wait for.
Result<bool> judge(const std::string& state,
                   const json& error,
                   const HttpResponse& answer,
                   const std::string& what) {
  if (state.empty() || equal_ignoring_case(state, "Succeeded")) return true;
  const bool failed = equal_ignoring_case(state, "Failed");
  const bool cancelled =
      equal_ignoring_case(state, "Canceled") || equal_ignoring_case(state, "Cancelled");
  if (!failed && !cancelled) return false;
  if (error.is_object() && !text_of(error, "code").empty()) {
    return arm_operation_error(error, answer, what);
  }
  return arm_operation_error(
      {{"code", failed ? "OperationFailed" : "OperationCanceled"}}, answer, what);
}

}  // namespace

Operation follow_up(const std::string& method, const HttpResponse& first) {
  auto location = first.headers.value("Location");
  if (auto url = first.headers.value("Azure-AsyncOperation"); !url.empty()) {
    return {Operation::Style::kState, std::move(url), std::move(location)};
  }
  if (!location.empty() && (first.status == 202 || first.status == 201)) {
    return {Operation::Style::kResult, std::move(location), {}};
  }
  const auto state = provisioning_state(first);
  const bool named = !state.empty() && !equal_ignoring_case(state, "Succeeded");
  const bool resource =
      method == "PUT" ? first.status == 202 || named : method == "DELETE" && first.status == 202;
  return {resource ? Operation::Style::kResource : Operation::Style::kDone, {}, {}};
}

Result<bool> is_finished(const Operation& operation,
                         const std::string& method,
                         const HttpResponse& answer,
                         const std::string& what) {
  using Style = Operation::Style;
  if (operation.style == Style::kResource && method == "DELETE" && answer.status == 404) {
    return true;
  }
  // Of the result's URL, a refusal is the operation's end; of the others, that the state could not
  // be read, and that is an error as well.
  if (!is_success(answer)) return arm_error(answer, what);
  if (operation.style == Style::kResult) return answer.status != 202;
  if (operation.style == Style::kResource) {
    if (method == "DELETE") return false;
    const auto state = provisioning_state(answer);
    return judge(state, json(), answer, what);
  }
  const auto body = body_of(answer);
  const auto state = text_of(body, "status");
  if (state.empty()) {
    return fail(ErrorKind::kRemote,
                "Arm:BadAnswer",
                "cannot {}: the service does not tell the operation's state",
                what);
  }
  return judge(state, body.value("error", json()), answer, what);
}

}  // namespace kiln
