#pragma once

#include <string>

#include "uploaders/cloud/cloud.h"

namespace kiln {

// What metadata endpoints answer. Hosts that must see credentials are taken from it, so every URL
// in it has to be https, but for this machine's own.

/// `/metadata/endpoints?api-version=2022-09-01`: a list of clouds, of which the one is taken that
/// the resource manager's URL belongs to.
/// @param resource_manager the URL that was asked, without a slash at its end
Result<Cloud> parse_cloud_list(const std::string& body, const std::string& resource_manager);

/// `/metadata/endpoints?api-version=2015-01-01` of an Azure Stack Hub: one object without suffixes.
Result<Cloud> parse_stack_hub(const std::string& body, const std::string& resource_manager);

}  // namespace kiln
