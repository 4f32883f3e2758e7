#include "uploaders/auth/client_assertion.h"

#include <array>
#include <vector>

#include <nlohmann/json.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "engine/core/c_handle.h"
#include "uploaders/auth/base64.h"

namespace kiln {
namespace {

using Bio = CHandle<BIO, BIO_free_all>;
using Certificate = CHandle<X509, X509_free>;
using Key = CHandle<EVP_PKEY, EVP_PKEY_free>;
using Pkcs12 = CHandle<PKCS12, PKCS12_free>;
using DigestContext = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr auto kLife = std::chrono::minutes(10);

std::string base64url(Bytes data) {
  auto text = base64(data);
  while (text.ends_with('=')) text.pop_back();
  for (auto& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string base64url(std::string_view text) {
  return base64url(std::as_bytes(std::span(text)));
}

Error unusable(std::string_view why) {
  ERR_clear_error();
  return fail(ErrorKind::kHostNotReady, "Auth:Certificate", "{}", why)
      .cure(
          "give a PEM file with the certificate and its RSA key, or a PKCS #12 file, in "
          "AZURE_CLIENT_CERTIFICATE_PATH, and its password in AZURE_CLIENT_CERTIFICATE_PASSWORD");
}

/// A random UUID, version 4.
std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  KILN_CHECK(RAND_bytes(bytes.data(), bytes.size()) == 1);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

class RsaCertificate : public ClientCertificate {
 public:
  RsaCertificate(Certificate certificate, Key key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}

  [[nodiscard]] Result<std::string> assertion(
      const std::string& client_id,
      const std::string& audience,
      std::chrono::system_clock::time_point now) const override {
    const auto from = std::chrono::system_clock::to_time_t(now);
    const auto until = std::chrono::system_clock::to_time_t(now + kLife);
    const nlohmann::json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"x5t", thumbprint()}};
    const nlohmann::json claims = {{"aud", audience},
                                   {"iss", client_id},
                                   {"sub", client_id},
                                   {"jti", new_uuid()},
                                   {"nbf", from},
                                   {"exp", until}};
    const auto text = base64url(header.dump()) + "." + base64url(claims.dump());
    KILN_TRY_ASSIGN(const auto signature, sign(text));
    return text + "." + base64url(Bytes(signature));
  }

 private:
  [[nodiscard]] std::string thumbprint() const {
    std::array<std::byte, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    KILN_CHECK(X509_digest(certificate_.get(),
                           EVP_sha1(),
                           reinterpret_cast<unsigned char*>(digest.data()),
                           &size) == 1);
    return base64url(Bytes(digest).first(size));
  }

  [[nodiscard]] Result<std::vector<std::byte>> sign(const std::string& text) const {
    const DigestContext context(EVP_MD_CTX_new());
    std::vector<std::byte> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
    std::size_t size = signature.size();
    const bool done =
        context &&
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
        EVP_DigestSign(context.get(),
                       reinterpret_cast<unsigned char*>(signature.data()),
                       &size,
                       reinterpret_cast<const unsigned char*>(text.data()),
                       text.size()) == 1;
    if (!done) return unusable("OpenSSL cannot sign with the certificate's key");
    signature.resize(size);
    return signature;
  }

  Certificate certificate_;
  Key key_;
};

Bio memory(const std::string& contents) {
  return Bio(BIO_new_mem_buf(contents.data(), static_cast<int>(contents.size())));
}

/// OpenSSL's own would ask on the terminal.
int give_password(char* buffer, int size, int, void* user) {
  const auto& password = static_cast<const Secret*>(user)->reveal();
  if (password.size() > static_cast<std::size_t>(size)) return -1;
  std::copy(password.begin(), password.end(), buffer);
  return static_cast<int>(password.size());
}

void read_pem(const std::string& contents, Secret password, Certificate& certificate, Key& key) {
  certificate.reset(PEM_read_bio_X509(memory(contents).get(), nullptr, give_password, &password));
  key.reset(PEM_read_bio_PrivateKey(memory(contents).get(), nullptr, give_password, &password));
}

void read_pkcs12(const std::string& contents,
                 const Secret& password,
                 Certificate& certificate,
                 Key& key) {
  const Pkcs12 store(d2i_PKCS12_bio(memory(contents).get(), nullptr));
  if (!store) return;
  EVP_PKEY* found_key = nullptr;
  X509* found = nullptr;
  if (PKCS12_parse(store.get(), password.reveal().c_str(), &found_key, &found, nullptr) != 1) {
    return;
  }
  key.reset(found_key);
  certificate.reset(found);
}

}  // namespace

Result<std::unique_ptr<ClientCertificate>> parse_client_certificate(const std::string& contents,
                                                                    const Secret& password) {
  Certificate certificate;
  Key key;
  if (contents.find("-----BEGIN") != std::string::npos) {
    read_pem(contents, password, certificate, key);
  } else {
    read_pkcs12(contents, password, certificate, key);
  }
  if (!certificate) return unusable("there is no certificate in it that can be read");
  if (!key) return unusable("there is no private key in it, or the password is wrong");
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return unusable("its key is not RSA");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return unusable("the private key is not the certificate's");
  }
  ERR_clear_error();
  return std::make_unique<RsaCertificate>(std::move(certificate), std::move(key));
}

}  // namespace kiln
