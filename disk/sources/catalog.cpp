#include "disk/sources/catalog.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>

#include "disk/image/probe.h"
#include "disk/media/media_reader.h"
#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// Held while the file is read, changed and replaced. A lock file beside it, because the catalog
/// itself is replaced and a lock on the old one would guard nothing.
Result<UniqueFd> lock(const std::filesystem::path& catalog) {
  KILN_TRY(make_directories(catalog.parent_path().empty() ? "." : catalog.parent_path()));
  auto path = catalog;
  path += ".lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  int status = file ? 0 : -1;
  while (status == 0 && ::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) status = -1;
  }
  if (status == 0) return file;
  return fail(ErrorKind::kIo, "Catalog:Lock", "cannot lock {}: {}", path.string(), strerror(errno))
      .cure("check that the catalog's folder can be written");
}

auto find_entry(std::vector<CatalogEntry>& entries, const ImageKey& key) {
  return std::find_if(
      entries.begin(), entries.end(), [&](const auto& entry) { return entry.key.same_image(key); });
}

Result<CatalogEntry> describe_image(const CatalogRequest& request, const CancelToken& cancel) {
  std::error_code error;
  const auto path = std::filesystem::absolute(request.path, error).lexically_normal();
  if (error) {
    return fail(ErrorKind::kIo,
                "Catalog:BadPath",
                "cannot make {} absolute: {}",
                request.path.string(),
                error.message())
        .cure("pass the absolute path of the image");
  }
  ImageInfo info;
  if (request.key.kind == ImageKind::kIso) {
    // A disc is kept as it is; what is on it is looked at where it is used.
    if (!is_media(path)) {
      return fail(ErrorKind::kUnsupported,
                  "Catalog:NoDisc",
                  "{} is not the image of a disc, and {} names one",
                  path.string(),
                  request.key.text())
          .cure("give the ISO file, or another name");
    }
  } else {
    KILN_TRY_ASSIGN(info, probe_image(path));
  }
  KILN_TRY_ASSIGN(auto sha256, sha256_file(path, cancel));
  return CatalogEntry{request.key,
                      path,
                      info.format,
                      std::move(sha256),
                      request.os_type,
                      request.hyper_v_generation,
                      request.security_type,
                      format_time(std::chrono::system_clock::now())};
}

/// Names may hold parentheses, which a shell would not take as they are.
std::string shell_word(std::string_view text) {
  const bool plain = text.find_first_of("()") == std::string_view::npos;
  return plain ? std::string(text) : fmt::format("'{}'", text);
}

std::string add_command(ImageKey key) {
  if (key.is_latest()) key.version = "1.0.0";
  return fmt::format("kiln catalog add {} /path/to/image.vhd", shell_word(key.text()));
}

