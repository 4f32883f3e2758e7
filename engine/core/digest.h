#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "engine/core/bytes.h"
#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(Bytes data);
  void update(std::string_view text);
  /// Lower-case hex, 64 characters. Ends this digest.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view text);
Result<std::string> sha256_file(const std::filesystem::path& path, const CancelToken& cancel = {});

/// True for 64 hex digits of either case, the form of a template's `sha256Checksum`.
bool is_sha256(std::string_view text);

}  // namespace kiln
