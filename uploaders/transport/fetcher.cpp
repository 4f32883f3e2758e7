#include "uploaders/transport/fetcher.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/core/uri.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

constexpr std::size_t kCopyBuffer = 1 * kMiB;

/// A file beside its final place, gone unless committed.
class PartialFile {
 public:
  static Result<PartialFile> create(const std::filesystem::path& destination) {
    auto name = destination.string() + ".XXXXXX";
    UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) {
      return fail(ErrorKind::kIo, "Fetch:Create", "cannot create {}: {}", name, strerror(errno));
    }
    return PartialFile(std::move(fd), std::move(name));
  }
  PartialFile(PartialFile&& other) noexcept
      : fd_(std::move(other.fd_)),
        name_(std::exchange(other.name_, {})),
        size_(other.size_),
        digest_(std::move(other.digest_)) {}
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }

  Result<void> append(Bytes data) {
    KILN_TRY(pwrite_all(fd_.get(), data, size_, name_));
    size_ += data.size();
    digest_.update(data);
    return {};
  }

  /// Back to empty, for another attempt.
  Result<void> restart() {
    size_ = 0;
    digest_ = Sha256();
    if (::ftruncate(fd_.get(), 0) == 0) return {};
    return fail(ErrorKind::kIo, "Fetch:Write", "cannot truncate {}: {}", name_, strerror(errno));
  }

  /// @return the SHA-256 of what it holds
  Result<std::string> commit(const std::filesystem::path& destination) {
    // mkostemp makes it 0600; inputs are no secrets and other tools, qemu among them, read them.
    constexpr mode_t kMode = 0644;
    if (::fchmod(fd_.get(), kMode) != 0 || ::rename(name_.c_str(), destination.c_str()) != 0) {
      return fail(ErrorKind::kIo,
                  "Fetch:Rename",
                  "cannot put {} in place: {}",
                  destination.string(),
                  strerror(errno));
    }
    name_.clear();
    return digest_.hex();
  }

 private:
  PartialFile(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  UniqueFd fd_;
  std::string name_;
  std::uint64_t size_ = 0;
  Sha256 digest_;
};

Error refused(const std::string& uri, const HttpResponse& response) {
  const auto kind = response.status == 404 ? ErrorKind::kNotFound : ErrorKind::kRemote;
  auto error = fail(kind,
                    "Fetch:Status",
                    "{} cannot be fetched: the server answered HTTP {}",
                    redact_url(uri),
                    response.status);
  switch (response.status) {
    case 401:
    case 403:
      return std::move(error).cure(
          "check that the signature in the URL is still valid, give the storage account's "
          "credential "
          "in the environment, or download the file and name its local path");
    case 404:
    case 410:
      return std::move(error).cure("check the URL");
    default:
      return error;
  }
}

bool is_success(const HttpResponse& response) {
  return response.status >= 200 && response.status < 300;
}

/// What a blob service says of a blob to one who may not read it; 404 is Azure's word for a private
/// container, 409 for an account without public access.
bool may_be_private(const HttpResponse& response) {
  return response.status == 401 || response.status == 403 || response.status == 404 ||
         response.status == 409;
}

class HostFetcher : public Fetcher {
 public:
  HostFetcher(std::filesystem::path base,
              RetryPolicy policy,
              HttpOptions options,
              RequestSigner signer)
      : base_(std::move(base)), policy_(policy), options_(options), signer_(std::move(signer)) {}

  Result<std::string> fetch(const std::string& uri,
                            const std::filesystem::path& destination,
                            const CancelToken& cancel) override {
    KILN_TRY_ASSIGN(auto file, PartialFile::create(destination));
    if (is_http_url(uri)) {
      KILN_TRY_WHILE(download(uri, file, cancel), "fetching {}", redact_url(uri));
    } else {
      KILN_TRY_ASSIGN(const auto path, local_path(uri, base_));
      KILN_TRY(require_regular(path));
      KILN_TRY_WHILE(copy(path, file, cancel), "copying {}", path.string());
    }
    return file.commit(destination);
  }

  Result<void> check(const std::string& uri, const CancelToken& cancel) override {
    if (is_http_url(uri)) return check_remote(uri, cancel);
    KILN_TRY_ASSIGN(const auto path, local_path(uri, base_));
    KILN_TRY(require_regular(path));
    KILN_TRY(open_read_only(path));
    return {};
  }

 private:
  Result<void> download(const std::string& uri,
                        PartialFile& file,
                        const CancelToken& cancel) const {
    Result<void> written;
    const auto make = [&]() -> Result<HttpRequest> {
      KILN_TRY(file.restart());
      return HttpRequest{"GET", uri, {}, {}};
    };
    const BodySink sink = [&](Bytes data) {
      written = file.append(data);
      return written.has_value();
    };
    KILN_TRY_ASSIGN(const auto response, send(uri, make, policy_, cancel, sink));
    KILN_TRY(std::move(written));
    if (!is_success(response)) return refused(uri, response);
    return {};
  }