std::string near_entries(const std::vector<CatalogEntry>& entries, const ImageKey& wanted) {
  constexpr std::size_t kShown = 5;
  std::vector<std::string> same_family;
  std::vector<std::string> same_kind;
  for (const auto& entry : entries) {
    if (entry.key.same_family(wanted)) same_family.push_back(entry.key.text());
    if (entry.key.kind == wanted.kind) same_kind.push_back(entry.key.text());
  }
  if (!same_family.empty()) {
    const auto shown = std::min(kShown, same_family.size());
    return fmt::format(
        "; of the same image it has {}",
        fmt::join(
            same_family.begin(), same_family.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  }
  const std::vector<std::string_view> candidates(same_kind.begin(), same_kind.end());
  const auto near = nearest_word(wanted.text(), candidates);
  if (!near.empty()) return fmt::format("; the nearest name in it is {}", near);
  return fmt::format("; it has {} of type {}", same_kind.size(), to_string(wanted.kind));
}

}  // namespace

std::string_view to_string(CatalogStatus status) {
  switch (status) {
    case CatalogStatus::kOk:
      return "ok";
    case CatalogStatus::kMissing:
      return "missing";
    case CatalogStatus::kUnreadable:
      return "unreadable";
    case CatalogStatus::kChanged:
      return "changed";
  }
  return "ok";
}

Result<std::vector<CatalogEntry>> Catalog::list() const {
  auto text = read_file(file_);
  if (!text && text.error().kind() == ErrorKind::kNotFound) return std::vector<CatalogEntry>();
  if (!text) return std::move(text).error().cure("check the catalog's path and its permissions");
  auto entries = parse_catalog(*text, file_.string());
  if (!entries) return std::move(entries).error().while_doing("reading the catalog");
  return entries;
}

Result<CatalogEntry> Catalog::add(const CatalogRequest& request, const CancelToken& cancel) const {
  if (request.key.is_latest()) {
    return fail(ErrorKind::kInvalidTemplate,
                "Catalog:InexactVersion",
                "{} cannot be registered: an entry needs an exact version",
                request.key.text())
        .cure(fmt::format("run {}", add_command(request.key)));
  }
  // Hashing takes minutes for a large image, so it is done before the lock is taken.
  KILN_TRY_ASSIGN(auto entry, describe_image(request, cancel));
  KILN_TRY_ASSIGN(const auto guard, lock(file_));
  KILN_TRY_ASSIGN(auto entries, list());
  const auto found = find_entry(entries, entry.key);
  if (found == entries.end()) {
    entries.push_back(entry);
  } else if (found->sha256 == entry.sha256 || request.replace) {
    *found = entry;
  } else {
    return fail(ErrorKind::kInvalidTemplate,
                "Catalog:NameTaken",
                "{} is already registered with other contents, those of {}",
                entry.key.text(),
                found->path.string())
        .cure("pass --replace to register the new file in its place");
  }
  KILN_TRY(write_file_atomic(file_, write_catalog(entries)));
  return entry;
}

Result<CatalogEntry> Catalog::remove(const ImageKey& key) const {
  KILN_TRY_ASSIGN(const auto guard, lock(file_));
  KILN_TRY_ASSIGN(auto entries, list());
  const auto found = find_entry(entries, key);
  if (found == entries.end()) {
    return fail(ErrorKind::kNotFound,
                "Catalog:NotRegistered",
                "{} is not in the catalog {}{}",
                key.text(),
                file_.string(),
                near_entries(entries, key))
        .cure("run `kiln catalog list` to see the names");
  }
  auto removed = *found;
  entries.erase(found);
  KILN_TRY(write_file_atomic(file_, write_catalog(entries)));
  return removed;
}

Result<std::vector<CatalogFinding>> Catalog::verify(const CancelToken& cancel) const {
  KILN_TRY_ASSIGN(const auto entries, list());
  std::vector<CatalogFinding> findings;
  for (const auto& entry : entries) {
    CatalogFinding finding{entry, CatalogStatus::kOk, {}};
    auto sha256 = sha256_file(entry.path, cancel);
    if (!sha256) {
      if (sha256.error().kind() == ErrorKind::kCancelled) return std::move(sha256).error();
      const bool missing = sha256.error().kind() == ErrorKind::kNotFound;
      finding.status = missing ? CatalogStatus::kMissing : CatalogStatus::kUnreadable;
      finding.detail = sha256.error().message();
    } else if (*sha256 != entry.sha256) {
      finding.status = CatalogStatus::kChanged;
      finding.detail = fmt::format("its SHA-256 is {} instead of {}", *sha256, entry.sha256);
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

Result<CatalogEntry> Catalog::resolve(const ImageKey& key) const {
  KILN_TRY_ASSIGN(const auto entries, list());
  const CatalogEntry* best = nullptr;
  for (const auto& entry : entries) {
    const bool fits = key.is_latest() ? entry.key.same_family(key) : entry.key.same_image(key);
    if (!fits) continue;
    if (best == nullptr || older_version(best->key.version, entry.key.version)) best = &entry;
  }
  if (best != nullptr) return *best;
  return fail(ErrorKind::kNotFound,
              "Source:NotInCatalog",
              "{} is not in the catalog {}{}",
              key.text(),
              file_.string(),
              near_entries(entries, key))
      .cure(fmt::format("get the image as a file and run: {}", add_command(key)));
}

Result<std::optional<CatalogEntry>> Catalog::find_disc(std::string_view uri) const {
  const auto key = parse_image_key(uri);
  if (!key || key->kind != ImageKind::kIso) return std::nullopt;
  KILN_TRY_ASSIGN(const auto entries, list());
  for (const auto& entry : entries) {
    if (entry.key.same_image(*key)) return entry;
  }
  return std::nullopt;
}

}  // namespace kiln
