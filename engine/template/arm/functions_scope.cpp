// resourceId and its kin, and the objects that describe where a deployment happens.
#include <algorithm>
#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

using nlohmann::json;

std::string subscription_scope(std::string_view subscription) {
  return fmt::format("/subscriptions/{}", subscription);
}

std::string group_scope(std::string_view subscription, std::string_view group) {
  return fmt::format("/subscriptions/{}/resourceGroups/{}", subscription, group);
}

/// Where the type of a resource stands among the arguments: the first with a slash that does not
/// begin with one.
Result<std::size_t> find_type(const Call& call, std::size_t from) {
  for (auto i = from; i < call.count(); ++i) {
    KILN_TRY_ASSIGN(const auto text, call.string(i));
    if (text.find('/') != std::string::npos && !text.starts_with('/')) return i;
  }
  return call.error("no argument is the type of a resource, such as 'Microsoft.Compute/images'");
}

/// `/providers/Microsoft.X/a/NAME/b/NAME`
Result<std::string> provider_path(const Call& call, std::size_t type_index) {
  KILN_TRY_ASSIGN(const auto type, call.string(type_index));
  const auto parts = split(type, '/');
  std::vector<std::string> names;
  for (auto i = type_index + 1; i < call.count(); ++i) {
    KILN_TRY_ASSIGN(const auto name, call.string(i));
    for (auto& piece : split(name, '/')) names.push_back(std::move(piece));
  }
  if (names.size() + 1 != parts.size()) {
    return call.error(fmt::format("the type {} needs {} names and gets {}",
                                  printable(type, 80),
                                  parts.size() - 1,
                                  names.size()));
  }
  auto path = "/providers/" + parts[0];
  for (std::size_t i = 0; i < names.size(); ++i) path += "/" + parts[i + 1] + "/" + names[i];
  return path;
}

Result<Value> resource_id(const Call& call) {
  KILN_TRY_ASSIGN(const auto type, find_type(call, 0));
  if (type > 2) return call.error("at most a subscription and a group stand before the type");
  const auto& around = call.run.scope().surroundings();
  auto subscription = around.subscription_id;
  auto group = around.resource_group;
  if (type == 2) {
    KILN_TRY_ASSIGN(subscription, call.string(0));
  }
  if (type >= 1) {
    KILN_TRY_ASSIGN(group, call.string(type - 1));
  }
  KILN_TRY_ASSIGN(const auto path, provider_path(call, type));
  return made(group_scope(subscription, group) + path);
}

Result<Value> subscription_resource_id(const Call& call) {
  KILN_TRY_ASSIGN(const auto type, find_type(call, 0));
  if (type > 1) return call.error("at most a subscription stands before the type");
  auto subscription = call.run.scope().surroundings().subscription_id;
  if (type == 1) {
    KILN_TRY_ASSIGN(subscription, call.string(0));
  }
  KILN_TRY_ASSIGN(const auto path, provider_path(call, type));
  return made(subscription_scope(subscription) + path);
}

Result<Value> tenant_resource_id(const Call& call) {
  KILN_TRY_ASSIGN(const auto type, find_type(call, 0));
  if (type != 0) return call.error("the type of the resource comes first");
  KILN_TRY_ASSIGN(auto path, provider_path(call, 0));
  return made(std::move(path));
}

Result<Value> extension_resource_id(const Call& call) {
  KILN_TRY_ASSIGN(const auto base, call.string(0));
  KILN_TRY_ASSIGN(const auto type, find_type(call, 1));
  if (type != 1) return call.error("the type of the extension comes right after the resource's id");
  KILN_TRY_ASSIGN(const auto path, provider_path(call, 1));
  return made((base.ends_with('/') ? base.substr(0, base.size() - 1) : base) + path);
}

std::string group_id(std::string_view name) {
  return fmt::format("/providers/Microsoft.Management/managementGroups/{}", name);
}

Result<Value> management_group_resource_id(const Call& call) {
  KILN_TRY_ASSIGN(const auto type, find_type(call, 0));
  if (type > 1) return call.error("at most a management group stands before the type");
  auto name = call.run.scope().surroundings().management_group;
  if (type == 1) {
    KILN_TRY_ASSIGN(name, call.string(0));
  }
  KILN_TRY_ASSIGN(const auto path, provider_path(call, type));
  return made(group_id(name) + path);
}

Result<Value> resource_group(const Call& call) {
  const auto& around = call.run.scope().surroundings();
  return made({{"id", group_scope(around.subscription_id, around.resource_group)},
               {"name", around.resource_group},
               {"type", "Microsoft.Resources/resourceGroups"},
               {"location", around.location},
               {"tags", json::object()},
               {"properties", {{"provisioningState", "Succeeded"}}}});
}

