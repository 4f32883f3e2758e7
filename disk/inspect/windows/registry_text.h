#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disk/inspect/windows/hives.h"

namespace kiln {

/// A text as the registry holds it: UTF-16LE with a zero.
/// @param text ASCII, as all that Kiln writes there; any other byte becomes `?`
std::string registry_text(std::string_view text);

/// UTF-8 of a text (REG_SZ, REG_EXPAND_SZ), to its first zero; half pairs become U+FFFD. Nothing
/// where the value has another type.
std::optional<std::string> text_of(const RegistryValue& value);
/// The texts of a REG_MULTI_SZ; nothing where the value has another type.
std::vector<std::string> texts_of(const RegistryValue& value);
/// Nothing where the value is no REG_DWORD of four bytes.
std::optional<std::uint32_t> number_of(const RegistryValue& value);

}  // namespace kiln
