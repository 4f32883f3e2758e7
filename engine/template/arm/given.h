#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "engine/template/arm/deployment.h"

namespace kiln::arm {

/// The value that the user gives for a parameter.
struct Given {
  std::string name;
  std::optional<JsonReader> value;            ///< from a file
  std::string text;                           ///< else as typed
  std::optional<Error> fault = std::nullopt;  ///< why its entry in a file gives no value
};

/// A deployment parameters file, with or without its `$schema` and `parameters` around the values.
/// An entry that gives no value is a fault only if nothing else gives one.
Result<std::vector<Given>> read_parameter_file(const std::filesystem::path& path);

/// The given values by the types that the template declares; later ones win. Those of no declared
/// parameter are told in the context's failures.
/// @param known names that need not be parameters, in lower case
Supplied supply(const std::vector<Given>& given,
                const JsonReader& body,
                const std::set<std::string>& known,
                Context& context);

/// Reads a file of values that only a live cloud could tell: `settings` describe the surroundings,
/// every other member is the value of a call or of a resource id.
Result<void> read_resource_values(const std::filesystem::path& path,
                                  Surroundings& surroundings,
                                  Context& context);

}  // namespace kiln::arm
