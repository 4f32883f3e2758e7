#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/core/bytes.h"
#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// Takes a file's bytes, in order.
using MediaSink = std::function<Result<void>(Bytes)>;

/// Discs are written with and without names in small letters.
struct IgnoringCase {
  bool operator()(const std::string& a, const std::string& b) const;
};

struct MediaFile {
  std::uint64_t size = 0;  ///< in bytes
  std::string stored;      ///< the path that has the contents: another one for a hard link
};

/// By path from the disc's root, without a leading slash. Folders and links are not among them.
using MediaFiles = std::map<std::string, MediaFile, IgnoringCase>;

/// The file system of a disc's image. The image is hostile input: the number of its files, the
/// depth of its folders and what is read of a file are bounded.
class MediaReader {
 public:
  virtual ~MediaReader() = default;
  [[nodiscard]] virtual std::string_view file_system() const = 0;  ///< `ISO 9660` or `UDF`
  [[nodiscard]] virtual const MediaFiles& files() const = 0;
  /// Hands `size` bytes from `offset` on to `sink`, or fewer where the file ends before.
  virtual Result<void> read(const MediaFile& file,
                            std::uint64_t offset,
                            std::uint64_t size,
                            const MediaSink& sink) = 0;
};

/// Whether the file begins as a disc's image does. False also for what cannot be read.
bool is_media(const std::filesystem::path& image);

/// The disc's volume identifier, by which installers find it, e.g. `RHEL-9-4-0-BaseOS-x86_64`.
Result<std::string> media_label(const std::filesystem::path& image);

/// A disc with both file systems is read by UDF: on such ones of Windows ISO 9660 has a note only.
Result<std::unique_ptr<MediaReader>> open_media(const std::filesystem::path& image);

/// A whole file; refuses one that is not there, or larger than `limit` bytes.
Result<std::string> read_media_file(MediaReader& media,
                                    const std::string& path,
                                    std::uint64_t limit = kMiB);

/// Writes the file's contents to `target`, which is created or replaced.
Result<void> copy_media_file(MediaReader& media,
                             const std::string& path,
                             const std::filesystem::path& target,
                             const CancelToken& cancel);

}  // namespace kiln
