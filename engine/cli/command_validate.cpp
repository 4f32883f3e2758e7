// `kiln validate`: every finding about a template; writes nothing.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "engine/cli/choice.h"
#include "engine/cli/render_findings.h"
#include "engine/cli/services.h"
#include "engine/cli/template_flags.h"
#include "engine/plan/plan.h"
#include "engine/template/parse.h"

namespace kiln {
namespace {

std::string counted(std::size_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

constexpr auto kReplaceInvalid = nlohmann::ordered_json::error_handler_t::replace;

enum class FindingsFormat { kText, kJson, kSarif };

struct ValidateFlags {
  TemplateFlags input;
  std::optional<FindingsFormat> format;
};

/// What is said about a template, whether or not it could be read at all.
struct Verdict {
  Diagnostics found;
  std::string name;
  std::size_t steps = 0;
  std::size_t targets = 0;
  nlohmann::json parameters;
  std::vector<Error> blockers;
};

Verdict examine_one(const TemplateFlags& input, const std::string& text, Redactor& redactor) {
  Verdict verdict;
  auto image_template = examine_input(input, text, redactor);
  if (!image_template) {
    verdict.found.add(image_template.error());
    return verdict;
  }
  const auto checked = examine_items(*std::move(image_template));
  verdict.found = checked.image_template.found;
  verdict.name = checked.image_template.name;
  verdict.steps = checked.steps.size();
  verdict.targets = checked.targets.size();
  verdict.parameters = checked.image_template.parameters;
  if (!verdict.found.has_errors()) verdict.blockers = checked.image_template.blockers;
  return verdict;
}

/// How many image templates the file makes, where that is what keeps it from being read.
std::size_t several(const Verdict& verdict) {
  if (!verdict.found.has_errors()) return 0;
  const auto errors = verdict.found.errors();
  const auto found = std::find_if(errors.begin(), errors.end(), [](const Error& error) {
    return error.code() == "Arm:SeveralImageTemplates";
  });
  return found == errors.end() ? 0 : found->quoted().size();
}

/// What is said of several image templates together, each finding once.
void merge(Verdict& all, Verdict one) {
  for (const auto& diagnostic : one.found.all()) {
    const auto same = [&](const Diagnostic& other) {
      return other.code == diagnostic.code && other.where == diagnostic.where &&
             other.message == diagnostic.message;
    };
    const auto& known = all.found.all();
    if (std::none_of(known.begin(), known.end(), same)) all.found.add(diagnostic);
  }
  all.name += (all.name.empty() ? "" : ", ") + one.name;
  all.steps += one.steps;
  all.targets += one.targets;
  all.parameters.update(one.parameters);
  for (auto& blocker : one.blockers) all.blockers.push_back(std::move(blocker));
}

/// Of a file that makes several image templates each is looked at; only a build has to choose.
Verdict examine(const ValidateFlags& flags, Redactor& redactor) {
  const auto text = read_template_file(flags.input.path);
  if (!text) {
    Verdict verdict;
    verdict.found.add(text.error());
    return verdict;
  }
  auto verdict = examine_one(flags.input, *text, redactor);
  const auto count = flags.input.options.resource.empty() ? several(verdict) : 0;
  if (count == 0) return verdict;
  Verdict all;
  all.parameters = nlohmann::json::object();
  auto input = flags.input;
  for (std::size_t number = 1; number <= count; ++number) {
    input.options.resource_number = number;
    merge(all, examine_one(input, *text, redactor));
  }
  return all;
}

nlohmann::ordered_json to_json(const ValidateFlags& flags, const Verdict& verdict) {
  auto notices = verdict.found.lines(Severity::kNotice);
  auto blocked = nlohmann::ordered_json::array();
  for (const auto& error : verdict.blockers) blocked.push_back(error.summary());
  return {{"valid", !verdict.found.has_errors()},
          {"file", flags.input.path.string()},
          {"template", verdict.name},
          {"steps", verdict.steps},
          {"targets", verdict.targets},
          {"parameters", verdict.parameters},
          {"notices", notices},
          {"notYetSupported", blocked},
          {"findings", findings_to_json(verdict.found)}};
}

void print_text(const ValidateFlags& flags, const Verdict& verdict, const Redactor& redactor) {
  const auto errors = verdict.found.count(Severity::kError);
  const auto findings = redactor.redact(findings_to_text(verdict.found));
  if (errors > 0) {
    fmt::print(stderr,
               "{}kiln: {} is not valid: {}, {}\n",
               findings,
               flags.input.path.string(),
               counted(errors, "error"),
               counted(verdict.found.count(Severity::kWarning), "warning"));
    return;
  }
  fmt::print("{} is valid: {}, {}\n{}",
             flags.input.path.string(),
             counted(verdict.steps, "step"),
             counted(verdict.targets, "target"),
             findings);
  for (const auto& error : verdict.blockers) {
    fmt::print("not yet: {}\n  cure:     {}\n", redactor.redact(error.summary()), error.cure());
  }
}

/// Member by member, because a secret may hold what JSON escapes.
void print_json(nlohmann::ordered_json json, const Redactor& redactor) {
  const auto hide = [&](auto&& self, nlohmann::ordered_json& value) -> void {
    if (value.is_string()) value = redactor.redact(value.get_ref<const std::string&>());
    if (!value.is_structured()) return;
    for (auto& member : value) self(self, member);
  };
  hide(hide, json);
  fmt::print("{}\n", json.dump(2, ' ', false, kReplaceInvalid));
}

ExitCode exit_code_of(const Diagnostics& found) {
  if (!found.has_errors()) return ExitCode::kOk;
  // A file that cannot be opened is no fault of the template.
  return found.all().size() == 1 ? exit_code(found.first_error()) : ExitCode::kUsage;
}

Result<ExitCode> validate(const ValidateFlags& flags, Services& services) {
  const auto& redactor = services.redactor;
  const auto verdict = examine(flags, services.redactor);
  const auto fallback = services.settings.log_format == LogFormat::kJson ? FindingsFormat::kJson
                                                                         : FindingsFormat::kText;
  switch (flags.format.value_or(fallback)) {
    case FindingsFormat::kText:
      print_text(flags, verdict, redactor);
      break;
    case FindingsFormat::kJson:
      print_json(to_json(flags, verdict), redactor);
      break;
    case FindingsFormat::kSarif:
      print_json(findings_to_sarif(verdict.found), redactor);
      break;
  }
  return exit_code_of(verdict.found);
}

}  // namespace

void add_validate_command(CLI::App& app, Services& services) {
  static const std::map<std::string, FindingsFormat> kFormats = {{"text", FindingsFormat::kText},
                                                                 {"json", FindingsFormat::kJson},
                                                                 {"sarif", FindingsFormat::kSarif}};
  auto* command = app.add_subcommand("validate", "Check a template; writes nothing");
  auto flags = std::make_shared<ValidateFlags>();
  flags->input.add_to(*command);
  command->add_option("--format", flags->format, "How findings are printed; text where not given")
      ->transform(choice(kFormats, "text|json|sarif"));
  command->footer(
      "All findings are told at once: errors, warnings and notices. The exit code is 2 if any of\n"
      "them is an error. What this version cannot build yet is said, and is no error.");
  command->callback([&services, flags] {
    services.command = [&services, flags] { return validate(*flags, services); };
  });
}

}  // namespace kiln
