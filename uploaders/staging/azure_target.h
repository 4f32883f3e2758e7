#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "uploaders/distributor.h"
#include "uploaders/run_output.h"

namespace kiln {

// What managed images and gallery versions have in common.

/// What no image can be made of in this cloud: a generation or a size that it does not have, or no
/// way to bring the disk there.
std::optional<Error> image_lacking(const Cloud& cloud, const ImageTraits& image, bool staging);

/// The access, or why a target in Azure cannot be served.
Result<AzureAccess*> require_azure(const DistributeContext& context);

/// Refuses a disk that is too large for the cloud, and an image of which it is not known what it
/// is.
/// @param disk_size bytes
Result<void> check_image(const DistributeContext& context, std::uint64_t disk_size);

/// artifactTags, and the run's marks.
nlohmann::json tags_of(const RunOutput& output, const DistributeContext& context);

/// Whether a resource was made by this step of this run.
bool is_marked(const nlohmann::json& resource, const DistributeContext& context);
/// Whether it was made by any step of the run.
bool is_of_run(const nlohmann::json& resource, const std::string& run_id);

// The service's answers are not trusted to have the types that it describes.

/// A member as text; empty where there is none.
std::string text_member(const nlohmann::json& object, const char* name);
/// A member that is an object or an array; null where there is none.
const nlohmann::json& part(const nlohmann::json& object, const char* name);
/// A member of its `properties` as text; empty where there is none.
std::string property(const nlohmann::json& resource, const char* name);

/// Regions are written `West Europe` and `westeurope`.
bool same_region(std::string_view a, std::string_view b);

}  // namespace kiln
