#pragma once

#include "engine/agent/windows/administrator.h"

namespace kiln::agent {

/// The accounts of this machine. Needs the rights of LocalSystem.
class WindowsAccounts final : public AccountSystem {
 public:
  Found find(const std::wstring& name) override;
  std::wstring make_password() override;
  std::string create(const std::wstring& name, const std::wstring& password) override;
  std::string set_password(const std::wstring& name, const std::wstring& password) override;
  std::string join_administrators(const std::wstring& name) override;
  std::string log_on(const std::wstring& name,
                     const std::wstring& password,
                     bool elevated,
                     std::unique_ptr<LogOn>& log_on) override;
  std::string remove(const std::wstring& name) override;
};

}  // namespace kiln::agent
