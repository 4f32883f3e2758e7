#pragma once

#include <string>
#include <string_view>

#include "engine/agent/windows/handle.h"

namespace kiln::agent {

/// What the agent did, with the time (UTC), appended to a file; nothing where none is wanted.
class Log {
 public:
  Log() = default;
  explicit Log(const std::wstring& file);
  void write(std::string_view text) const;

 private:
  UniqueHandle file_;
};

}  // namespace kiln::agent
