#include "uploaders/shared_image/shared_image_distributor.h"

#include <chrono>
#include <ctime>
#include <set>

#include "engine/core/text.h"
#include "uploaders/resource_id.h"
#include "uploaders/shared_image/shared_image_fields.h"
#include "uploaders/shared_image/shared_image_target.h"

namespace kiln {
namespace {

/// A region written twice is hardly meant.
void warn_of_repeated(const std::vector<SharedImageRegion>& regions,
                      const JsonReader& place,
                      const ContractContext& context) {
  std::set<std::string> seen;
  for (const auto& region : regions) {
    std::string plain;
    for (const char c : to_lower(region.name)) {
      if (c != ' ') plain += c;
    }
    if (seen.insert(plain).second) continue;
    context.warning(place,
                    "SharedImage:RepeatedRegion",
                    fmt::format("the region \"{}\" is named twice", printable(region.name, 60)),
                    "remove one of the two");
  }
}

void read_regions(const Record& record,
                  const ContractContext& context,
                  SharedImageOptions& options) {
  const bool targets = record.has("targetRegions");
  const bool replication = record.has("replicationRegions");
  if (targets && replication) {
    context.error(record.at("replicationRegions"),
                  "SharedImage:BothRegions",
                  "targetRegions and replicationRegions exclude each other",
                  "one of the two",
                  "move the regions into targetRegions");
  } else if (!targets && !replication && context.version < ApiVersion::k2022July) {
    const auto slip = record.slip_of("replicationRegions");
    context.error(
        record.place(),
        "Template:MissingField",
        fmt::format("api-version {} requires replicationRegions", to_string(context.version)),
        "replicationRegions",
        slip.empty() ? "add \"replicationRegions\""
                     : fmt::format(R"(rename "{}" to "replicationRegions")", printable(slip, 60)));
  }
  if (record.has("storageAccountType") && !replication) {
    context.error(record.at("storageAccountType"),
                  "SharedImage:StorageAccountType",
                  "storageAccountType stands beside replicationRegions only",
                  "storageAccountType in each of targetRegions",
                  "move it into each of targetRegions");
  }
  const auto storage = record.text("storageAccountType");
  for (auto& name : record.texts("replicationRegions")) {
    options.regions.push_back({std::move(name), 1, storage.empty() ? "Standard_LRS" : storage});
  }
  for (const auto& region : record.records("targetRegions")) {
    if (region.is_unknown("name")) continue;
    if (trim(region.text("name")).empty()) {
      context.error(region.at("name"),
                    "SharedImage:NoRegion",
                    "the name of the region is empty",
                    "a region",
                    "name the region, e.g. westeurope");
      continue;
    }
    const auto type = region.text("storageAccountType");
    options.regions.push_back({region.text("name"),
                               region.integer("replicaCount", 1),
                               type.empty() ? "Standard_LRS" : type});
  }
  if (targets || replication) {
    warn_of_repeated(
        options.regions, record.at(targets ? "targetRegions" : "replicationRegions"), context);
  }
}

void read_versioning(const Record& record,
                     const ContractContext& context,
                     SharedImageOptions& options) {
  const auto* versioning = record.record("versioning");
  if (versioning == nullptr) return;
  options.scheme = versioning->text("scheme");
  options.major = versioning->integer("major", -1);
  if (options.scheme == "Source" && versioning->has("major")) {
    context.error(versioning->at("major"),
                  "SharedImage:MajorOfSource",
                  "a major version belongs to the scheme Latest",
                  "scheme Latest",
                  R"(remove it, or write "scheme": "Latest")");
  }
  if (!options.target.version.empty()) {
    context.warning(versioning->place(),
                    "SharedImage:ExplicitVersion",
                    "galleryImageId names an explicit version, so versioning says nothing",
                    "remove versioning, or the version at the end of galleryImageId");
  }
}

/// YYYY-MM-DD and nothing else.
std::optional<std::chrono::sys_days> parse_date(const std::string& text) {
  std::tm parts = {};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d", &parts);
  constexpr int kFirstYear = 1900;
  if (text.size() != std::string_view("YYYY-MM-DD").size() || end != text.c_str() + text.size()) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{
      std::chrono::year(parts.tm_year + kFirstYear),
      std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
      std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

void read_end_of_life(const Record& record,
                      const ContractContext& context,
                      SharedImageOptions& options) {
  if (!record.has("endOfLifeDate") || record.is_unknown("endOfLifeDate")) return;
  options.end_of_life = record.text("endOfLifeDate");
  const auto date = parse_date(options.end_of_life);
  if (date && *date > std::chrono::system_clock::now()) return;
  const auto shown = printable(options.end_of_life, 60);
  context.error(record.at("endOfLifeDate"),
                "SharedImage:EndOfLife",
                date ? fmt::format("the end of life {} is not in the future", shown)
                     : fmt::format("\"{}\" is not a date", shown),
                "a date in the future as YYYY-MM-DD",
                "write a later date such as 2099-12-31, or remove endOfLifeDate");
}

}  // namespace

constexpr RecordType kSharedImageTarget{.name = "SharedImage",
                                        .help = "a gallery image version",
                                        .fields = shared_image::kFields,
                                        .hints = shared_image::kHints,
                                        .discriminated = true,
                                        .former = "sharedImage"};

Result<std::unique_ptr<Distributor>> parse_shared_image_distributor(const Record& record,
                                                                    const ContractContext& outer) {
  const auto context = outer.of("BadSharedImageDistribute");
  auto output = parse_run_output(record, context);
  SharedImageOptions options;
  const auto id = record.text("galleryImageId");
  if (auto target = parse_gallery_target(id)) {
    options.target = *std::move(target);
  } else {
    context.error(
        record.at("galleryImageId"),
        "Distribute:BadResourceId",
        fmt::format("\"{}\" is not the resource id of an image definition", printable(id, 200)),
        "the resource id of an image definition, alone or with /versions/x.y.z",
        "write /subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/galleries/GALLERY/"
        "images/DEFINITION");
  }
  warn_of_braces(record, "galleryImageId", context);
  read_regions(record, context, options);
  read_versioning(record, context, options);
  read_end_of_life(record, context, options);
  options.exclude_from_latest = record.flag("excludeFromLatest");
  if (const auto mode = record.text("replicationMode"); !mode.empty()) {
    options.replication_mode = mode;
  }
  return make_shared_image_target(std::move(output), std::move(options));
}

}  // namespace kiln
