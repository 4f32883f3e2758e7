// `kiln schema` and `kiln template init`: help for whoever writes a template.
#include <fmt/format.h>

#include "engine/cli/services.h"
#include "engine/cli/starter_template.h"
#include "engine/core/file.h"
#include "engine/plan/contract_types.h"

namespace kiln {
namespace {

Result<ExitCode> init(const std::filesystem::path& path) {
  if (path.empty() || path == "-") {
    fmt::print("{}", starter_template());
    return ExitCode::kOk;
  }
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    return fail(
               ErrorKind::kInvalidTemplate, "Template:Exists", "{} is there already", path.string())
        .cure("choose another name");
  }
  KILN_TRY(write_file_atomic(path, starter_template()));
  fmt::print("{}\n", path.string());
  return ExitCode::kOk;
}

}  // namespace

void add_template_commands(CLI::App& app, Services& services) {
  auto* schema = app.add_subcommand("schema", "Print the JSON Schema of a template, for editors");
  schema->callback([&services] {
    services.command = []() -> Result<ExitCode> {
      fmt::print("{}\n", template_schema().dump(2));
      return ExitCode::kOk;
    };
  });
  auto* group = app.add_subcommand("template", "Help with writing templates");
  group->require_subcommand(1);
  auto* command = group->add_subcommand("init", "Write a template to start from");
  auto path = std::make_shared<std::filesystem::path>();
  command->add_option("file", *path, "The new file; standard output where not given");
  command->callback([&services, path] { services.command = [path] { return init(*path); }; });
  add_answers_command(*group, services);
}

}  // namespace kiln
