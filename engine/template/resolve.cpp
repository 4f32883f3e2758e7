#include "engine/template/resolve.h"

#include "engine/core/text.h"
#include "engine/template/arm/declarations.h"
#include "engine/template/arm/document.h"
#include "engine/template/arm/evaluator.h"
#include "engine/template/arm/given.h"
#include "engine/template/placeholder.h"

namespace kiln {
namespace {

bool is_deployment(const JsonReader& document) {
  const auto schema = arm::find_field(document, "$schema");
  const bool named =
      schema && schema->value().is_string() &&
      to_lower(schema->value().get_ref<const std::string&>()).find("deploymenttemplate") !=
          std::string::npos;
  // A template's own body can have child resources, such as triggers.
  return named || (arm::find_field(document, "resources").has_value() &&
                   !arm::find_field(document, "properties").has_value());
}

Result<void> refuse_parameter_file(const JsonReader& document) {
  const auto schema = document.find("$schema");
  if (!schema || !schema->value().is_string()) return {};
  const auto text = to_lower(schema->value().get_ref<const std::string&>());
  if (text.find("deploymentparameters") == std::string::npos) return {};
  return schema->error("Template:WrongKind", "this is a parameters file, not a template")
      .cure("pass the template, and this file with --parameters");
}

/// The request body in an example of the service's API description.
std::optional<JsonReader> example_body(const JsonReader& document) {
  if (document.find("properties")) return std::nullopt;
  const auto parameters = document.find("parameters");
  if (!parameters || !parameters->value().is_object()) return std::nullopt;
  for (const auto& [name, value] : parameters->value().items()) {
    auto body = parameters->find(name);
    const auto properties = body ? body->find("properties") : std::nullopt;
    if (properties && properties->find("source")) return body;
  }
  return std::nullopt;
}

/// So that links relative to the template lead to the files beside it.
std::string uri_of(const JsonReader& document) {
  const auto& place = document.place();
  if (place == nullptr || place->document == nullptr) return {};
  std::error_code error;
  const auto path = std::filesystem::absolute(*place->document, error);
  return error ? std::string() : "file://" + path.lexically_normal().string();
}

Result<std::vector<arm::Given>> read_given(const TemplateOptions& options) {
  std::vector<arm::Given> given;
  for (const auto& path : options.parameter_files) {
    KILN_TRY_ASSIGN(auto from_file, arm::read_parameter_file(path));
    for (auto& one : from_file) given.push_back(std::move(one));
  }
  for (const auto& [name, text] : options.parameters)
    given.push_back({name, std::nullopt, text, std::nullopt});
  return given;
}

Result<arm::Surroundings> read_surroundings(const TemplateOptions& options, arm::Context& context) {
  arm::Surroundings around;
  if (!options.resource_values.empty()) {
    KILN_TRY(arm::read_resource_values(options.resource_values, around, context));
  }
  const auto prefer = [](std::string& target, const std::string& given) {
    if (!given.empty()) target = given;
  };
  prefer(around.subscription_id, options.subscription_id);
  prefer(around.resource_group, options.resource_group);
  prefer(around.location, options.location);
  return around;
}

void note_bare_body(const arm::Context& context, std::vector<std::string>& notices) {
  if (context.escapes > 0) {
    notices.push_back(
        fmt::format("\"[[…]\" is ARM's escape for a literal \"[…]\" and was read so in {} place(s)",
                    context.escapes));
  }
  if (!context.first_expression.empty()) {
    notices.push_back(
        fmt::format("the service evaluates no expressions outside of a deployment template; they "
                    "were evaluated here (first at {})",
                    context.first_expression));
  }
}

/// A body that is no deployment template: only the given parameters are declared.
Result<ResolvedTemplate> resolve_bare(const JsonReader& body,
                                      const std::vector<arm::Given>& given,
                                      const std::set<std::string>& filled,
                                      arm::Surroundings around,
                                      arm::Context& context,
                                      std::vector<std::string>& notices) {
  auto declared = nlohmann::json::object();
  for (const auto& one : given) {
    if (!filled.contains(to_lower(one.name))) declared[one.name] = nlohmann::json::object();
  }
  const auto around_body =
      JsonReader::of({{"parameters", std::move(declared)}}, "the command line");
  auto supplied = arm::supply(given, around_body, filled, context);
  KILN_TRY_ASSIGN(
      const auto deployment,
      arm::Deployment::create(around_body, std::move(around), std::move(supplied), context));
  deployment->is_bare = true;
  KILN_TRY_ASSIGN(auto placed, arm::evaluate_known(body, *deployment, nullptr));
  note_bare_body(context, notices);
  auto used = deployment->used_parameters();
  for (const auto& one : given) {
    if (filled.contains(to_lower(one.name)) || used.contains(one.name)) continue;
    context.failures.add(fail(ErrorKind::kInvalidTemplate,
                              "Parameter:Unknown",
                              "the template has neither a parameter nor a placeholder \"{}\"",
                              printable(one.name, 60))
                             .at("--parameter " + printable(one.name, 60))
                             .cure("remove it, or correct its name"));
  }
  return ResolvedTemplate{
      JsonReader::computed(std::move(placed.data),
                           std::make_shared<const JsonPlace>(std::move(placed.place)),
                           body.pointer()),
      false,
      std::move(used),
      {}};
}

Result<ResolvedTemplate> resolve_deployment(const JsonReader& document,
                                            const std::vector<arm::Given>& given,
                                            const std::set<std::string>& filled,
                                            arm::Surroundings around,
                                            arm::Context& context,
                                            const TemplateOptions& options,
                                            std::vector<std::string>& notices) {
  auto supplied = arm::supply(given, document, filled, context);
  KILN_TRY_ASSIGN(
      const auto deployment,
      arm::Deployment::create(document, std::move(around), std::move(supplied), context));
  arm::check_declarations(document, context);
  deployment->check_parameters();
  deployment->check_expressions();
  KILN_TRY_ASSIGN(
      auto resource,
      arm::find_image_template(*deployment, options.resource, options.resource_number, notices));
  return ResolvedTemplate{std::move(resource), true, deployment->used_parameters(), {}};
}

/// --resource chooses among several; a body is one.
Result<void> check_wanted(const JsonReader& resource, const std::string& wanted) {
  const auto name = arm::find_field(resource, "name");
  const auto own = name && name->value().is_string() ? name->value().get<std::string>() : "";
  if (wanted.empty() || equal_ignoring_case(own, wanted)) return {};
  return (name ? *name : resource)
      .error("Template:NoSuchResource",
             own.empty() ? fmt::format("this is one image template without a name, and not \"{}\"",
                                       printable(wanted, 80))
                         : fmt::format("this is the image template \"{}\", and not \"{}\"",
                                       printable(own, 80),
                                       printable(wanted, 80)))
      .cure("leave --resource out; it chooses among the resources of a deployment template");
}

Result<ResolvedTemplate> resolve(const JsonReader& document,
                                 const TemplateOptions& options,
                                 arm::Context& context,
                                 std::vector<std::string>& notices) {
  KILN_TRY(refuse_parameter_file(document));
  KILN_TRY_ASSIGN(const auto given, read_given(options));
  KILN_TRY_ASSIGN(auto around, read_surroundings(options, context));
  around.template_uri = uri_of(document);
  auto group_id = fmt::format(
      "/subscriptions/{}/resourceGroups/{}", around.subscription_id, around.resource_group);
  KILN_TRY_ASSIGN(auto values, read_placeholders(options.placeholders));
  std::vector<std::string> in_file;
  for (const auto& [name, value] : values) in_file.push_back(name);
  for (const auto& typed : options.parameters) {  // these win, in whatever case
    std::erase_if(
        values, [&typed](const auto& one) { return equal_ignoring_case(one.first, typed.first); });
    values.insert(typed);
  }
  const auto filled = fill_placeholders(document, values);
  const auto names = filled.names();
  for (const auto& name : in_file) {
    if (names.contains(to_lower(name))) continue;
    notices.push_back(fmt::format("the template has no placeholder <{}>, which {} gives a value",
                                  printable(name, 60),
                                  options.placeholders.string()));
  }
  const auto& text = filled.document;
  const auto example = is_deployment(text) ? std::nullopt : example_body(text);
  if (example) {
    notices.push_back(
        fmt::format("this is an example of the service's API; its request body is used ({})",
                    example->where()));
  }
  KILN_TRY_ASSIGN(
      auto resolved,
      is_deployment(text)
          ? resolve_deployment(text, given, names, std::move(around), context, options, notices)
          : resolve_bare(
                example ? *example : text, given, names, std::move(around), context, notices));
  if (!is_deployment(text)) KILN_TRY(check_wanted(resolved.resource, options.resource));
  resolved.resource = check_placeholders(resolved.resource, context.failures, notices);
  resolved.parameters.update(filled.used);
  resolved.group_id = std::move(group_id);
  return resolved;
}

}  // namespace

std::optional<ResolvedTemplate> resolve_template(const JsonReader& document,
                                                 const TemplateOptions& options,
                                                 Diagnostics& found,
                                                 std::vector<std::string>& notices) {
  arm::Context context;
  auto resolved = resolve(document, options, context, notices);
  if (!resolved) context.failures.add(resolved.error());
  for (const auto& failure : context.failures.all()) found.add(failure);
  if (options.secrets != nullptr) {
    for (auto& secret : context.secrets) options.secrets->push_back(std::move(secret));
  }
  if (!resolved) return std::nullopt;
  return *std::move(resolved);
}

}  // namespace kiln
