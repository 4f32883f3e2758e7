#include "engine/template/arm/encoding.h"

#include <array>
#include <bit>
#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>

namespace kiln::arm {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    word |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8U * i);
  }
  return word;
}

constexpr std::uint32_t kFirst = 0x239B961B;
constexpr std::uint32_t kSecond = 0xAB0E9789;

std::uint32_t mix_first(std::uint32_t word) {
  return std::rotl(word * kFirst, 15) * kSecond;
}

std::uint32_t mix_second(std::uint32_t word) {
  return std::rotl(word * kSecond, 17) * kFirst;
}

std::uint32_t finish(std::uint32_t word) {
  word ^= word >> 16U;
  word *= 0x85EBCA6B;
  word ^= word >> 13U;
  word *= 0xC2B2AE35;
  return word ^ (word >> 16U);
}

/// MurmurHash3 in a shape of its own: two 32-bit lanes with seed 0 and constants of the 128-bit
/// variant.
std::uint64_t hash(std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  for (; text.size() >= 8; text.remove_prefix(8)) {
    first ^= mix_first(little_endian(text.substr(0, 4)));
    first = (std::rotl(first, 19) + second) * 5 + 0x561CCD1B;
    second ^= mix_second(little_endian(text.substr(4, 4)));
    second = (std::rotl(second, 13) + first) * 5 + 0x0BCAA747;
  }
  if (!text.empty()) first ^= mix_first(little_endian(text.substr(0, 4)));
  if (text.size() > 4) second ^= mix_second(little_endian(text.substr(4)));
  first ^= size;
  second ^= size;
  first += second;
  second += first;
  first = finish(first);
  second = finish(second);
  first += second;
  second += first;
  return (static_cast<std::uint64_t>(second) << 32U) | first;
}

std::string format_guid(std::array<unsigned char, 16> bytes, unsigned version) {
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | (version << 4U));
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = (bits << 8U) | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= group.size() ? kBase64[(bits >> (18U - 6U * k)) & 0x3FU] : '=';
    }
  }
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const auto group = text.substr(i, 4);
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last                   ? 0
                                : group.ends_with("==") ? 2
                                : group.ends_with('=')  ? 1
                                                        : 0;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const auto digit = k < 4 - padding ? kBase64.find(group[k]) : 0;
      if (digit == std::string_view::npos) return std::nullopt;
      bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k) {
      bytes += static_cast<char>((bits >> (16U - 8U * k)) & 0xFFU);
    }
  }
  return bytes;
}

bool is_utf8(std::string_view bytes) {
  const auto strict =
      nlohmann::json(bytes).dump(-1, ' ', false, nlohmann::json::error_handler_t::ignore);
  return nlohmann::json::parse(strict, nullptr, false) == nlohmann::json(bytes);
}

std::string unique_string(std::string_view text) {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  auto bits = hash(text);
  std::string result;
  for (int i = 0; i < 13; ++i) {
    result += kDigits[bits >> 59U];
    bits <<= 5U;
  }
  return result;
}

std::string name_based_guid(std::string_view text) {
  constexpr std::string_view kNameSpace(
      "\x11\xfb\x06\xfb\x71\x2d\x4d\xdd\x98\xc7\xe7\x1b\xbd\x58\x88\x30", 16);
  const auto input = std::string(kNameSpace).append(text);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(input.data(), input.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  std::array<unsigned char, 16> bytes{};
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  return format_guid(bytes, 5);
}

std::string random_guid() {
  std::random_device random;
  std::array<unsigned char, 16> bytes{};
  for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
  return format_guid(bytes, 4);
}

}  // namespace kiln::arm
