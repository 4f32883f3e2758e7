#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "uploaders/resource_id.h"
#include "uploaders/run_output.h"

namespace kiln {

/// A region that the version is replicated to.
struct SharedImageRegion {
  std::string name;
  std::int64_t replicas = 1;
  std::string storage = "Standard_LRS";
};

/// A SharedImage target as the template gives it.
struct SharedImageOptions {
  GalleryTarget target;
  std::vector<SharedImageRegion> regions;
  std::string scheme = "Latest";
  std::int64_t major = -1;
  bool exclude_from_latest = false;
  std::string replication_mode = "Full";
  std::string end_of_life;  ///< YYYY-MM-DD, or empty
};

/// The distributor itself: makes a version of the image definition from a managed disk that it
/// stages.
std::unique_ptr<Distributor> make_shared_image_target(RunOutput output, SharedImageOptions options);

}  // namespace kiln
