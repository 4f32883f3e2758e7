#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln {

/// The user that Azure's provisioning document (ovf-env.xml) names; empty where there is none, or
/// where the name is none that Linux would accept: the file is the guest's word.
std::string provisioned_user(std::string_view ovf_env);

/// True where `passwd` has `user` as an ordinary account, not one of the system's.
bool is_ordinary_account(std::string_view passwd, std::string_view user);

/// True where root can log in with a password, or with none.
bool root_password_usable(std::string_view shadow);

}  // namespace kiln
