#include "engine/core/uri_map.h"

#include "engine/core/input_file.h"
#include "engine/core/json.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::uint64_t kLargestMap = 4U << 20U;

/// The rest of a URI as a path below a folder; nothing where it would lead out of it.
std::optional<std::filesystem::path> below(const std::filesystem::path& folder,
                                           std::string_view rest) {
  if (rest.empty()) return std::nullopt;
  std::filesystem::path path = folder;
  for (const auto& part : split(rest, '/')) {
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string::npos) {
      return std::nullopt;
    }
    path /= part;
  }
  return path;
}

class MappedFetcher : public Fetcher {
 public:
  MappedFetcher(Fetcher& inner, UriMap map, bool offline)
      : inner_(inner), map_(std::move(map)), offline_(offline) {}

  Result<std::string> fetch(const std::string& uri,
                            const std::filesystem::path& destination,
                            const CancelToken& cancel) override {
    if (const auto file = map_.find(uri)) {
      auto digest = inner_.fetch(file->string(), destination, cancel);
      if (digest) return digest;
      return std::move(digest).error().while_doing(
          fmt::format("taking {} from the uri map", redact_url(uri)));
    }
    if (offline_ && is_remote(uri)) return refused_offline(uri);
    return inner_.fetch(uri, destination, cancel);
  }

  Result<void> check(const std::string& uri, const CancelToken& cancel) override {
    if (const auto file = map_.find(uri)) return inner_.check(file->string(), cancel);
    if (offline_ && is_remote(uri)) return refused_offline(uri);
    return inner_.check(uri, cancel);
  }

 private:
  Fetcher& inner_;
  UriMap map_;
  bool offline_;
};

}  // namespace

Result<UriMap> UriMap::load(const std::filesystem::path& path) {
  KILN_TRY_ASSIGN(const auto text, read_input_file(path, kLargestMap, "--uri-map"));
  KILN_TRY_ASSIGN(const auto document, JsonReader::parse(text, path.string()));
  KILN_TRY_ASSIGN(const auto members, document.members());
  const auto folder = std::filesystem::absolute(path).parent_path();
  UriMap map;
  for (const auto& [uri, place] : members) {
    KILN_TRY_ASSIGN(const auto file, place.as_string());
    if (uri.empty() || file.empty() || file.find('\0') != std::string::npos) {
      return place.error("UriMap:Empty", "neither a URI nor its file may be empty")
          .cure(R"(write "https://host/folder/": "folder" or "https://host/file": "file")");
    }
    map.files_[uri] = (folder / file).lexically_normal();
  }
  return map;
}

std::optional<std::filesystem::path> UriMap::find(std::string_view uri) const {
  if (const auto exact = files_.find(uri); exact != files_.end()) return exact->second;
  const auto plain = uri.substr(0, uri.find_first_of("?#"));
  if (const auto exact = files_.find(plain); exact != files_.end()) return exact->second;
  for (auto end = plain.rfind('/'); end != std::string_view::npos && end > 0;
       end = plain.rfind('/', end - 1)) {
    const auto found = files_.find(plain.substr(0, end + 1));
    if (found != files_.end()) return below(found->second, plain.substr(end + 1));
  }
  return std::nullopt;
}

bool is_remote(std::string_view uri) {
  const auto lower = to_lower(uri.substr(0, 8));
  return lower.starts_with("http://") || lower.starts_with("https://");
}

Error refused_offline(std::string_view uri) {
  return fail(ErrorKind::kInvalidTemplate,
              "Fetch:Offline",
              "{} is not on this machine, and --offline forbids to fetch it",
              redact_url(uri))
      .cure("put the file here and name it in --uri-map, or leave --offline out");
}

std::unique_ptr<Fetcher> make_mapped_fetcher(Fetcher& inner, UriMap map, bool offline) {
  return std::make_unique<MappedFetcher>(inner, std::move(map), offline);
}

}  // namespace kiln
