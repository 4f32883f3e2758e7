// `kiln template answers`: what an installer would be told.
#include <fmt/format.h>

#include "engine/cli/choice.h"
#include "engine/cli/services.h"
#include "engine/core/file.h"
#include "engine/installers/installer.h"

namespace kiln {
namespace {

struct AnswerFlags {
  std::filesystem::path iso;
  Firmware firmware = Firmware::kUefi;
  std::string edition;
  std::filesystem::path answers;
  std::filesystem::path additional;
};

Result<InstallOrder> make_order(const AnswerFlags& flags) {
  InstallOrder order;
  KILN_TRY_ASSIGN(order.media, inspect_media(flags.iso));
  order.firmware = flags.firmware;
  order.edition = flags.edition;
  if (!flags.answers.empty()) {
    KILN_TRY_ASSIGN(order.answers, read_file(flags.answers));
  }
  if (!flags.additional.empty()) {
    KILN_TRY_ASSIGN(order.additional_answers, read_file(flags.additional));
  }
  return order;
}

/// The first file as it is, so that it can be stored, changed and given back; others, which it may
/// refer to, only in JSON and on demand.
Result<ExitCode> answers(const AnswerFlags& flags, const std::string& file, Services& services) {
  KILN_TRY_ASSIGN(const auto order, make_order(flags));
  KILN_TRY_ASSIGN(const auto recipe, make_install_recipe(order));
  auto files = nlohmann::json::object();
  std::vector<std::string> names;
  const AnswerFile* chosen = file.empty() ? recipe.answers.data() : nullptr;
  for (const auto& one : recipe.answers) {
    files[one.name] = one.text;
    names.push_back(one.name);
    if (one.name == file) chosen = &one;
  }
  if (chosen == nullptr) {
    return fail(ErrorKind::kInvalidTemplate,
                "Installer:NoSuchAnswers",
                "the answers to {} have no file {}",
                order.media.title(),
                file)
        .expecting(fmt::format("one of {}", fmt::join(names, ", ")))
        .cure("name one of them, or leave --file out");
  }
  for (const auto& name : names) {
    if (name != chosen->name) fmt::print(stderr, "kiln: there is {} too: --file {}\n", name, name);
  }
  print_result(services.settings,
               chosen->text,
               {{"family", to_string(order.media.family)},
                {"product", order.media.title()},
                {"kernelArguments", recipe.installation.arguments},
                {"answerDiskLabel", recipe.answer_label},
                {"files", std::move(files)}});
  return ExitCode::kOk;
}

}  // namespace

void add_answers_command(CLI::App& group, Services& services) {
  static const std::map<std::string, Firmware> kGenerations = {{"V1", Firmware::kBios},
                                                               {"V2", Firmware::kUefi}};
  auto* command = group.add_subcommand(
      "answers", "Print what an unattended installation from a disc would tell its installer");
  auto flags = std::make_shared<AnswerFlags>();
  auto file = std::make_shared<std::string>();
  command->add_option("iso", flags->iso, "The installer's disc")->required();
  command->add_option("--generation", flags->firmware, "Hyper-V generation of the system")
      ->transform(choice(kGenerations, "V1|V2"));
  command->add_option("--edition", flags->edition, "Windows: edition by number, name or ID");
  command->add_option("--answers", flags->answers, "Used instead of Kiln's answers");
  command->add_option("--additional-answers", flags->additional, "Added to the answers");
  command->add_option("--file", *file, "Another one of the files that the installer reads");
  command->callback([&services, flags, file] {
    services.command = [&services, flags, file] { return answers(*flags, *file, services); };
  });
}

}  // namespace kiln
