// parseCidr, cidrSubnet, cidrHost, for IPv4 and IPv6.
#include <arpa/inet.h>
#include <array>
#include <charconv>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

/// An address as bytes in network order; the first `bits / 8` of them count.
struct Network {
  std::array<unsigned char, 16> address{};
  unsigned bits = 32;  ///< of an address
  unsigned prefix = 0;

  [[nodiscard]] int family() const { return bits == 32 ? AF_INET : AF_INET6; }
};

void set_bit(Network& network, unsigned bit, bool value) {
  const auto mask = static_cast<unsigned char>(0x80U >> (bit % 8));
  auto& byte = network.address[bit / 8];
  byte = static_cast<unsigned char>(value ? byte | mask : byte & ~mask);
}

Network with_host_bits(Network network, bool value) {
  for (auto bit = network.prefix; bit < network.bits; ++bit) set_bit(network, bit, value);
  return network;
}

/// Adds to the bits above `low`; the caller has made sure that they can hold it.
Network plus(Network network, std::uint64_t amount, unsigned low = 0) {
  for (unsigned bit = network.bits - low; bit > 0 && amount > 0; --bit, amount >>= 1U) {
    if ((amount & 1U) == 0) continue;
    for (unsigned carry = bit; carry > 0; --carry) {
      const bool was = ((network.address[(carry - 1) / 8] >> (7U - (carry - 1) % 8)) & 1U) != 0;
      set_bit(network, carry - 1, !was);
      if (!was) break;
    }
  }
  return network;
}

Network minus_one(Network network) {
  for (unsigned bit = network.bits; bit > 0; --bit) {
    const bool was = ((network.address[(bit - 1) / 8] >> (7U - (bit - 1) % 8)) & 1U) != 0;
    set_bit(network, bit - 1, !was);
    if (was) break;
  }
  return network;
}

std::string show(const Network& network) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(network.family(), network.address.data(), text.data(), text.size());
  return text.data();
}

std::string show_with_prefix(const Network& network) {
  return fmt::format("{}/{}", show(network), network.prefix);
}

Result<Network> network_at(const Call& call, std::size_t index) {
  KILN_TRY_ASSIGN(const auto text, call.string(index));
  const auto slash = text.find('/');
  Network network;
  const auto address = text.substr(0, slash);
  network.bits = address.find(':') == std::string::npos ? 32 : 128;
  bool sound = slash != std::string::npos &&
               inet_pton(network.family(), address.c_str(), network.address.data()) == 1;
  if (sound) {
    const auto* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + slash + 1, end, network.prefix);
    sound = parsed.ec == std::errc() && parsed.ptr == end && network.prefix <= network.bits;
  }
  if (sound) return network;
  return call.error(
      fmt::format("\"{}\" is no address range, such as 10.0.0.0/24", printable(text, 60)));
}

Result<Value> parse_cidr(const Call& call) {
  KILN_TRY_ASSIGN(const auto network, network_at(call, 0));
  const auto first = with_host_bits(network, false);
  const auto last = with_host_bits(network, true);
  const auto hosts = network.bits - network.prefix;
  nlohmann::json range = {{"network", show(first)}, {"cidr", network.prefix}};
  Network mask;
  mask.bits = network.bits;
  mask.prefix = network.prefix;
  for (unsigned bit = 0; bit < mask.prefix; ++bit) set_bit(mask, bit, true);
  range["netmask"] = show(mask);
  const bool is_v4 = network.bits == 32;
  if (is_v4) range["broadcast"] = show(last);
  const bool all = !is_v4 || hosts < 2;
  range["firstUsable"] = show(all ? first : plus(first, 1));
  range["lastUsable"] = show(all ? last : minus_one(last));
  return made(std::move(range));
}

Result<Value> cidr_subnet(const Call& call) {
  KILN_TRY_ASSIGN(const auto network, network_at(call, 0));
  KILN_TRY_ASSIGN(const auto prefix, call.integer(1));
  KILN_TRY_ASSIGN(const auto index, call.integer(2));
  if (prefix < network.prefix || prefix > network.bits) {
    return call.error(
        fmt::format("the new prefix must be between {} and {}", network.prefix, network.bits));
  }
  const auto extra = static_cast<unsigned>(prefix) - network.prefix;
  if (index < 0 || (extra < 63 && index >= (std::int64_t{1} << extra))) {
    return call.error(fmt::format("there is no subnet {} of that size", index));
  }
  auto subnet = with_host_bits(network, false);
  subnet =
      plus(subnet, static_cast<std::uint64_t>(index), network.bits - static_cast<unsigned>(prefix));
  subnet.prefix = static_cast<unsigned>(prefix);
  return made(show_with_prefix(subnet));
}

Result<Value> cidr_host(const Call& call) {
  KILN_TRY_ASSIGN(const auto network, network_at(call, 0));
  KILN_TRY_ASSIGN(const auto index, call.integer(1));
  const auto hosts = network.bits - network.prefix;
  const bool skips = network.bits == 32 && hosts >= 2;  // the network's own address
  const auto limit = hosts >= 62 ? INT64_MAX : (std::int64_t{1} << hosts) - (skips ? 2 : 0);
  if (index < 0 || index >= limit) {
    return call.error(fmt::format("there is no host {} in this range", index));
  }
  return made(show(
      plus(with_host_bits(network, false), static_cast<std::uint64_t>(index) + (skips ? 1 : 0))));
}

constexpr std::array kFunctions = {
    Function{"cidrHost", 2, 2, cidr_host},
    Function{"cidrSubnet", 3, 3, cidr_subnet},
    Function{"parseCidr", 1, 1, parse_cidr},
};

}  // namespace

std::span<const Function> cidr_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
