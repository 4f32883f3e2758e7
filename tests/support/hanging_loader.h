#pragma once

#include <string>
#include <string_view>

namespace kiln::test {

/// Boot code for BIOS that writes `words` (at most 140 bytes) to the first serial port and then
/// stands still.
inline std::string hanging_loader(std::string_view words) {
  std::string code("\xba\xf8\x03", 3);  // mov dx, 0x3f8
  for (const char word : words) {
    code += {'\xb0', word, '\xee'};  // mov al, WORD; out dx, al
  }
  return code + "\xeb\xfe";  // jmp to itself
}

}  // namespace kiln::test
