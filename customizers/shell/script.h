#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kiln {

/// One script of a Shell customizer's `inline` elements, as Packer joins them: each element is a
/// line, and `#!/bin/sh -e` stands first unless the first element brings its own `#!`.
std::string join_inline(std::span<const std::string> lines);

/// Line ends as Packer's upload makes them: CRLF becomes LF, and the last line gets one.
std::string to_unix_lines(std::string_view text);

}  // namespace kiln
