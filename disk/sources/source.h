#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "disk/sources/image_facts.h"
#include "engine/contract/parse_item.h"

namespace kiln {

/// Where the caller keeps what sources refer to.
struct SourceContext {
  std::filesystem::path catalog;          ///< the catalog's file
  std::filesystem::path template_folder;  ///< relative paths in the template start here
};

/// An installer's disc, and what the template says of the installation.
struct DiscSource {
  std::string uri;                ///< of the disc, as it is written
  std::string where;              ///< it is written
  std::filesystem::path answers;  ///< file with the user's own answers, absolute; empty: Kiln's
  std::filesystem::path additional_answers;       ///< likewise, added to those
  std::string edition;                            ///< of Windows; empty: the first one
  std::vector<std::filesystem::path> media = {};  ///< further ISOs and folders, absolute
};

/// The local file that a source stands for. It exists; its contents have not been looked at.
struct ResolvedSource {
  /// Absolute. Empty for a disc that the catalog does not know; its URI says where it is.
  std::filesystem::path path;
  std::optional<std::string> expected_sha256;
  OsType os_type = OsType::kUnknown;
  HyperVGeneration hyper_v_generation = HyperVGeneration::kUnknown;
  SecurityType security_type = SecurityType::kStandard;
  std::string
      identity;  ///< the image's exact name, `sha256:…`, or the path where nothing better is known
  std::optional<DiscSource> disc = std::nullopt;  ///< of a source that has to be installed first
};

/// The template's `source`: parsed and describable; nothing is touched before `resolve`, which
/// reads only.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::string_view type() const = 0;
  /// One line for `plan`, e.g. `PlatformImage Canonical:UbuntuServer:18.04-LTS:latest`.
  [[nodiscard]] virtual std::string describe() const = 0;
  [[nodiscard]] virtual Result<ResolvedSource> resolve(const SourceContext& context) const = 0;
};

struct SourceEntry {
  const RecordType* type;
  Result<std::unique_ptr<Source>> (*parse)(const Record& record, const ContractContext& context);
};

/// All source types; parser, help and "did you mean" read this one table.
std::span<const SourceEntry> source_registry();

/// Finds the entry for `body`'s type and parses it; errors go to `context.found`.
ParsedItem<Source> parse_source(const JsonReader& body, const ContractContext& context);
/// The same for a body of the newest api-version, with its first error.
Result<std::unique_ptr<Source>> parse_source(const JsonReader& body);

}  // namespace kiln
