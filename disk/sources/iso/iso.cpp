#include "disk/sources/iso/iso.h"

#include <array>

#include "engine/core/digest.h"
#include "engine/core/redact.h"
#include "engine/core/uri.h"

namespace kiln {
namespace {

constexpr std::array kFields = {
    Field{.name = "sourceUri",
          .help = "URI of the installer disc",
          .treatment = Treatment::kPlanned,
          .required = true,
          .former = "sourceURI",
          .former_until = ApiVersion::k2019Preview},
    Field{.name = "sha256Checksum",
          .help = "SHA-256 of the disc in hexadecimal",
          .treatment = Treatment::kPlanned,
          .required = true},
};

class IsoSource : public Source {
 public:
  IsoSource(std::string uri, std::string where) : uri_(std::move(uri)), where_(std::move(where)) {}

  [[nodiscard]] std::string_view type() const override { return "ISO"; }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("ISO {}", redact_url(uri_));
  }
  [[nodiscard]] std::optional<Error> blocker() const override { return refusal(); }
  [[nodiscard]] Result<ResolvedSource> resolve(const SourceContext& /*context*/) const override {
    return refusal();
  }

 private:
  [[nodiscard]] Error refusal() const {
    return fail(ErrorKind::kUnsupported,
                "Template:NotYetSupported",
                "this version of Kiln cannot install from a disc (source ISO) yet")
        .at(where_)
        .cure("install the system once, and use its disk as a KilnLocalImage source");
  }

  std::string uri_;
  std::string where_;
};

}  // namespace

constexpr RecordType kIsoSource{.name = "ISO",
                                .help = "an installer disc; planned, not yet built",
                                .fields = kFields,
                                .discriminated = true,
                                .until = ApiVersion::k2019MayPreview,
                                .planned = true};

Result<std::unique_ptr<Source>> parse_iso(const Record& record, const ContractContext& context) {
  const auto checksum = record.text("sha256Checksum");
  if (!is_sha256(checksum)) {
    context.error(record.at("sha256Checksum"),
                  "Template:BadChecksum",
                  "sha256Checksum is not a SHA-256 digest in hexadecimal",
                  "64 hexadecimal digits",
                  "give the 64 hex digits that `sha256sum` prints for the disc");
  }
  auto uri = record.text("sourceUri");
  if (uri.empty()) {
    return record.at("sourceUri")
        .error("Template:EmptyUri", "the field \"sourceUri\" is empty")
        .expecting("a URI or a path")
        .cure("give an https: or file: URI, or a path");
  }
  KILN_TRY(check_uri(record.at("sourceUri"), uri));
  return std::make_unique<IsoSource>(std::move(uri), record.place().where());
}

}  // namespace kiln