Result<Value> subscription(const Call& call) {
  const auto& around = call.run.scope().surroundings();
  return made({{"id", subscription_scope(around.subscription_id)},
               {"subscriptionId", around.subscription_id},
               {"tenantId", around.tenant_id},
               {"displayName", "Kiln"}});
}

Result<Value> tenant(const Call& call) {
  const auto& around = call.run.scope().surroundings();
  return made({{"tenantId", around.tenant_id}, {"displayName", "Kiln"}, {"countryCode", "ZZ"}});
}

Result<Value> management_group(const Call& call) {
  const auto& name = call.run.scope().surroundings().management_group;
  return made({{"id", group_id(name)},
               {"name", name},
               {"type", "Microsoft.Management/managementGroups"},
               {"properties", {{"displayName", name}}}});
}

Result<Value> deployment(const Call& call) {
  const auto& around = call.run.scope().surroundings();
  return made({{"name", around.deployment_name},
               {"location", around.location},
               {"properties",
                {{"mode", "Incremental"},
                 {"provisioningState", "Accepted"},
                 {"templateLink", {{"uri", around.template_uri}}},
                 {"parameters", json::object()},
                 {"template", {{"contentVersion", "1.0.0.0"}}}}}});
}

Result<Value> deployer(const Call& call) {
  return made({{"objectId", "00000000-0000-0000-0000-000000000000"},
               {"tenantId", call.run.scope().surroundings().tenant_id},
               {"userPrincipalName", ""}});
}

struct Cloud {
  std::string_view name;
  std::string_view management;
  std::string_view login;
  std::string_view storage;
  std::string_view vault;
  std::string_view sql;
  std::string_view portal;
  std::string_view graph;
};

constexpr std::array kClouds = {
    Cloud{"AzureCloud",
          "management.azure.com",
          "login.microsoftonline.com",
          "core.windows.net",
          ".vault.azure.net",
          ".database.windows.net",
          "portal.azure.com",
          "graph.windows.net"},
    Cloud{"AzureUSGovernment",
          "management.usgovcloudapi.net",
          "login.microsoftonline.us",
          "core.usgovcloudapi.net",
          ".vault.usgovcloudapi.net",
          ".database.usgovcloudapi.net",
          "portal.azure.us",
          "graph.windows.net"},
    Cloud{"AzureChinaCloud",
          "management.chinacloudapi.cn",
          "login.chinacloudapi.cn",
          "core.chinacloudapi.cn",
          ".vault.azure.cn",
          ".database.chinacloudapi.cn",
          "portal.azure.cn",
          "graph.chinacloudapi.cn"},
};

Result<Value> environment(const Call& call) {
  const auto& name = call.run.scope().surroundings().environment;
  const auto cloud = std::find_if(kClouds.begin(), kClouds.end(), [&](const Cloud& c) {
    return equal_ignoring_case(c.name, name);
  });
  if (cloud == kClouds.end()) {
    return call.error(fmt::format("the environment \"{}\" is not known", printable(name, 40)));
  }
  const auto url = [](std::string_view host) { return fmt::format("https://{}/", host); };
  return made({{"name", cloud->name},
               {"portal", url(cloud->portal)},
               {"resourceManager", url(cloud->management)},
               {"graph", url(cloud->graph)},
               {"authentication",
                {{"loginEndpoint", url(cloud->login)},
                 {"audiences", {url(cloud->management)}},
                 {"tenant", "common"},
                 {"identityProvider", "AAD"}}},
               {"suffixes",
                {{"storage", cloud->storage},
                 {"keyvaultDns", cloud->vault},
                 {"sqlServerHostname", cloud->sql}}}});
}

constexpr std::array kFunctions = {
    Function{"deployer", 0, 0, deployer},
    Function{"deployment", 0, 0, deployment},
    Function{"environment", 0, 0, environment},
    Function{"extensionResourceId", 3, -1, extension_resource_id},
    Function{"managementGroup", 0, 0, management_group},
    Function{"managementGroupResourceId", 2, -1, management_group_resource_id},
    Function{"resourceGroup", 0, 0, resource_group},
    Function{"resourceId", 2, -1, resource_id},
    Function{"subscription", 0, 0, subscription},
    Function{"subscriptionResourceId", 2, -1, subscription_resource_id},
    Function{"tenant", 0, 0, tenant},
    Function{"tenantResourceId", 2, -1, tenant_resource_id},
};

}  // namespace

std::span<const Function> scope_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
