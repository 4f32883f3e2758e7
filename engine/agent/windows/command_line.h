#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln::agent {

/// One line that a program's C runtime takes apart into exactly these arguments
/// (CommandLineToArgvW's rules). `cmd` has rules of its own: what comes after its /c or /k is
/// handed to it as it is, joined by blanks, so the caller quotes it in cmd's way.
std::string command_line(const std::vector<std::string>& argv);

}  // namespace kiln::agent
