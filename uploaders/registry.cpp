#include <algorithm>
#include <array>
#include <vector>

#include "engine/core/text.h"
#include "uploaders/distributor.h"
#include "uploaders/vhd/vhd_distributor.h"

namespace kiln {
namespace {

constexpr std::array kRegistry = {
    DistributorEntry{"VHD",
                     "fixed VHD in the output folder, in a file, or in a page blob (uri)",
                     [](const JsonReader& body) { return parse_vhd_distributor(body); }},
};

/// Types of the service that Kiln knows of but cannot serve yet.
constexpr std::array<std::string_view, 2> kLater = {"ManagedImage", "SharedImage"};

std::vector<std::string_view> known_types() {
  std::vector<std::string_view> types;
  for (const auto& entry : kRegistry) types.push_back(entry.type);
  return types;
}

Error unknown_type(const JsonReader& place, const std::string& type) {
  const auto types = known_types();
  auto error = place.error(
      "Distribute:UnknownType",
      fmt::format("there is no distributor of type `{}`; known: {}", type, fmt::join(types, ", ")));
  const auto nearest = nearest_word(type, types);
  return nearest.empty() ? std::move(error)
                         : std::move(error).cure(fmt::format("did you mean `{}`?", nearest));
}

}  // namespace

std::span<const DistributorEntry> distributor_registry() {
  return kRegistry;
}

Result<std::unique_ptr<Distributor>> parse_distributor(const JsonReader& body) {
  KILN_TRY_ASSIGN(const auto place, body.require("type"));
  KILN_TRY_ASSIGN(const auto type, place.as_string());
  for (const auto& entry : kRegistry) {
    if (entry.type == type) return entry.parse(body);
  }
  if (std::find(kLater.begin(), kLater.end(), type) != kLater.end()) {
    return fail(ErrorKind::kUnsupported,
                "Distribute:NotYet",
                "distributors of type {} are not yet supported by this version of Kiln; known: {}",
                type,
                fmt::join(known_types(), ", "))
        .at(place.where())
        .cure("distribute a VHD and create the image from it, or wait for a later version");
  }
  return unknown_type(place, type);
}

}  // namespace kiln
