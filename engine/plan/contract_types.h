#pragma once

#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/contract/field.h"

namespace kiln {

/// One object type of the contract, with the member of the template that holds it.
struct ContractType {
  std::string_view group;  ///< `source`, `customize`, `validate`, `distribute`; empty: the envelope
  const RecordType* type;
  /// The first version that has it there; a validator came later than the customizer it is.
  ApiVersion since;
};

/// All types that the registries and the envelope know, in the order of documentation.
std::vector<ContractType> contract_types();

/// The JSON Schema (2020-12) of a whole template, Kiln's extensions included.
nlohmann::ordered_json template_schema();

/// docs/template-contract.md: every field with its treatment.
std::string contract_document();

}  // namespace kiln
