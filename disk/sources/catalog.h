#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disk/image/image_info.h"
#include "disk/sources/image_facts.h"
#include "disk/sources/image_key.h"
#include "engine/core/cancel.h"

namespace kiln {

/// A cloud image's name and the local file that stands for it.
struct CatalogEntry {
  ImageKey key;
  std::filesystem::path path;  ///< absolute
  DiskFormat format = DiskFormat::kRaw;
  std::string sha256;  ///< of the file, lower-case hex
  OsType os_type = OsType::kUnknown;
  HyperVGeneration hyper_v_generation = HyperVGeneration::kUnknown;
  SecurityType security_type = SecurityType::kStandard;
  std::string added;  ///< RFC 3339, UTC
};

/// What to register; the rest of an entry is found out from the file.
struct CatalogRequest {
  ImageKey key;
  std::filesystem::path path;
  OsType os_type = OsType::kUnknown;
  HyperVGeneration hyper_v_generation = HyperVGeneration::kUnknown;
  SecurityType security_type = SecurityType::kStandard;
  bool replace = false;  ///< allow other contents under a name that is taken
};

enum class CatalogStatus { kOk, kMissing, kUnreadable, kChanged };
std::string_view to_string(CatalogStatus status);

struct CatalogFinding {
  CatalogEntry entry;
  CatalogStatus status = CatalogStatus::kOk;
  std::string detail;  ///< why, where the status is not kOk
};

/// The catalog: a JSON file. Nothing is kept between calls, changes are made under a lock file and
/// written atomically, so several Kilns can share one.
class Catalog {
 public:
  /// @param file need not exist: then the catalog is empty
  explicit Catalog(std::filesystem::path file) : file_(std::move(file)) {}

  [[nodiscard]] Result<std::vector<CatalogEntry>> list() const;
  /// Probes and hashes the file, then registers it. Its contents are not copied.
  Result<CatalogEntry> add(const CatalogRequest& request, const CancelToken& cancel) const;
  /// Forgets the entry; the image file stays.
  Result<CatalogEntry> remove(const ImageKey& key) const;
  /// Hashes every file again.
  [[nodiscard]] Result<std::vector<CatalogFinding>> verify(const CancelToken& cancel) const;
  /// The entry for `key`, the newest of its family where the version is `latest`. The error lists
  /// what is near and gives the command that would register the image.
  [[nodiscard]] Result<CatalogEntry> resolve(const ImageKey& key) const;
  /// The disc that is registered under `uri`; nothing where there is none.
  [[nodiscard]] Result<std::optional<CatalogEntry>> find_disc(std::string_view uri) const;

 private:
  std::filesystem::path file_;
};

/// The file's format, for the fuzz target as much as for Catalog.
Result<std::vector<CatalogEntry>> parse_catalog(const std::string& text, std::string name);
std::string write_catalog(const std::vector<CatalogEntry>& entries);

}  // namespace kiln
