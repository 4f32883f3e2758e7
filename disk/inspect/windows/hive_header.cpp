#include "disk/inspect/windows/hive_header.h"

#include "engine/core/bytes.h"

namespace kiln {

HiveState hive_state(std::string_view header) {
  constexpr std::size_t kFirstSequence = 4;
  constexpr std::size_t kSecondSequence = 8;
  constexpr std::size_t kChecksum = 508;
  if (header.size() < kHiveHeader || !header.starts_with("regf")) return HiveState::kDamaged;
  const Bytes bytes = std::as_bytes(std::span(header));
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < kChecksum; at += 4) sum ^= read_le<std::uint32_t>(bytes, at);
  // Windows writes neither of these two.
  if (sum == 0) sum = 1;
  if (sum == 0xFFFFFFFF) sum = 0xFFFFFFFE;
  if (read_le<std::uint32_t>(bytes, kChecksum) != sum) return HiveState::kDamaged;
  const bool same = read_le<std::uint32_t>(bytes, kFirstSequence) ==
                    read_le<std::uint32_t>(bytes, kSecondSequence);
  return same ? HiveState::kClean : HiveState::kDirty;
}

}  // namespace kiln
