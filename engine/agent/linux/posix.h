#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/core/unique_fd.h"

namespace kiln::agent {

/// `cannot DO PATH: No such file or directory`, from errno.
std::string failure(std::string_view what, std::string_view path);

bool write_all(int fd, std::string_view data);
/// A small file as text; empty where it cannot be read.
std::string read_small_file(const char* path, std::size_t limit = std::size_t{1} << 20U);
/// Creates or truncates.
bool write_small_file(const std::string& path, std::string_view contents, unsigned mode);
void set_nonblocking(int fd);
/// mkdir -p; true if it is there in the end.
bool make_folders(const std::string& path);

}  // namespace kiln::agent
