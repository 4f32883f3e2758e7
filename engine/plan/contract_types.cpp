#include "engine/plan/contract_types.h"

#include "customizers/customizer.h"
#include "disk/sources/source.h"
#include "engine/template/fields.h"
#include "uploaders/distributor.h"

namespace kiln {

std::vector<ContractType> contract_types() {
  std::vector<ContractType> types = {{"", &kImageTemplateType, kOldestVersion}};
  for (const auto& entry : source_registry()) {
    types.push_back({"source", entry.type, entry.type->since});
  }
  for (const auto& entry : customizer_registry()) {
    types.push_back({"customize", entry.type, entry.type->since});
  }
  for (const auto& entry : customizer_registry()) {
    if (entry.validates_since) types.push_back({"validate", entry.type, *entry.validates_since});
  }
  for (const auto& entry : distributor_registry()) {
    types.push_back({"distribute", entry.type, entry.type->since});
  }
  return types;
}

}  // namespace kiln
