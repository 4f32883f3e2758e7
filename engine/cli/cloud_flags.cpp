#include "engine/cli/cloud_flags.h"

#include "engine/cli/choice.h"

namespace kiln {
namespace {

constexpr const char* kCloudVariable = "KILN_CLOUD";

}  // namespace

void CloudFlags::add_to(CLI::App& command) {
  static const std::map<std::string, AuthMethod> kMethods = {
      {"auto", AuthMethod::kAuto},
      {"client-secret", AuthMethod::kClientSecret},
      {"client-certificate", AuthMethod::kClientCertificate},
      {"workload-identity", AuthMethod::kWorkloadIdentity},
      {"managed-identity", AuthMethod::kManagedIdentity},
      {"azure-cli", AuthMethod::kAzureCli}};
  option_ =
      command
          .add_option(
              "--cloud",
              name,
              "Where targets in Azure go: public, china, usgovernment, or the URL of another\n"
              "cloud's resource manager, such as an Azure Stack Hub's")
          ->envname(kCloudVariable)
          ->type_name("NAME|URL")
          ->capture_default_str();
  command
      .add_option("--auth",
                  method,
                  "Who Kiln is there; auto takes the first of the others that has what it needs")
      ->envname("KILN_AUTH")
      ->transform(choice(kMethods,
                         "auto|client-secret|client-certificate|workload-identity|"
                         "managed-identity|azure-cli"));
  command
      .add_option(
          "--ca-file", ca_file, "Certificates (PEM) to trust in that cloud beside this host's own")
      ->envname("KILN_CA_FILE")
      ->check(CLI::ExistingFile);
  auto* const container =
      command
          .add_option(
              "--staging-container",
              staging.url,
              "A container's URL; managed images are made of a page blob there instead of a\n"
              "managed disk. An Azure Stack Hub needs one")
          ->envname("KILN_STAGING_CONTAINER")
          ->type_name("URL");
  command
      .add_option(
          "--staging-account",
          staging.account_id,
          "The resource id of that container's storage account; with it gallery versions are\n"
          "made of the page blob, too")
      ->envname("KILN_STAGING_ACCOUNT")
      ->type_name("ID")
      ->needs(container);
}

/// The parser does not tell an option from its variable. Where both say the same, the variable
/// is told.
std::string CloudFlags::chosen_by() const {
  if (option_->count() == 0) return "default";
  const auto variable = process_environment().get(kCloudVariable);
  return variable == name ? kCloudVariable : "--cloud";
}

Result<Cloud> CloudFlags::choose(const CancelToken& cancel) const {
  return choose_cloud(name, http(), impatient({}), cancel);
}

std::unique_ptr<AzureAccess> CloudFlags::access(Cloud cloud, Services& services) const {
  TokenContext tokens{process_environment(), *services.runner, services.redactor};
  tokens.transport.http = http();
  ArmOptions options;
  options.http = http();
  return std::make_unique<AzureAccess>(
      std::move(cloud), method, std::move(tokens), std::move(options), staging);
}

HttpOptions CloudFlags::http() const {
  HttpOptions options;
  options.ca_file = ca_file;
  return options;
}

}  // namespace kiln
