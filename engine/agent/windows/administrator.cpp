#include "engine/agent/windows/administrator.h"

#include <utility>

namespace kiln::agent {

std::string Administrator::log_on(bool elevated, std::unique_ptr<LogOn>& log_on) {
  if (auto error = prepare(); !error.empty()) return error;
  return system_.log_on(kName, password_, elevated, log_on);
}

std::string Administrator::prepare() {
  if (!password_.empty()) return {};
  auto password = system_.make_password();
  const auto found = system_.find(kName);
  if (found == AccountSystem::Found::kForeign) {
    return "cannot use the account kiln-build: it is there already and not of Kiln's making; "
           "remove it from the image";
  }
  const bool created = found == AccountSystem::Found::kNone;
  auto error = created ? system_.create(kName, password) : system_.set_password(kName, password);
  if (!error.empty()) return error;
  // Each time: a step may have taken it out.
  error = system_.join_administrators(kName);
  if (!error.empty()) {
    if (created) system_.remove(kName);
    return error;
  }
  password_ = std::move(password);
  return {};
}

std::string Administrator::remove() {
  password_.clear();
  if (system_.find(kName) != AccountSystem::Found::kOurs) return {};
  return system_.remove(kName);
}

}  // namespace kiln::agent
