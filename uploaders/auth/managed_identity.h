#pragma once

#include <filesystem>
#include <memory>

#include "uploaders/auth/environment.h"
#include "uploaders/auth/token_request.h"

namespace kiln {

/// Where a machine in Azure finds its own identity.
struct ManagedIdentityPlaces {
  std::string instance_metadata = "http://169.254.169.254";
  /// The agent of Azure Arc puts the answers to its challenges there, for those to read who may.
  std::filesystem::path arc_tokens = "/var/opt/azcmagent/tokens";
  std::filesystem::path chassis_tag = "/sys/class/dmi/id/chassis_asset_tag";
};

/// Whether this machine has an endpoint for it: by its variables (App Service, Azure Arc) or
/// because it is a virtual machine of Azure's. Nothing is asked of the network.
bool has_managed_identity(const Environment& environment, const ManagedIdentityPlaces& places = {});

/// By IDENTITY_ENDPOINT and IDENTITY_HEADER (App Service and its like), IDENTITY_ENDPOINT and
/// IMDS_ENDPOINT (Azure Arc), or else the instance metadata service of a virtual machine
/// (AZURE_POD_IDENTITY_AUTHORITY_HOST in its place). AZURE_CLIENT_ID names a user-assigned one.
std::unique_ptr<TokenSource> make_managed_identity_source(const Environment& environment,
                                                          const TokenTransport& transport,
                                                          Redactor& redactor,
                                                          ManagedIdentityPlaces places = {});

}  // namespace kiln
