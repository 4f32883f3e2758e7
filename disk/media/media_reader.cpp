#include "disk/media/media_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>

#include "disk/media/file_systems.h"
#include "engine/core/file.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

// ECMA-167 part 2: volume descriptors of 2048 bytes begin at byte 32768, each with an identifier of
// five letters after its first byte.
constexpr std::uint64_t kSector = 2048;
constexpr std::uint64_t kFirstDescriptor = 16;
constexpr std::uint64_t kMostDescriptors = 32;
constexpr std::string_view kIso9660 = "CD001";
constexpr std::string_view kUdf[] = {"NSR02", "NSR03"};
constexpr std::string_view kOther[] = {"BEA01", "TEA01", "BOOT2", "CDW02"};

// ECMA-119 8.4: the primary volume descriptor.
constexpr char kPrimary = 1;
constexpr std::size_t kLabelOffset = 40;
constexpr std::size_t kLabelLength = 32;

struct VolumeDescriptors {
  bool iso9660 = false;
  bool udf = false;
  std::string label;  ///< of ISO 9660
};

template <class Range>
bool contains(const Range& range, std::string_view word) {
  return std::find(std::begin(range), std::end(range), word) != std::end(range);
}

Result<UniqueFd> open_image(const std::filesystem::path& path) {
  // Not blocking: a FIFO in the place of an image must not hang the build.
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    const int reason = errno;
    return fail(reason == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
                "Media:Open",
                "cannot open {}: {}",
                path.string(),
                strerror(reason))
        .cure("check the disc image's path and its permissions");
  }
  if (S_ISREG(status.st_mode)) return file;
  return fail(ErrorKind::kIo, "Media:NotAFile", "{} is not a regular file", path.string())
      .cure("name the file of a disc image");
}

VolumeDescriptors read_descriptors(int image, const std::filesystem::path& path) {
  VolumeDescriptors found;
  for (std::uint64_t i = 0; i < kMostDescriptors; ++i) {
    std::array<char, kLabelOffset + kLabelLength> start{};
    const auto offset = (kFirstDescriptor + i) * kSector;
    if (!pread_exactly(image, std::as_writable_bytes(std::span(start)), offset, path)) break;
    const std::string_view text(start.data(), start.size());
    const auto id = text.substr(1, 5);
    if (id == kIso9660) {
      found.iso9660 = true;
      const auto label = trim(text.substr(kLabelOffset, kLabelLength));
      if (text[0] == kPrimary) found.label = printable(label.substr(0, label.find('\0')));
    } else if (contains(kUdf, id)) {
      found.udf = true;
    } else if (!contains(kOther, id)) {
      break;
    }
  }
  return found;
}

Result<const MediaFile*> find_file(const MediaReader& media, const std::string& path) {
  const auto found = media.files().find(path);
  if (found != media.files().end()) return &found->second;
  return fail(ErrorKind::kNotFound, "Media:NoSuchFile", "the disc has no file {}", path)
      .cure("check that it is the installer's disc, and complete");
}

}  // namespace

bool IgnoringCase::operator()(const std::string& a, const std::string& b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) <
           std::tolower(static_cast<unsigned char>(y));
  });
}

Error too_many_media_files(const std::filesystem::path& image) {
  return fail(ErrorKind::kUnsupported,
              "Media:TooManyFiles",
              "{} has more than {} files, folders within more than {} others, or longer paths than "
              "{} bytes",
              image.string(),
              kMostMediaFiles,
              kDeepestMediaFolder,
              kLongestMediaPath);
}

Error damaged_media(const std::filesystem::path& image, std::string_view reason) {
  return fail(ErrorKind::kCorruptImage,
              "Media:Damaged",
              "the disc image {} is damaged: {}",
              image.string(),
              printable(reason))
      .cure("copy or download it again, and compare its SHA-256");
}

bool is_media(const std::filesystem::path& image) {
  const auto file = open_image(image);
  if (!file) return false;
  const auto found = read_descriptors(file->get(), image);
  return found.iso9660 || found.udf;
}

Result<std::string> media_label(const std::filesystem::path& image) {
  KILN_TRY_ASSIGN(const auto file, open_image(image));
  return read_descriptors(file.get(), image).label;
}

Result<std::unique_ptr<MediaReader>> open_media(const std::filesystem::path& image) {
  KILN_TRY_ASSIGN(auto file, open_image(image));
  const auto found = read_descriptors(file.get(), image);
  if (found.udf) return open_udf(std::move(file), image);
  if (found.iso9660) return open_iso9660(std::move(file), image);
  return fail(ErrorKind::kUnsupported,
              "Media:NoDisc",
              "{} is not the image of a disc: it has neither ISO 9660 nor UDF",
              image.string())
      .cure("name an ISO file");
}

Result<std::string> read_media_file(MediaReader& media,
                                    const std::string& path,
                                    std::uint64_t limit) {
  KILN_TRY_ASSIGN(const auto* file, find_file(media, path));
  if (file->size > limit) {
    return fail(ErrorKind::kCorruptImage,
                "Media:FileTooLarge",
                "{} on the disc has {}, and at most {} are expected",
                path,
                format_bytes(file->size),
                format_bytes(limit));
  }
  std::string contents;
  KILN_TRY(media.read(*file, 0, file->size, [&](Bytes data) -> Result<void> {
    contents.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  }));
  return contents;
}

Result<void> copy_media_file(MediaReader& media,
                             const std::string& path,
                             const std::filesystem::path& target,
                             const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto* file, find_file(media, path));
  const UniqueFd out(::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out) {
    return fail(
        ErrorKind::kIo, "Media:Write", "cannot write {}: {}", target.string(), strerror(errno));
  }
  std::uint64_t done = 0;
  const auto write = [&](Bytes data) -> Result<void> {
    KILN_TRY(cancel.check());
    KILN_TRY(pwrite_all(out.get(), data, done, target));
    done += data.size();
    return {};
  };
  KILN_TRY(media.read(*file, 0, file->size, write));
  if (done == file->size) return {};
  return fail(ErrorKind::kCorruptImage,
              "Media:Truncated",
              "{} on the disc should have {} bytes and has {}",
              path,
              file->size,
              done)
      .cure("copy or download the disc image again, and compare its SHA-256");
}

}  // namespace kiln
