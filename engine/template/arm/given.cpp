#include "engine/template/arm/given.h"

#include <charconv>

#include "engine/core/bytes.h"
#include "engine/core/input_file.h"
#include "engine/core/text.h"
#include "engine/template/arm/date_time.h"

namespace kiln::arm {
namespace {

constexpr std::uint64_t kLargestFile = 8 * kMiB;

Result<JsonReader> read_json(const std::filesystem::path& path, const std::string& option) {
  KILN_TRY_ASSIGN(const auto text, read_input_file(path, kLargestFile, option));
  std::vector<std::string> unneeded;
  return JsonReader::parse_relaxed(text, path.string(), unneeded);
}

/// A value typed on the command line; its place is the option.
Result<Value> typed(const Given& given, const std::string& kind) {
  const auto place = place_named("--parameter " + given.name);
  const auto text_value = [&] { return Value{given.text, place, nullptr}; };
  if (kind == "string" || kind == "securestring") return text_value();
  std::vector<std::string> unneeded;
  const auto parsed = JsonReader::parse_relaxed(given.text, "--parameter " + given.name, unneeded);
  if (parsed) {
    const bool is_bool = kind == "bool" && parsed->value().is_string();
    if (!is_bool) return Value{parsed->value(), place, nullptr};
  }
  if (kind == "bool") {
    if (equal_ignoring_case(given.text, "true")) return Value{true, place, nullptr};
    if (equal_ignoring_case(given.text, "false")) return Value{false, place, nullptr};
  }
  if (kind != "array" && kind != "object" && kind != "secureobject") return text_value();
  return fail(ErrorKind::kInvalidTemplate,
              "Parameter:BadValue",
              "the parameter \"{}\" is of the type {}, and the value given is not valid JSON",
              given.name,
              printable(kind, 40))
      .at("--parameter " + given.name)
      .cure("give it as JSON, or in a file with --parameters");
}

Error undeclared(const Given& given, const JsonReader& body) {
  std::vector<std::string_view> names;
  const auto parameters = find_field(body, "parameters");
  if (parameters && parameters->value().is_object()) {
    for (const auto& [key, value] : parameters->value().items()) names.push_back(key);
  }
  const auto near = nearest_word(given.name, names);
  return fail(ErrorKind::kInvalidTemplate,
              "Parameter:Unknown",
              "the template has neither a parameter nor a placeholder \"{}\"",
              printable(given.name, 60))
      .at(given.value ? given.value->where() : "--parameter " + printable(given.name, 60))
      .cure(near.empty() ? "remove it, or correct its name"
                         : fmt::format("did you mean \"{}\"?", printable(near, 60)));
}

Result<void> override_setting(const JsonReader& settings,
                              std::string_view name,
                              std::string& target) {
  const auto field = find_field(settings, name);
  if (!field) return {};
  KILN_TRY_ASSIGN(target, field->as_string());
  return {};
}

Result<void> read_settings(const JsonReader& settings, Surroundings& around) {
  KILN_TRY(settings.refuse_unknown({"subscriptionId",
                                    "tenantId",
                                    "resourceGroup",
                                    "location",
                                    "deploymentName",
                                    "managementGroup",
                                    "environment",
                                    "utcNow"}));
  KILN_TRY(override_setting(settings, "subscriptionId", around.subscription_id));
  KILN_TRY(override_setting(settings, "tenantId", around.tenant_id));
  KILN_TRY(override_setting(settings, "resourceGroup", around.resource_group));
  KILN_TRY(override_setting(settings, "location", around.location));
  KILN_TRY(override_setting(settings, "deploymentName", around.deployment_name));
  KILN_TRY(override_setting(settings, "managementGroup", around.management_group));
  KILN_TRY(override_setting(settings, "environment", around.environment));
  const auto now = find_field(settings, "utcNow");
  if (!now) return {};
  KILN_TRY_ASSIGN(const auto text, now->as_string());
  const auto moment = parse_moment(text);
  if (!moment) {
    return now->error("Arm:BadDate", "this is no date of ISO 8601")
        .cure("write it as 2026-01-31T12:00:00Z");
  }
  around.now = std::chrono::system_clock::time_point(std::chrono::seconds(moment->seconds));
  return {};
}

}  // namespace

Result<std::vector<Given>> read_parameter_file(const std::filesystem::path& path) {
  KILN_TRY_ASSIGN(const auto document, read_json(path, "--parameters"));
  const auto wrapped = find_field(document, "parameters");
  KILN_TRY_ASSIGN(const auto members, (wrapped ? *wrapped : document).members());
  std::vector<Given> given;
  for (const auto& [name, entry] : members) {
    if (!wrapped && (name == "$schema" || name == "contentVersion")) continue;
    if (const auto reference = find_field(entry, "reference")) {
      given.push_back({name,
                       std::nullopt,
                       "",
                       fail(ErrorKind::kInvalidTemplate,
                            "Parameter:KeyVault",
                            "the value of \"{}\" is in a Key Vault, which cannot be asked offline",
                            printable(name, 60))
                           .at(reference->where())
                           .expecting("a value")
                           .cure("give it in a second parameters file that only you can read")});
      continue;
    }
    std::string spelling;
    if (find_member(entry.value(), "value", &spelling) == nullptr) {
      given.push_back(
          {name,
           std::nullopt,
           "",
           entry.error("Parameter:NoValue", "a parameter in a parameters file needs a \"value\"")
               .expecting("a member \"value\"")
               .cure(R"(write {"value": …})")});
      continue;
    }
    const auto value = entry.find(spelling);
    given.push_back({name, value ? *value : entry.with_value(nullptr), "", std::nullopt});
  }
  return given;
}

Supplied supply(const std::vector<Given>& given,
                const JsonReader& body,
                const std::set<std::string>& known,
                Context& context) {
  const Types types(body, context);
  const auto parameters = find_field(body, "parameters");
  Supplied supplied;
  for (const auto& one : given) {
    const auto declaration = parameters ? find_field(*parameters, one.name) : std::nullopt;
    if (!declaration) {
      if (known.contains(to_lower(one.name))) continue;
      context.failures.add(undeclared(one, body));
      continue;
    }
    if (one.fault) {
      supplied[to_lower(one.name)] = [fault = *one.fault]() -> Result<Value> { return fault; };
      continue;
    }
    const auto kind = types.kind(*declaration);
    auto value = one.value ? Value{one.value->value(), one.value->place(), nullptr}
                           : typed(one, kind ? *kind : "");
    supplied[to_lower(one.name)] = [value = std::move(value)]() -> Result<Value> { return value; };
  }
  return supplied;
}

Result<void> read_resource_values(const std::filesystem::path& path,
                                  Surroundings& surroundings,
                                  Context& context) {
  KILN_TRY_ASSIGN(const auto document, read_json(path, "--resource-values"));
  KILN_TRY(document.members());
  context.live_values = document.value();
  context.live_values.erase("settings");
  const auto settings = document.find("settings");
  if (!settings) return {};
  return read_settings(*settings, surroundings);
}

}  // namespace kiln::arm