  /// Without a credential first: most scripts are public, and ours may be for another account.
  Result<HttpResponse> send(const std::string& uri,
                            const std::function<Result<HttpRequest>()>& make,
                            const RetryPolicy& policy,
                            const CancelToken& cancel,
                            const BodySink& sink = {}) const {
    KILN_TRY(parse_url(uri));
    auto options = options_;
    options.follow_redirects = true;  // nothing goes out that a redirect could carry away
    KILN_TRY_ASSIGN(auto session, open_http_session(options));
    KILN_TRY_ASSIGN(auto exchange, send_with_retry(*session, make, policy, cancel, {}, sink));
    if (!signer_ || !may_be_private(exchange.response)) return exchange.response;
    KILN_TRY_ASSIGN(auto trial, make());
    KILN_TRY_ASSIGN(const auto can_sign, signer_(trial));
    if (!can_sign) return exchange.response;
    options.follow_redirects = false;
    KILN_TRY_ASSIGN(session, open_http_session(options));
    const auto make_signed = [&]() -> Result<HttpRequest> {
      KILN_TRY_ASSIGN(auto request, make());
      KILN_TRY(signer_(request));
      return request;
    };
    KILN_TRY_ASSIGN(exchange, send_with_retry(*session, make_signed, policy, cancel, {}, sink));
    return exchange.response;
  }

  static Result<void> require_regular(const std::filesystem::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      return fail(errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
                  "Fetch:LocalFile",
                  "cannot read {}: {}",
                  path.string(),
                  strerror(errno))
          .cure("check the path; a relative one starts at the template's folder");
    }
    if (S_ISREG(info.st_mode)) return {};
    return fail(ErrorKind::kUnsupported, "Fetch:NotAFile", "{} is not a file", path.string());
  }

  static Result<void> copy(const std::filesystem::path& from,
                           PartialFile& to,
                           const CancelToken& cancel) {
    KILN_TRY_ASSIGN(const auto source, open_read_only(from));
    std::vector<std::byte> buffer(kCopyBuffer);
    while (true) {
      KILN_TRY(cancel.check());
      const auto count = ::read(source.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        return fail(
            ErrorKind::kIo, "Fetch:Read", "cannot read {}: {}", from.string(), strerror(errno));
      }
      if (count == 0) return {};
      KILN_TRY(to.append(Bytes(buffer).first(static_cast<std::size_t>(count))));
    }
  }

  Result<void> check_remote(const std::string& uri, const CancelToken& cancel) const {
    const auto head = [&]() -> Result<HttpRequest> { return HttpRequest{"HEAD", uri, {}, {}}; };
    KILN_TRY_ASSIGN(auto response, send(uri, head, impatient(policy_), cancel));
    if (is_success(response)) return {};
    // Presigned URLs are valid for one method only, and some servers know no HEAD: ask for a byte.
    const auto one_byte = [&]() -> Result<HttpRequest> {
      return HttpRequest{"GET", uri, {{"Range", "bytes=0-0"}}, {}};
    };
    const BodySink enough = [](Bytes) { return false; };
    KILN_TRY_ASSIGN(response, send(uri, one_byte, impatient(policy_), cancel, enough));
    if (is_success(response)) return {};
    return refused(uri, response);
  }

  std::filesystem::path base_;
  RetryPolicy policy_;
  HttpOptions options_;
  RequestSigner signer_;
};

}  // namespace

Result<std::filesystem::path> local_path(const std::string& uri,
                                         const std::filesystem::path& base) {
  if (uri_scheme(uri).empty()) {
    if (uri.empty()) return fail(ErrorKind::kInvalidTemplate, "Fetch:Uri", "the URI is empty");
    return base / uri;  // an absolute path replaces the base
  }
  std::string_view rest = uri;
  if (to_lower(rest.substr(0, 5)) != "file:") {
    return fail(ErrorKind::kUnsupported,
                "Fetch:Scheme",
                "{} has a scheme that Kiln cannot fetch",
                redact_url(uri))
        .cure("use https:, http:, file: or a path on this host");
  }
  rest.remove_prefix(5);
  if (rest.rfind("//", 0) == 0) {
    rest.remove_prefix(2);
    const auto host = rest.substr(0, rest.find('/'));
    if (!host.empty() && to_lower(host) != "localhost") {
      return fail(ErrorKind::kUnsupported,
                  "Fetch:FileHost",
                  "{} names a file of another host ({})",
                  uri,
                  host)
          .cure("write file:///path, with three slashes");
    }
    rest.remove_prefix(host.size());
  }
  if (rest.empty()) return fail(ErrorKind::kInvalidTemplate, "Fetch:Uri", "{} has no path", uri);
  const auto path = percent_decode(rest);
  if (path.find('\0') != std::string::npos) {
    return fail(ErrorKind::kInvalidTemplate, "Fetch:Uri", "{} contains a zero byte", uri);
  }
  return base / path;
}

std::unique_ptr<Fetcher> make_fetcher(std::filesystem::path base,
                                      RetryPolicy policy,
                                      HttpOptions options,
                                      RequestSigner signer) {
  return std::make_unique<HostFetcher>(std::move(base), policy, options, std::move(signer));
}

}  // namespace kiln
