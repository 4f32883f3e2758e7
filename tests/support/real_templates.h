#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace kiln::test {

/// Real templates and API descriptions, which are no part of this tree. Tests that need them are
/// skipped where the folder is absent.
inline std::filesystem::path shared_folder() {
  const char* given = std::getenv("KILN_SHARED_DIR");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(KILN_SOURCE_DIR).parent_path() / "shared";
}

/// Whether a deployment template does without a value for a parameter that it declares.
inline bool may_be_left_out(nlohmann::json declaration, const nlohmann::json& document) {
  if (declaration.contains("$ref")) {
    const auto pointer = declaration["$ref"].get<std::string>().substr(1);
    declaration.update(document.at(nlohmann::json::json_pointer(pointer)));
  }
  return declaration.contains("defaultValue") || declaration.value("nullable", false);
}

}  // namespace kiln::test
