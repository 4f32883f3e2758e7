#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "disk/extents/block_source.h"
#include "engine/contract/parse_item.h"
#include "engine/core/event.h"
#include "engine/core/redact.h"

namespace kiln {

class AzureAccess;
struct Cloud;

/// What targets in Azure have to know of an image, in Azure's words; empty where nobody said.
struct ImageTraits {
  std::string os_type;        ///< Linux, Windows
  std::string generation;     ///< V1, V2
  std::string security_type;  ///< Standard, TrustedLaunch
  std::string version;        ///< the source's, where that is x.y.z
};

/// The finished disk, ready to be read as often as there are distributors.
struct FinishedDisk {
  BlockSource& blocks;
  std::string suggested_name;  ///< base name for files, from the template's name
};

/// One run output, in AIB's shape.
struct Artifact {
  std::string run_output_name;
  std::string type;          ///< VHD, ManagedImage, SharedImage
  std::string artifact_uri;  ///< file path or blob URL without any signature
  std::string artifact_id;   ///< ARM id, where the artifact is a resource
  std::uint64_t size_bytes = 0;
  std::uint64_t sent_bytes = 0;  ///< data actually written or sent
  std::map<std::string, std::string> details;
};

struct DistributeContext {
  EventSink& events;
  std::string step_id;
  CancelToken cancel;
  Redactor& redactor;                   ///< learns every credential before it is used
  std::filesystem::path output_folder;  ///< the default target
  bool overwrite = false;               ///< replace what already stands at the target
  /// FinishedDisk's, for check(), which comes before there is a disk; where it is empty, targets
  /// that depend on it are not looked at.
  std::string suggested_name;
  /// A file name of this target's own for what lets it go on after a kill, see
  /// UploadOptions::journal; empty where nothing goes on.
  std::filesystem::path journal = {};
  AzureAccess* azure = nullptr;  ///< null where nothing goes to Azure's resource manager
  std::string run_id = {};       ///< names what is staged, and marks what was made
  ImageTraits image = {};
  /// ARM ids of what this run has delivered so far, in the order of delivery.
  std::vector<std::string> delivered = {};
};

/// A target of the template's `distribute` array. Independent of the others and idempotent.
class Distributor {
 public:
  virtual ~Distributor() = default;
  [[nodiscard]] virtual std::string_view type() const = 0;
  [[nodiscard]] virtual const std::string& run_output_name() const = 0;
  [[nodiscard]] virtual std::string describe() const = 0;
  /// What it writes to, in a form in which two targets that would overwrite each other are equal;
  /// empty where any number may have the same.
  [[nodiscard]] virtual std::string target_key() const { return {}; }
  /// Whether its file has no name of its own and takes the suggested one.
  [[nodiscard]] virtual bool takes_suggested_name() const { return false; }
  /// Whether a resource manager makes it, so that somebody wants to know whose.
  [[nodiscard]] virtual bool needs_cloud() const { return false; }
  /// Whether it can take what a target of that type has delivered instead of the disk, and so is
  /// better delivered after it.
  [[nodiscard]] virtual bool can_be_made_of(std::string_view /*type*/) const { return false; }
  /// Why it cannot be served in this cloud, though it could elsewhere. Nothing is asked of the
  /// network.
  /// @param staging whether there is a container for what images are made of
  [[nodiscard]] virtual std::optional<Error> lacking(const Cloud& /*cloud*/,
                                                     const ImageTraits& /*image*/,
                                                     bool /*staging*/) const {
    return std::nullopt;
  }
  /// Options, credentials, reachability, room: all that can be known before the first byte of work.
  /// @param disk_size bytes of the disk that will be delivered
  virtual Result<void> check(const DistributeContext& context, std::uint64_t disk_size) const = 0;
  /// Host files that a killed process may leave half written; recorded before the work starts so
  /// that `kiln runs gc` can remove them.
  [[nodiscard]] virtual std::vector<std::filesystem::path> partial_files(
      const DistributeContext& /*context*/) const {
    return {};
  }
  virtual Result<Artifact> distribute(FinishedDisk& disk,
                                      const DistributeContext& context) const = 0;
};

struct DistributorEntry {
  const RecordType* type;
  Result<std::unique_ptr<Distributor>> (*parse)(const Record& record,
                                                const ContractContext& context);
};

std::span<const DistributorEntry> distributor_registry();
/// Finds the entry for `body`'s type and parses it; errors go to `context.found`.
ParsedItem<Distributor> parse_distributor(const JsonReader& body, const ContractContext& context);
/// A distributor of the newest api-version, or its first error.
Result<std::unique_ptr<Distributor>> parse_distributor(const JsonReader& body);

}  // namespace kiln
