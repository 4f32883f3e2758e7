// What the guest's account files and provisioning document say.
#include "customizers/generalize/linux/accounts.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
    "azureuser:x:1000:1000::/home/azureuser:/bin/bash\n"
    "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
    "broken\n"
    "odd:x:notanumber:1::/:/bin/sh\n";

TEST(ProvisionedUser, FindsTheNameWithAndWithoutPrefix) {
  EXPECT_EQ(provisioned_user("<a><ns1:UserName>azureuser</ns1:UserName></a>"), "azureuser");
  EXPECT_EQ(provisioned_user("<a><UserName> kiln-build </UserName></a>"), "kiln-build");
  EXPECT_EQ(provisioned_user("<a><UserName>first.last_2</UserName></a>"), "first.last_2");
}

TEST(ProvisionedUser, RefusesWhatIsNoAccountName) {
  EXPECT_EQ(provisioned_user(""), "");
  EXPECT_EQ(provisioned_user("<a/>"), "");
  EXPECT_EQ(provisioned_user("<UserName></UserName>"), "");
  EXPECT_EQ(provisioned_user("<UserName>"), "");
  EXPECT_EQ(provisioned_user("<UserName>-rf</UserName>"), "");
  EXPECT_EQ(provisioned_user("<UserName>a b</UserName>"), "");
  EXPECT_EQ(provisioned_user("<UserName>a;reboot</UserName>"), "");
  EXPECT_EQ(provisioned_user("<UserName>../etc</UserName>"), "");
  EXPECT_EQ(provisioned_user("<UserName>" + std::string(33, 'a') + "</UserName>"), "");
}

TEST(IsOrdinaryAccount, LeavesTheSystemsOwnAlone) {
  EXPECT_TRUE(is_ordinary_account(kPasswd, "azureuser"));
  EXPECT_FALSE(is_ordinary_account(kPasswd, "root"));
  EXPECT_FALSE(is_ordinary_account(kPasswd, "daemon"));
  EXPECT_FALSE(is_ordinary_account(kPasswd, "nobody"));
  EXPECT_FALSE(is_ordinary_account(kPasswd, "odd"));
  EXPECT_FALSE(is_ordinary_account(kPasswd, "broken"));
  EXPECT_FALSE(is_ordinary_account(kPasswd, "azure"));
  EXPECT_FALSE(is_ordinary_account("", "azureuser"));
}

TEST(RootPasswordUsable, KnowsLockedFromUsable) {
  EXPECT_TRUE(root_password_usable("root:$y$j9T$abc:19000:0:99999:7:::\n"));
  EXPECT_TRUE(root_password_usable("root::19000::::::\n"));
  EXPECT_FALSE(root_password_usable("root:*:19000::::::\n"));
  EXPECT_FALSE(root_password_usable("root:!:19000::::::\n"));
  EXPECT_FALSE(root_password_usable("root:!$y$abc:19000::::::\n"));
  EXPECT_FALSE(root_password_usable("root:*LOCK*:14600::::::"));
  EXPECT_FALSE(root_password_usable("user:$y$abc:1::::::\nrooty:$y$:1::::::\n"));
  EXPECT_FALSE(root_password_usable(""));
}

}  // namespace
}  // namespace kiln
