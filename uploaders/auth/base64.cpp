#include "uploaders/auth/base64.h"

#include <openssl/evp.h>

namespace kiln {

std::string base64(Bytes data) {
  std::string encoded((data.size() + 2) / 3 * 4 + 1, '\0');
  const auto length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                      reinterpret_cast<const unsigned char*>(data.data()),
                                      static_cast<int>(data.size()));
  encoded.resize(static_cast<std::size_t>(length));
  return encoded;
}

std::optional<std::vector<std::byte>> decode_base64(std::string_view text) {
  const auto last = text.find_last_not_of('=');
  if (text.size() % 4 != 0 || last == std::string_view::npos) return std::nullopt;
  const auto padding = text.size() - 1 - last;
  // EVP_DecodeBlock takes padding anywhere for zeros.
  if (padding > 2 || text.find('=') < last) return std::nullopt;
  std::vector<std::byte> decoded(text.size() / 4 * 3);
  const auto length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  decoded.resize(static_cast<std::size_t>(length) - padding);
  return decoded;
}

}  // namespace kiln
