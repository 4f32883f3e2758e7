#include "uploaders/auth/token_chain.h"

#include "uploaders/auth/azure_cli.h"
#include "uploaders/auth/service_principal.h"

namespace kiln {
namespace {

Result<AuthMethod> first_that_is_there(const Cloud& cloud, const TokenContext& context) {
  const auto is_set = [&](const char* name) { return context.environment.get(name).has_value(); };
  if (is_set("AZURE_CLIENT_SECRET")) return AuthMethod::kClientSecret;
  if (is_set("AZURE_CLIENT_CERTIFICATE_PATH")) return AuthMethod::kClientCertificate;
  if (is_set("AZURE_FEDERATED_TOKEN_FILE")) return AuthMethod::kWorkloadIdentity;
  if (cloud.managed_identity && has_managed_identity(context.environment, context.places)) {
    return AuthMethod::kManagedIdentity;
  }
  if (!find_program("az").empty()) return AuthMethod::kAzureCli;
  return fail(ErrorKind::kHostNotReady,
              "Auth:NoIdentity",
              "there is no credential for {} ({})",
              cloud.name,
              cloud.resource_manager)
      .cure(
          "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or "
          "AZURE_CLIENT_CERTIFICATE_PATH; or install az and run `az login`");
}

}  // namespace

Result<std::unique_ptr<TokenSource>> choose_token_source(AuthMethod method,
                                                         const Cloud& cloud,
                                                         const TokenContext& context) {
  if (method == AuthMethod::kAuto) {
    KILN_TRY_ASSIGN(method, first_that_is_there(cloud, context));
  }
  const auto& [environment, runner, redactor, transport, places] = context;
  switch (method) {
    case AuthMethod::kClientSecret:
      return make_client_secret_source(cloud, environment, transport, redactor);
    case AuthMethod::kClientCertificate:
      return make_client_certificate_source(cloud, environment, transport, redactor);
    case AuthMethod::kWorkloadIdentity:
      return make_workload_identity_source(cloud, environment, transport, redactor);
    case AuthMethod::kManagedIdentity:
      if (!cloud.managed_identity) {
        return fail(ErrorKind::kUnsupported,
                    "Auth:NoManagedIdentity",
                    "{} has no managed identities",
                    cloud.name)
            .cure("use a service principal: --auth client-secret or client-certificate");
      }
      return make_managed_identity_source(environment, transport, redactor, places);
    case AuthMethod::kAzureCli:
    case AuthMethod::kAuto:
      break;
  }
  return make_azure_cli_source(environment, runner);
}

}  // namespace kiln
