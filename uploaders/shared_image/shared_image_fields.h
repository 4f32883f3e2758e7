#pragma once

#include <array>

#include "uploaders/run_output.h"

namespace kiln::shared_image {

inline constexpr std::array<std::string_view, 3> kStorageTypes = {
    "Standard_LRS", "Standard_ZRS", "Premium_LRS"};
inline constexpr std::array<std::string_view, 2> kSchemes = {"Latest", "Source"};
inline constexpr std::array<std::string_view, 2> kReplicationModes = {"Full", "Shallow"};

inline constexpr std::array kRegionFields = {
    Field{.name = "name", .help = "the region", .required = true},
    Field{.name = "replicaCount",
          .kind = FieldKind::kInteger,
          .help = "replicas in the region; 1 where absent",
          .minimum = 1},
    Field{
        .name = "storageAccountType", .help = "Standard_LRS where absent", .values = kStorageTypes},
};
inline constexpr std::array kRegionHints = {
    Hint{.name = "region", .field = "name"},
    Hint{.name = "regionalReplicaCount", .field = "replicaCount"},
    Hint{.name = "replicas", .field = "replicaCount"},
};
inline constexpr RecordType kRegion{.name = "targetRegions",
                                    .help = "a region that the version is replicated to",
                                    .fields = kRegionFields,
                                    .hints = kRegionHints,
                                    .since = ApiVersion::k2022July};

inline constexpr std::array kVersioningFields = {
    Field{.name = "scheme",
          .help = "Latest: the next patch; Source: the source image's number",
          .required = true,
          .values = kSchemes},
    Field{.name = "major",
          .kind = FieldKind::kInteger,
          .help = "major version of scheme Latest; -1 is any",
          .minimum = -1},
};
inline constexpr RecordType kVersioning{.name = "versioning",
                                        .help = "how the new version gets its number",
                                        .fields = kVersioningFields,
                                        .since = ApiVersion::k2022July};

inline constexpr std::array kFields = {
    kRunOutputNameField,
    kArtifactTagsField,
    Field{.name = "galleryImageId",
          .help = "resource id of the image definition, or of a version to make",
          .required = true},
    Field{.name = "replicationRegions",
          .kind = FieldKind::kStrings,
          .help = "regions; targetRegions since 2022-07-01"},
    Field{.name = "storageAccountType",
          .help = "for replicationRegions only",
          .since = ApiVersion::k2020,
          .values = kStorageTypes},
    Field{.name = "excludeFromLatest",
          .kind = FieldKind::kBoolean,
          .help = "the version is not taken for latest",
          .since = ApiVersion::k2020},
    Field{.name = "targetRegions",
          .kind = FieldKind::kObjects,
          .help = "regions with replicas; this or replicationRegions",
          .since = ApiVersion::k2022July,
          .object = &kRegion},
    Field{.name = "versioning",
          .kind = FieldKind::kObject,
          .help = "numbering of the new version; scheme Latest where absent",
          .since = ApiVersion::k2022July,
          .object = &kVersioning},
    Field{.name = "replicationMode",
          .help = "Full where absent",
          .since = ApiVersion::k2025,
          .values = kReplicationModes},
    Field{.name = "endOfLifeDate",
          .help = "when the version should not be used any more: YYYY-MM-DD, in UTC",
          .extension = true},
};

inline constexpr std::array kHints = {
    Hint{.name = "regions", .field = "targetRegions"},
    Hint{"location", "a SharedImage target has no location", "name the regions in targetRegions"},
    Hint{"imageId",
         "a SharedImage target has no imageId",
         "write galleryImageId, or use the type ManagedImage"},
    Hint{"sigDefId", "a SharedImage target has no sigDefId", "write galleryImageId"},
};

}  // namespace kiln::shared_image
