#include "engine/template/language.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "engine/core/text.h"

namespace kiln {
namespace {

struct Language {
  std::string_view name;
  std::string_view cure;
};
constexpr Language kBicep = {"Bicep",
                             "compile it: `az bicep build --file FILE --stdout | kiln validate -`"};
constexpr Language kBicepParameters = {
    "Bicep parameters",
    "compile it with `az bicep build-params --file`, and pass the JSON to --parameters"};
constexpr Language kYaml = {"YAML", "write it as JSON, e.g. with `yq -o json`, and pass that"};
constexpr Language kHcl = {"HCL, the language of Packer and Terraform",
                           "write it as an image template; `kiln template init` starts one"};

struct Sign {
  std::string_view text;
  const Language* language;
};

constexpr std::array kEndings = {Sign{".bicep", &kBicep},
                                 Sign{".bicepparam", &kBicepParameters},
                                 Sign{".yaml", &kYaml},
                                 Sign{".yml", &kYaml},
                                 Sign{".hcl", &kHcl},
                                 Sign{".tf", &kHcl}};

/// How the first line begins that says something.
constexpr std::array kBeginnings = {Sign{"param ", &kBicep},
                                    Sign{"targetScope", &kBicep},
                                    Sign{"metadata ", &kBicep},
                                    Sign{"module ", &kBicep},
                                    Sign{"var ", &kBicep},
                                    Sign{"@description(", &kBicep},
                                    Sign{"@secure(", &kBicep},
                                    Sign{"using ", &kBicepParameters},
                                    Sign{"packer {", &kHcl},
                                    Sign{"terraform {", &kHcl},
                                    Sign{"build {", &kHcl},
                                    Sign{"provider \"", &kHcl},
                                    Sign{"source \"", &kHcl},
                                    Sign{"variable \"", &kHcl},
                                    Sign{"resource \"", &kHcl},
                                    Sign{"resource ", &kBicep},
                                    Sign{"---", &kYaml}};

std::string_view first_line(std::string_view text) {
  while (!text.empty()) {
    const auto line = trim(text.substr(0, text.find('\n')));
    if (!line.empty() && !line.starts_with("//") && !line.starts_with('#')) return line;
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  return {};
}

/// `key: value`, the key without quotation marks.
bool is_yaml_member(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const auto key = line.substr(0, colon);
  const bool named = std::all_of(key.begin(), key.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '$';
  });
  return named && (colon + 1 == line.size() || line[colon + 1] == ' ');
}

const Language* recognize(std::string_view document_name, std::string_view text) {
  const auto name = to_lower(document_name);
  for (const auto& sign : kEndings) {
    if (name.ends_with(sign.text)) return sign.language;
  }
  const auto line = first_line(text);
  for (const auto& sign : kBeginnings) {
    if (line.starts_with(sign.text)) return sign.language;
  }
  return is_yaml_member(line) ? &kYaml : nullptr;
}

}  // namespace

Error told_by_language(Error syntax, std::string_view document_name, std::string_view text) {
  const auto* language = recognize(document_name, text);
  if (language == nullptr) return syntax;
  return Error(ErrorKind::kInvalidTemplate,
               "Template:WrongKind",
               fmt::format("Kiln reads templates as JSON, and this looks like {}", language->name))
      .at(syntax.where())
      .cure(std::string(language->cure));
}

}  // namespace kiln
