#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "disk/convert/fixed_vhd.h"
#include "uploaders/distributor.h"

namespace kiln {

/// What free room means for a disk whose data is at most `disk_size`, usually far less.
enum class RoomVerdict { kEnough, kMaybe, kTooLittle };
RoomVerdict judge_room(std::uint64_t available, std::uint64_t disk_size);

/// Looks at a target file before anything is built: whether its folder can be written, has room,
/// and the name is free.
/// @param name of the file; nothing where it is not known yet
Result<void> check_local_file(const std::filesystem::path& folder,
                              const std::optional<std::string>& name,
                              const DistributeContext& context,
                              std::uint64_t disk_size);

/// Writes the disk as an Azure-ready fixed VHD; creates the folder.
Result<FixedVhd> deliver_local_file(FinishedDisk& disk,
                                    const std::filesystem::path& path,
                                    const DistributeContext& context);

}  // namespace kiln
