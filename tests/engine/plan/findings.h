#pragma once

#include <string>
#include <vector>

#include "engine/plan/plan.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"

namespace kiln::test {

/// Errors and warnings as `code pointer`, after all registries have looked.
inline std::vector<std::string> findings(const std::string& text,
                                         const TemplateOptions& options = {}) {
  auto examined = examine_template(text, "t.json", options);
  EXPECT_TRUE(examined) << examined.error().describe();
  if (!examined) return {};
  const auto checked = examine_items(*std::move(examined));
  std::vector<std::string> found;
  for (const auto& one : checked.image_template.found.all()) {
    if (one.severity == Severity::kNotice) continue;
    found.push_back(one.code + " " + parse_place(one.where).pointer);
  }
  return found;
}

inline std::string deployment(const std::string& head, const std::string& properties) {
  return R"({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/)"
         R"(deploymentTemplate.json#", )" +
         head +
         R"("resources": [{"type": "Microsoft.VirtualMachineImages/imageTemplates", "name": "n",
             "apiVersion": "2022-07-01", "location": "l", "identity": {"type": "UserAssigned",
             "userAssignedIdentities": {"/i": {}}}, "properties": {)" +
         properties + "}}]}";
}

inline constexpr auto kSource =
    R"("source": {"type": "PlatformImage", "publisher": "p", "offer": "o",
                                       "sku": "s", "version": "latest"})";
inline constexpr auto kDistribute = R"("distribute": [{"type": "VHD", "runOutputName": "o"}])";

inline std::string with(const std::string& members) {
  return fmt::format("{}, {}, {}", kSource, kDistribute, members);
}

/// The findings of a bare body of a strict version.
inline std::vector<std::string> findings_of_body(const std::string& properties) {
  return findings(R"({"type": "Microsoft.VirtualMachineImages/imageTemplates", "name": "n",
      "apiVersion": "2024-02-01", "location": "l", "identity": {"type": "UserAssigned",
      "userAssignedIdentities": {"/i": {}}}, "properties": {)" +
                  properties + "}}");
}

}  // namespace kiln::test
