#include "disk/inspect/blkid.h"

#include <charconv>
#include <map>

#include "engine/core/text.h"

namespace kiln {
namespace {

template <class Number>
Number number_of(const std::string& text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string without_backslashes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain.push_back(text[i]);
  }
  return plain;
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

std::vector<FileSystem> read_blkid_export(std::string_view text) {
  constexpr std::string_view kDevice = "DEVNAME";
  std::vector<FileSystem> found;
  std::string device;
  std::vector<std::string> tags;
  const auto end_block = [&] {
    if (auto file_system = read_blkid(device, tags)) found.push_back(*std::move(file_system));
    tags.clear();
  };
  for (const auto& line : split_lines(text)) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    auto name = line.substr(0, equals);
    auto value = without_backslashes(std::string_view(line).substr(equals + 1));
    if (name == kDevice) {
      end_block();
      device = std::move(value);
    } else {
      tags.insert(tags.end(), {std::move(name), std::move(value)});
    }
  }
  end_block();
  return found;
}

}  // namespace kiln
