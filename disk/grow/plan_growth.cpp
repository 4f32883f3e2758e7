#include "disk/grow/plan_growth.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/core/bytes.h"
#include "engine/core/result.h"

namespace kiln {
namespace {

constexpr std::string_view kGpt = "gpt";
constexpr std::uint64_t kSector = 512;
/// GPT ends with a copy of its 128 entries of 128 bytes and of its header.
constexpr std::uint64_t kGptTail = 33 * kSector;
/// MBR counts sectors in 32 bits.
constexpr std::uint64_t kMbrReach = (std::uint64_t{1} << 32) * kSector;

bool is_extendable(std::string_view type) {
  constexpr std::array<std::string_view, 6> kTypes = {
      "ext2", "ext3", "ext4", "xfs", "btrfs", kLvmMember};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

bool is_subvolume(const FileSystem& each) {
  return each.device.substr(0, kBtrfsVolume.size()) == kBtrfsVolume;
}

const FileSystem* last_partition(const std::vector<FileSystem>& file_systems) {
  const FileSystem* last = nullptr;
  for (const auto& each : file_systems) {
    if (!each.partition || is_subvolume(each)) continue;
    if (last == nullptr || each.partition->offset > last->partition->offset) last = &each;
  }
  return last;
}

/// The first multiple of a MiB that a partition of such a table may end at.
std::uint64_t largest_end(std::string_view table, std::uint64_t disk_size) {
  const auto end =
      table == kGpt ? disk_size - std::min(disk_size, kGptTail) : std::min(disk_size, kMbrReach);
  return end - end % kMiB;
}

/// The device of the file system or volume that `root` is on, a subvolume or not.
FileSystem container_of(const std::vector<FileSystem>& file_systems, const std::string& root) {
  for (const auto& each : file_systems) {
    if (is_subvolume(each)) continue;
    const auto inside = fmt::format("{}{}/", kBtrfsVolume, each.device);
    if (each.device == root || root.substr(0, inside.size()) == inside) return each;
  }
  return {};
}

std::string cannot_grow(const FileSystem& last) {
  return fmt::format("the last partition, {} ({}), cannot grow",
                     last.device,
                     last.type.empty() ? "unknown contents" : last.type);
}

void add_partitions(const std::vector<FileSystem>& file_systems,
                    const Partition& last,
                    std::uint64_t end,
                    Growth& growth) {
  for (const auto& each : file_systems) {
    if (!each.partition || each.partition->number == last.number) continue;
    const bool contains =
        each.partition->offset < last.offset && each.partition->end() >= last.end();
    if (contains && each.partition->end() < end) {
      growth.partitions.push_back({each.partition->number, end});
    }
  }
  growth.partitions.push_back({last.number, end});
}

}  // namespace

Growth plan_growth(const std::vector<FileSystem>& file_systems,
                   const std::string& root,
                   std::uint64_t disk_size) {
  Growth growth;
  const auto* last = last_partition(file_systems);
  if (last != nullptr) {
    const auto end = largest_end(last->partition->table, disk_size);
    if (last->partition->end() >= end) return growth;
    growth.moves_backup_table = last->partition->table == kGpt;
    if (!is_extendable(last->type)) {
      growth.obstacle = cannot_grow(*last);
      return growth;
    }
    add_partitions(file_systems, *last->partition, end, growth);
  } else if (!file_systems.empty() && is_extendable(file_systems.front().type)) {
    last = &file_systems.front();  // the whole disk, without a table
  } else {
    growth.obstacle = "the disk has no partition that could grow";
    return growth;
  }
  growth.last = *last;
  if (last->type == kLvmMember) {
    auto holder = container_of(file_systems, root);
    if (!holder.partition && is_extendable(holder.type)) growth.root = std::move(holder);
  }
  return growth;
}

}  // namespace kiln
