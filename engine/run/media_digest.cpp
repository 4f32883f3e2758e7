#include "engine/run/media_digest.h"

#include <map>

#include "disk/convert/file_digest.h"
#include "engine/core/digest.h"
#include "engine/core/json.h"
#include "engine/run/source_digest.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

Error cannot_read(const fs::path& path, const std::error_code& error) {
  return fail(ErrorKind::kIo, "Media:Read", "cannot read {}: {}", path.string(), error.message())
      .cure("look whether this user can read all of the medium's folder");
}

/// Of one entry of a folder: what the disc that is made of it would show.
Result<std::string> entry_digest(const fs::directory_entry& entry, const CancelToken& cancel) {
  std::error_code error;
  const auto status = entry.symlink_status(error);
  if (error) return cannot_read(entry.path(), error);
  const auto mode = fmt::format("{:o}", static_cast<unsigned>(status.permissions()));
  if (fs::is_symlink(status)) {
    const auto target = fs::read_symlink(entry.path(), error);
    if (error) return cannot_read(entry.path(), error);
    return "link " + target.string();
  }
  if (fs::is_directory(status)) return "folder " + mode;
  if (!fs::is_regular_file(status)) return std::string("special");
  KILN_TRY_ASSIGN(const auto contents, file_digest(entry.path(), cancel));
  return fmt::format("file {} {}", mode, contents);
}

Result<std::string> folder_contents(const fs::path& folder, const CancelToken& cancel) {
  std::map<std::string, std::string> entries;
  std::error_code error;
  fs::recursive_directory_iterator walk(folder, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    KILN_TRY(cancel.check());
    KILN_TRY_ASSIGN(auto digest, entry_digest(*walk, cancel));
    entries.emplace(walk->path().lexically_relative(folder).string(), std::move(digest));
  }
  if (error) return cannot_read(folder, error);
  return sha256_hex(dump_json(entries));
}

bool is_folder(const OfflineMedium& medium) {
  std::error_code ignored;
  return fs::is_directory(medium.iso, ignored);
}

ResolvedSource as_source(const OfflineMedium& medium) {
  ResolvedSource source;
  source.path = medium.iso;
  return source;
}

/// @param of_iso gives the contents of an ISO, or an error
template <class OfIso>
Result<std::string> contents_of(const std::vector<OfflineMedium>& media,
                                const CancelToken& cancel,
                                const OfIso& of_iso) {
  if (media.empty()) return std::string();
  auto all = nlohmann::json::array();
  for (const auto& medium : media) {
    KILN_TRY_ASSIGN(
        const auto contents,
        is_folder(medium) ? folder_contents(medium.iso, cancel) : of_iso(as_source(medium)));
    all.push_back({medium.name, contents});
  }
  return sha256_hex(dump_json(all));
}

}  // namespace

Result<std::string> media_contents(const std::vector<OfflineMedium>& media,
                                   const fs::path& cache_folder,
                                   const CancelToken& cancel) {
  return contents_of(media, cancel, [&](const ResolvedSource& iso) {
    return source_contents(iso, cache_folder, cancel);
  });
}

std::optional<std::string> known_media_contents(const std::vector<OfflineMedium>& media,
                                                const fs::path& cache_folder) {
  auto contents = contents_of(media, {}, [&](const ResolvedSource& iso) -> Result<std::string> {
    if (auto known = known_source_contents(iso, cache_folder)) return *std::move(known);
    return fail(ErrorKind::kNotFound, "Media:Unknown", "{} was not read yet", iso.path.string());
  });
  return contents ? std::optional(*std::move(contents)) : std::nullopt;
}

}  // namespace kiln
