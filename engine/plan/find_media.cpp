#include "engine/plan/find_media.h"

#include <algorithm>
#include <cctype>

#include "disk/media/media_reader.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// Named by what the user sees: a folder's name, a file's without its ending.
Result<std::string> name_of(const std::filesystem::path& path, bool folder) {
  const auto plain = path.lexically_normal();
  const auto last = plain.has_filename() ? plain.filename() : plain.parent_path().filename();
  auto name = folder ? last.string() : last.stem().string();
  const bool word =
      !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("._-").find(c) != std::string_view::npos;
      });
  if (word) return name;
  return fail(ErrorKind::kInvalidTemplate,
              "Media:Name",
              "\"{}\" cannot be the name of a folder in the guest",
              printable(name))
      .expecting("letters, digits, `.`, `_` and `-`")
      .cure("rename the file or the folder");
}

Result<void> require_iso9660(const std::filesystem::path& path) {
  KILN_TRY_ASSIGN(const auto media, open_media(path));
  if (media->file_system() == "ISO 9660") return {};
  return fail(ErrorKind::kUnsupported,
              "Media:FileSystem",
              "{} has {}, and guests mount discs with ISO 9660",
              path.string(),
              media->file_system())
      .cure("name a folder with the disc's files instead");
}

Result<OfflineMedium> find_medium(const std::filesystem::path& path) {
  std::error_code error;
  const bool folder = std::filesystem::is_directory(path, error);
  if (!folder) KILN_TRY(require_iso9660(path));
  KILN_TRY_ASSIGN(auto name, name_of(path, folder));
  return OfflineMedium{std::move(name), std::filesystem::absolute(path, error).lexically_normal()};
}

}  // namespace

Result<void> add_medium(const std::filesystem::path& path,
                        std::vector<OfflineMedium>& media,
                        std::size_t most) {
  KILN_TRY_ASSIGN(auto medium, find_medium(path));
  if (media.size() == most) {
    return fail(ErrorKind::kInvalidTemplate, "Media:TooMany", "there are more than {} media", most)
        .cure("put several folders into one");
  }
  for (const auto& other : media) {
    if (!equal_ignoring_case(other.name, medium.name)) continue;
    return fail(ErrorKind::kInvalidTemplate,
                "Media:SameName",
                "two media are called {}: {} and {}",
                medium.name,
                other.iso.string(),
                medium.iso.string())
        .cure("rename one of them");
  }
  media.push_back(std::move(medium));
  return {};
}

}  // namespace kiln
