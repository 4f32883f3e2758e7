#include "disk/sources/iso/iso.h"

#include <array>

#include "disk/sources/catalog.h"
#include "disk/sources/catalog_source.h"
#include "engine/core/digest.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/core/uri.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    Field{.name = "sourceUri",
          .help = "URI of the installer's disc: a path, file:, http:, https:",
          .required = true,
          .former = "sourceURI",
          .former_until = ApiVersion::k2019Preview},
    Field{.name = "sha256Checksum", .help = "SHA-256 of the disc in hexadecimal", .required = true},
    Field{.name = "hyperVGeneration",
          .help = "of the system that is installed: V1 (BIOS) or V2 (UEFI, the default)",
          .extension = true},
    Field{.name = "answers",
          .help = "file that the installer is given instead of Kiln's answers",
          .extension = true},
    Field{.name = "additionalAnswers",
          .help = "file that is added to the answers, in the installer's own language",
          .extension = true},
    Field{.name = "media",
          .kind = FieldKind::kStrings,
          .help = "ISOs and folders that the installer has in further CD drives",
          .extension = true},
    Field{.name = "edition",
          .help = "of Windows: its number on the disc, its name or its ID; the first by default",
          .treatment = Treatment::kPlanned,
          .extension = true},
};

class IsoSource : public Source {
 public:
  explicit IsoSource(ResolvedSource as_written) : as_written_(std::move(as_written)) {}

  [[nodiscard]] std::string_view type() const override { return "ISO"; }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("ISO {}", redact_url(as_written_.disc->uri));
  }

  [[nodiscard]] Result<ResolvedSource> resolve(const SourceContext& context) const override {
    auto resolved = as_written_;
    auto& disc = *resolved.disc;
    for (auto* file : {&disc.answers, &disc.additional_answers}) {
      if (!file->empty()) *file = (context.template_folder / *file).lexically_normal();
    }
    for (auto& medium : disc.media) medium = context.template_folder / medium;
    KILN_TRY_ASSIGN(const auto entry, Catalog(context.catalog).find_disc(disc.uri));
    if (!entry) return resolved;
    if (entry->sha256 != *resolved.expected_sha256) {
      return fail(ErrorKind::kInvalidTemplate,
                  "Source:OtherDisc",
                  "the catalog has {} for this disc, with SHA-256 {}, and the template wants {}",
                  entry->path.string(),
                  entry->sha256,
                  *resolved.expected_sha256)
          .at(disc.where)
          .cure(fmt::format("correct one of the two, or run: kiln catalog remove '{}'", disc.uri));
    }
    auto found = require_image_file(entry->path, "put the disc's file back");
    if (!found) return std::move(found).error().at(disc.where);
    resolved.path = entry->path;
    return resolved;
  }

 private:
  ResolvedSource as_written_;
};

void read_checksum(const Record& record, const ContractContext& context, ResolvedSource& source) {
  const auto checksum = record.text("sha256Checksum");
  if (!is_sha256(checksum)) {
    context.error(record.at("sha256Checksum"),
                  "Template:BadChecksum",
                  "sha256Checksum is not a SHA-256 digest in hexadecimal",
                  "64 hexadecimal digits",
                  "give the 64 hex digits that `sha256sum` prints for the disc");
  }
  source.expected_sha256 = to_lower(checksum);
  source.identity = "sha256:" + *source.expected_sha256;
}

Result<void> read_generation(const Record& record, ResolvedSource& source) {
  source.hyper_v_generation = HyperVGeneration::kV2;
  if (!record.has("hyperVGeneration")) return {};
  auto generation = parse_hyper_v_generation(record.text("hyperVGeneration"));
  if (!generation) return std::move(generation).error().at(record.at("hyperVGeneration").where());
  source.hyper_v_generation = *generation;
  return {};
}

/// A path, because answers are read before anything is fetched.
Result<std::filesystem::path> read_file_name(const Record& record, const char* name) {
  const auto path = record.text(name);
  if (!record.has(name)) return std::filesystem::path();
  if (!path.empty() && uri_scheme(path).empty() && path.find('\0') == std::string::npos) {
    return std::filesystem::path(path);
  }
  return record.at(name)
      .error("Source:BadPath", "this is not the path of a file")
      .expecting("the path of a file with answers, absolute or relative to the template's folder")
      .cure("write its path; `kiln template answers` prints what it would replace");
}

}  // namespace

constexpr RecordType kIsoSource{
    .name = "ISO",
    .help = "an installer's disc, from which the system is installed first",
    .fields = kFields,
    .discriminated = true,
    .until = ApiVersion::k2019MayPreview};

Result<std::unique_ptr<Source>> parse_iso(const Record& record, const ContractContext& context) {
  ResolvedSource source;
  read_checksum(record, context, source);
  auto uri = record.text("sourceUri");
  if (uri.empty()) {
    return record.at("sourceUri")
        .error("Template:EmptyUri", "the field \"sourceUri\" is empty")
        .expecting("a URI or a path")
        .cure("give an https: or file: URI, or a path");
  }
  KILN_TRY(check_uri(record.at("sourceUri"), uri));
  KILN_TRY(read_generation(record, source));
  DiscSource disc{std::move(uri), record.place().where(), {}, {}, record.text("edition")};
  for (auto& path : record.texts("media")) disc.media.emplace_back(std::move(path));
  KILN_TRY_ASSIGN(disc.answers, read_file_name(record, "answers"));
  KILN_TRY_ASSIGN(disc.additional_answers, read_file_name(record, "additionalAnswers"));
  source.disc = std::move(disc);
  return std::make_unique<IsoSource>(std::move(source));
}

}  // namespace kiln
