#include "uploaders/pageblob/crc64.h"

#include <array>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "uploaders/auth/base64.h"

namespace kiln {
namespace {

constexpr std::uint64_t kPolynomial = 0x9A6C9329AC4BC9B5;  // reflected
constexpr std::size_t kSlices = 8;
using Table = std::array<std::uint64_t, 256>;

/// Slicing-by-8: table k holds the effect of a byte that is followed by k zero bytes.
constexpr std::array<Table, kSlices> make_tables() {
  std::array<Table, kSlices> tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto crc = tables[slice - 1][byte];
      tables[slice][byte] = (crc >> 8U) ^ tables[0][crc & 0xFFU];
    }
  }
  return tables;
}

constexpr auto kTables = make_tables();

/// Without the exclusive-or before and after.
std::uint64_t by_tables(Bytes data, std::uint64_t crc) {
  while (data.size() >= kSlices) {
    crc ^= read_le<std::uint64_t>(data, 0);
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < kSlices; ++i) {
      next ^= kTables[kSlices - 1 - i][(crc >> (8U * i)) & 0xFFU];
    }
    crc = next;
    data = data.subspan(kSlices);
  }
  for (const auto byte : data) {
    crc = (crc >> 8U) ^ kTables[0][(crc ^ std::to_integer<std::uint64_t>(byte)) & 0xFFU];
  }
  return crc;
}

#ifdef __x86_64__

/// x to the power of n modulo the polynomial, reflected.
constexpr std::uint64_t power_of_x(unsigned n) {
  std::uint64_t power = 1ULL << 63U;
  for (; n > 0; --n) power = (power >> 1U) ^ ((power & 1U) != 0 ? kPolynomial : 0);
  return power;
}

constexpr std::size_t kLaneBytes = sizeof(__m128i);
constexpr std::size_t kLanes = 4;

#define KILN_CARRYLESS [[gnu::target("pclmul")]]

__m128i load(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

/// What multiplies a lane to move it on by `bits` of message. A reflected product comes out one
/// bit too low, hence the - 1.
__m128i shift_by(unsigned bits) {
  return _mm_set_epi64x(static_cast<long long>(power_of_x(bits - 1)),
                        static_cast<long long>(power_of_x(bits + 64 - 1)));
}

/// The lane moved on, onto what stands there.
KILN_CARRYLESS __m128i fold(__m128i lane, __m128i shift, __m128i onto) {
  const auto low = _mm_clmulepi64_si128(lane, shift, 0x00);
  const auto high = _mm_clmulepi64_si128(lane, shift, 0x11);
  return _mm_xor_si128(onto, _mm_xor_si128(low, high));
}

/// Carry-less multiplication folds the message into 16 bytes of the same remainder, at memory
/// speed (the method of Gopal et al., "Fast CRC Computation Using PCLMULQDQ", Intel 2009).
/// @param data at least kLanes * kLaneBytes
KILN_CARRYLESS std::uint64_t by_folding(Bytes data, std::uint64_t crc) {
  constexpr auto kStride = kLanes * kLaneBytes;
  __m128i lanes[kLanes];  // NOLINT(*-avoid-c-arrays): std::array warns of the type's attributes
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = load(data.data() + i * kLaneBytes);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_set_epi64x(0, static_cast<long long>(crc)));
  data = data.subspan(kStride);
  const auto stride = shift_by(8 * kStride);
  for (; data.size() >= kStride; data = data.subspan(kStride)) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i] = fold(lanes[i], stride, load(data.data() + i * kLaneBytes));
    }
  }
  const auto lane = shift_by(8 * kLaneBytes);
  auto folded = lanes[0];
  for (std::size_t i = 1; i < kLanes; ++i) folded = fold(folded, lane, lanes[i]);
  std::array<std::byte, kLaneBytes> rest{};
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest.data()), folded);
  return by_tables(data, by_tables(rest, 0));
}

bool can_fold() {
  static const bool can = static_cast<bool>(__builtin_cpu_supports("pclmul"));
  return can;
}

#endif

}  // namespace

std::uint64_t crc64(Bytes data, std::uint64_t previous) {
#ifdef __x86_64__
  if (data.size() >= kLanes * kLaneBytes && can_fold()) return ~by_folding(data, ~previous);
#endif
  return ~by_tables(data, ~previous);
}

std::string crc64_header(std::uint64_t crc) {
  std::array<std::byte, sizeof(crc)> bytes{};
  write_le(MutableBytes(bytes), 0, crc);
  return base64(bytes);
}

}  // namespace kiln
