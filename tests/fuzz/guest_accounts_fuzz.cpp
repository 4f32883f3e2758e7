// Account files and provisioning documents are the guest's word: whatever they hold, the name that
// comes out can be given to a command, and is not the system's.
#include <cstdint>
#include <cstring>

#include "customizers/generalize/linux/accounts.h"
#include "engine/core/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), data, size);
  const auto user = kiln::provisioned_user(text);
  KILN_CHECK(user.size() <= 32);
  KILN_CHECK(user.find_first_of("-") != 0);
  KILN_CHECK(user.find_first_of(" \t\n/:;$`'\"\\*?[]&|<>(){}~!#") == std::string::npos);
  KILN_CHECK(user.empty() || !kiln::is_ordinary_account(user + ":x:0:0::/:/bin/sh\n", user));
  (void)kiln::is_ordinary_account(text, "azureuser");
  (void)kiln::root_password_usable(text);
  return 0;
}
