#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/core/json.h"
#include "engine/template/arm/failures.h"

namespace kiln {

/// Placeholders such as `<subscriptionID>`, which the published samples expect to be replaced
/// before use: a name of letters, digits, `_`, `-` and `.`.

/// By name: a string, a number or a truth value.
using PlaceholderValues = std::map<std::string, nlohmann::json>;

/// A document with its placeholders filled.
struct FilledDocument {
  JsonReader document;
  nlohmann::json used;  ///< the values that were used, by name
  /// Their names in lower case.
  [[nodiscard]] std::set<std::string> names() const;
};

/// A JSON object; nothing where no file is named.
Result<PlaceholderValues> read_placeholders(const std::filesystem::path& path);

/// Fills every placeholder that has a value, in texts and in names of members. A name is looked up
/// as written, and else in any case.
FilledDocument fill_placeholders(const JsonReader& document, const PlaceholderValues& values);

/// Placeholders that are left where they matter for the image: their values become unknown, and one
/// failure names all of them; elsewhere, as in inline scripts, where `<EOF>` is ordinary, each
/// becomes a notice.
JsonReader check_placeholders(const JsonReader& resource,
                              arm::Failures& failures,
                              std::vector<std::string>& notices);

}  // namespace kiln
