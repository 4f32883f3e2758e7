#include "engine/core/digest.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "engine/core/c_handle.h"
#include "engine/core/file.h"

namespace kiln {

struct Sha256::State {
  CHandle<EVP_MD_CTX, EVP_MD_CTX_free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  KILN_CHECK(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(Bytes data) {
  KILN_CHECK(EVP_DigestUpdate(state_->context.get(), data.data(), data.size()) == 1);
}

void Sha256::update(std::string_view text) {
  update(std::as_bytes(std::span(text)));
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  KILN_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  std::string text;
  for (const auto byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256_hex(std::string_view text) {
  Sha256 digest;
  digest.update(text);
  return digest.hex();
}

Result<std::string> sha256_file(const std::filesystem::path& path, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto file, open_read_only(path));
  Sha256 digest;
  std::vector<std::byte> buffer(kMiB);
  while (true) {
    KILN_TRY(cancel.check());
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return fail(
          ErrorKind::kIo, "File:Read", "cannot read {}: {}", path.string(), strerror(errno));
    }
    if (count == 0) return digest.hex();
    digest.update(Bytes(buffer.data(), static_cast<std::size_t>(count)));
  }
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

}  // namespace kiln
