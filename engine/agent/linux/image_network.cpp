#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "engine/agent/linux/image_tool.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

constexpr const char* kCard = "eth0";

sockaddr address_of(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof generic);
  return generic;
}

ifreq request_for(const char* card) {
  ifreq request{};
  std::strncpy(request.ifr_name, card, sizeof request.ifr_name - 1);
  return request;
}

bool set_address(int socket, const char* card, unsigned long what, const std::string& address) {
  auto request = request_for(card);
  request.ifr_addr = address_of(address);
  return ::ioctl(socket, what, &request) == 0;
}

bool bring_up(int socket, const char* card) {
  auto request = request_for(card);
  if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

bool add_default_route(int socket, const std::string& gateway) {
  rtentry route{};
  route.rt_dst = address_of("0.0.0.0");
  route.rt_genmask = address_of("0.0.0.0");
  route.rt_gateway = address_of(gateway);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  return ::ioctl(socket, SIOCADDRT, &route) == 0;
}

}  // namespace

void bring_up_loopback() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket) bring_up(socket.get(), "lo");
}

bool add_loopback_address(const std::string& address) {
  if (address.rfind("127.", 0) == 0) return true;  // it has them all
  static int number = 0;
  const auto alias = "lo:kiln" + std::to_string(++number);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket && set_address(socket.get(), alias.c_str(), SIOCSIFADDR, address) &&
         set_address(socket.get(), alias.c_str(), SIOCSIFNETMASK, "255.255.255.255");
}

int set_up_network(const std::vector<std::string>& arguments) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const bool up = socket && set_address(socket.get(), kCard, SIOCSIFADDR, arguments[0]) &&
                  set_address(socket.get(), kCard, SIOCSIFNETMASK, arguments[1]) &&
                  bring_up(socket.get(), kCard) && add_default_route(socket.get(), arguments[2]);
  return up ? 0 : tool_failure("set up", kCard);
}

}  // namespace kiln::agent
