#pragma once

#include <filesystem>

#include "engine/core/result.h"

namespace kiln {

/// A private folder (mode 0700), removed with its contents on scope exit.
class TempDir {
 public:
  /// @param parent must exist; empty means the system's folder for temporary files
  static Result<TempDir> create(const std::filesystem::path& parent = {});
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Gives the folder up: it stays.
  std::filesystem::path keep() { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace kiln
