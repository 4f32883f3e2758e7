#include <array>

#include "uploaders/distributor.h"
#include "uploaders/managed_image/managed_image_distributor.h"
#include "uploaders/shared_image/shared_image_distributor.h"
#include "uploaders/vhd/vhd_distributor.h"

namespace kiln {
namespace {

constexpr std::array kRegistry = {
    DistributorEntry{&kVhdType,
                     [](const Record& record, const ContractContext& context) {
                       return parse_vhd_distributor(record, context);
                     }},
    DistributorEntry{&kManagedImageTarget, parse_managed_image_distributor},
    DistributorEntry{&kSharedImageTarget, parse_shared_image_distributor},
};

}  // namespace

std::span<const DistributorEntry> distributor_registry() {
  return kRegistry;
}

ParsedItem<Distributor> parse_distributor(const JsonReader& body, const ContractContext& context) {
  return parse_item<Distributor>(
      body, "distributor", distributor_registry(), context.of("BadDistributeType"));
}

Result<std::unique_ptr<Distributor>> parse_distributor(const JsonReader& body) {
  return parse_one_item<Distributor>(body, "distributor", distributor_registry());
}

}  // namespace kiln
