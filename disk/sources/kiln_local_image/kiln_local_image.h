#pragma once

#include <memory>

#include "disk/sources/source.h"

namespace kiln {

extern const RecordType kKilnLocalImageSource;

/// Kiln's own extension of the template, unknown to the service: a disk image on this machine,
/// without the catalog.
///   path              absolute, or relative to the template's folder
///   sha256Checksum    optional; checked before the build where given
///   osType            optional: Linux or Windows
///   hyperVGeneration  optional: V1 or V2
Result<std::unique_ptr<Source>> parse_kiln_local_image(const Record& record,
                                                       const ContractContext& context);

}  // namespace kiln
