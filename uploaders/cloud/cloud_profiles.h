#pragma once

#include "uploaders/cloud/cloud.h"

namespace kiln {

// What the two kinds of cloud can do; names and URLs are left to fill in.

Cloud azure_profile();
Cloud stack_hub_profile();

}  // namespace kiln
