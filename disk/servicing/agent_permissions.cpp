#include "disk/servicing/agent_permissions.h"

#include <string_view>

#include "engine/core/bytes.h"

namespace kiln {
namespace {

// S-1-5-18 and S-1-5-32-544: revision, number of parts, authority (big-endian), parts.
constexpr std::string_view kSystem("\x01\x01\0\0\0\0\0\x05\x12\0\0\0", 12);
constexpr std::string_view kAdministrators("\x01\x02\0\0\0\0\0\x05\x20\0\0\0\x20\x02\0\0", 16);

template <class Number>
void append(std::string& bytes, Number number) {
  const auto at = bytes.size();
  bytes.resize(at + sizeof number);
  write_le(std::as_writable_bytes(std::span(bytes)), at, number);
}

/// An ACCESS_ALLOWED_ACE for everything.
void append_entry(std::string& list, std::string_view who, bool inherit) {
  constexpr std::uint32_t kFullAccess = 0x001F01FF;
  constexpr std::uint8_t kByFilesAndFolders = 3;
  constexpr std::size_t kHeader = 8;
  append(list, std::uint8_t{0});
  append(list, inherit ? kByFilesAndFolders : std::uint8_t{0});
  append(list, static_cast<std::uint16_t>(kHeader + who.size()));
  append(list, kFullAccess);
  list += who;
}

}  // namespace

std::string agent_permissions(bool folder) {
  std::string entries;
  append_entry(entries, kSystem, folder);
  append_entry(entries, kAdministrators, folder);

  constexpr std::uint16_t kProtectedAndSelfRelative = 0x9004;  // with an access list
  constexpr std::uint32_t kHeader = 20;
  std::string descriptor;
  append(descriptor, std::uint16_t{1});
  append(descriptor, kProtectedAndSelfRelative);
  append(descriptor, kHeader);           // the owner
  append(descriptor, kHeader);           // the group
  append(descriptor, std::uint32_t{0});  // no audit
  append(descriptor, static_cast<std::uint32_t>(kHeader + kAdministrators.size()));
  descriptor += kAdministrators;

  constexpr std::uint16_t kListHeader = 8;
  append(descriptor, std::uint16_t{2});
  append(descriptor, static_cast<std::uint16_t>(kListHeader + entries.size()));
  append(descriptor, std::uint32_t{2});  // entries
  return descriptor + entries;
}

}  // namespace kiln
