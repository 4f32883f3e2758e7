#include "disk/inspect/blkid.h"

#include <charconv>
#include <map>

namespace kiln {
namespace {

template <class Number>
Number number_of(const std::string& text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::optional<FileSystem> read_blkid(const std::string& device,
                                     const std::vector<std::string>& tags) {
  std::map<std::string, std::string> values;
  for (std::size_t i = 0; i + 1 < tags.size(); i += 2) values[tags[i]] = tags[i + 1];
  FileSystem found;
  found.device = device;
  found.type = values["TYPE"];
  found.label = values["LABEL"];
  found.uuid = values["UUID"];
  found.part_uuid = values["PART_ENTRY_UUID"];
  found.part_label = values["PART_ENTRY_NAME"];
  if (values.contains("PART_ENTRY_NUMBER")) {
    constexpr std::uint64_t kSector = 512;  // blkid's unit, whatever the disk's is
    found.partition = Partition{values["PART_ENTRY_SCHEME"],
                                number_of<int>(values["PART_ENTRY_NUMBER"]),
                                number_of<std::uint64_t>(values["PART_ENTRY_OFFSET"]) * kSector,
                                number_of<std::uint64_t>(values["PART_ENTRY_SIZE"]) * kSector,
                                values["PART_ENTRY_TYPE"]};
  }
  if (found.type.empty() && !found.partition) return std::nullopt;
  return found;
}

}  // namespace kiln
