#include "engine/core/digest.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>
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

namespace {

/// How many bytes from `at` on are a hole, which reads as zeros; 0 where nobody knows.
std::uint64_t hole_at(int fd, std::uint64_t at, std::uint64_t size) {
  const auto data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
  if (data >= 0) return std::min(static_cast<std::uint64_t>(data), size) - at;
  return errno == ENXIO ? size - at : 0;
}

}  // namespace

Result<std::string> sha256_file(const std::filesystem::path& path, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto file, open_read_only(path));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    return fail(
        ErrorKind::kIo, "File:Read", "cannot examine {}: {}", path.string(), strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::kIo, "File:NotAFile", "{} is not a regular file", path.string());
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  Sha256 digest;
  std::vector<std::byte> buffer(kMiB);
  const std::vector<std::byte> zeros(kMiB);  // reading holes would take several times as long
  for (std::uint64_t at = 0; at < size;) {
    KILN_TRY(cancel.check());
    if (const auto hole = std::min(hole_at(file.get(), at, size), kMiB); hole > 0) {
      digest.update(Bytes(zeros).first(hole));
      at += hole;
      continue;
    }
    const auto piece = MutableBytes(buffer).first(std::min(size - at, kMiB));
    KILN_TRY(pread_exactly(file.get(), piece, at, path));
    digest.update(piece);
    at += piece.size();
  }
  return digest.hex();
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

}  // namespace kiln
