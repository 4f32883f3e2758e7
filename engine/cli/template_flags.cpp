#include "engine/cli/template_flags.h"

#include "engine/core/text.h"
#include "engine/template/parse.h"

namespace kiln {
namespace {

Result<TemplateOptions> complete(const TemplateFlags& flags) {
  auto options = flags.options;
  for (const auto& given : flags.parameters) {
    const auto equals = given.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorKind::kInvalidTemplate,
                  "Parameter:Syntax",
                  "\"{}\" is not of the form NAME=VALUE",
                  printable(given.substr(0, equals), 60))
          .at("--parameter")
          .cure("write --parameter NAME=VALUE");
    }
    options.parameters.emplace_back(given.substr(0, equals), given.substr(equals + 1));
  }
  return options;
}

}  // namespace

void TemplateFlags::add_to(CLI::App& command) {
  command
      .add_option("template",
                  path,
                  "An AIB image template: the resource's body, or an ARM deployment template;\n"
                  "- reads it from the standard input")
      ->required();
  // Each use takes one value, so that the template's path can follow an option.
  command
      .add_option("--parameter",
                  parameters,
                  "A template parameter's value: JSON, or text where the parameter is a string.\n"
                  "Fills the placeholder <NAME> as well. Can be given again")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--parameters",
                  options.parameter_files,
                  "A deployment parameters file; of several the later ones win")
      ->type_name("FILE")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--placeholders",
                  options.placeholders,
                  "A JSON object with values for placeholders such as <rgName>")
      ->type_name("FILE");
  command
      .add_option("--resource-values",
                  options.resource_values,
                  "A JSON object with what only a live cloud knows, by call or resource id")
      ->type_name("FILE");
  command
      .add_option("--resource",
                  options.resource,
                  "The image template to build, where a deployment template has several")
      ->type_name("NAME");
  command.add_option("--subscription-id", options.subscription_id, "What subscription() tells")
      ->type_name("ID");
  command
      .add_option("--resource-group", options.resource_group, "The name that resourceGroup() tells")
      ->type_name("NAME");
  command.add_option("--location", options.location, "The location that resourceGroup() tells")
      ->type_name("NAME");
}

Result<ImageTemplate> examine_input(const TemplateFlags& flags,
                                    const std::string& text,
                                    Redactor& redactor) {
  KILN_TRY_ASSIGN(auto options, complete(flags));
  std::vector<Secret> secrets;
  options.secrets = &secrets;
  const auto name = flags.path == "-" ? "stdin" : flags.path.string();
  auto image_template = examine_template(text, name, options);
  for (const auto& secret : secrets) redactor.add(secret);
  return image_template;
}

nlohmann::json redact_json(const nlohmann::json& value, const Redactor& redactor) {
  auto result = value;
  if (result.is_string()) {
    result = redactor.redact(result.get_ref<const std::string&>());
  } else if (result.is_structured()) {
    for (auto& member : result) member = redact_json(member, redactor);
  }
  return result;
}

}  // namespace kiln
