#include "engine/agent/linux/sudo_options.h"

#include <array>

namespace kiln::agent {
namespace {

/// An option of sudo(8) that the stand-in understands.
struct Option {
  char letter;
  const char* name;
  enum class Argument { kNone, kRequired, kOptional } argument;
  void (*apply)(SudoOptions& options, std::string_view value);
};

void ignore(SudoOptions& /*options*/, std::string_view /*value*/) {}
void only_credentials(SudoOptions& options, std::string_view /*value*/) {
  options.only_credentials = true;
}

void preserve(SudoOptions& options, std::string_view list) {
  if (list.empty()) {
    options.preserve_environment = true;
    return;
  }
  while (!list.empty()) {
    const auto name = list.substr(0, list.find(','));
    options.preserved.emplace_back(name);
    list.remove_prefix(name.size() == list.size() ? name.size() : name.size() + 1);
  }
}

constexpr auto kNone = Option::Argument::kNone;
constexpr auto kRequired = Option::Argument::kRequired;
constexpr auto kOptional = Option::Argument::kOptional;

constexpr std::array<Option, 16> kOptions = {{
    {'u', "user", kRequired, [](SudoOptions& options, std::string_view v) { options.user = v; }},
    {'g', "group", kRequired, [](SudoOptions& options, std::string_view v) { options.group = v; }},
    {'D',
     "chdir",
     kRequired,
     [](SudoOptions& options, std::string_view v) { options.directory = v; }},
    {'p', "prompt", kRequired, ignore},
    {'E', "preserve-env", kOptional, preserve},
    {'H', "set-home", kNone, [](SudoOptions& o, std::string_view) { o.set_home = true; }},
    {'i', "login", kNone, [](SudoOptions& o, std::string_view) { o.login = true; }},
    {'s', "shell", kNone, [](SudoOptions& o, std::string_view) { o.shell = true; }},
    {'P',
     "preserve-groups",
     kNone,
     [](SudoOptions& o, std::string_view) { o.preserve_groups = true; }},
    {'V', "version", kNone, [](SudoOptions& o, std::string_view) { o.version = true; }},
    {'v', "validate", kNone, only_credentials},
    {'k', "reset-timestamp", kNone, only_credentials},
    {'K', "remove-timestamp", kNone, only_credentials},
    {'n', "non-interactive", kNone, ignore},
    {'S', "stdin", kNone, ignore},
    {'N', "no-update", kNone, ignore},
}};

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  SudoOptions parse() {
    while (options_.error.empty() && next_ < arguments_.size()) {
      const std::string_view argument = arguments_[next_];
      if (argument == "--") {
        ++next_;
        break;
      }
      if (argument.size() > 2 && argument.substr(0, 2) == "--") {
        ++next_;
        parse_long(argument.substr(2));
      } else if (argument.size() > 1 && argument[0] == '-') {
        ++next_;
        parse_letters(argument.substr(1));
      } else if (!parse_variable(argument)) {
        break;
      }
    }
    // Also after `--`.
    while (next_ < arguments_.size() && parse_variable(arguments_[next_])) {
    }
    options_.command.assign(arguments_.begin() + static_cast<std::ptrdiff_t>(next_),
                            arguments_.end());
    return std::move(options_);
  }

 private:
  void parse_long(std::string_view text) {
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    for (const auto& option : kOptions) {
      if (name != option.name) continue;
      if (equals == std::string_view::npos) return apply(option, "--" + std::string(name));
      if (option.argument == kNone) break;
      return option.apply(options_, text.substr(equals + 1));
    }
    unknown("--" + std::string(text));
  }

  void parse_letters(std::string_view letters) {
    while (!letters.empty() && options_.error.empty()) {
      const char letter = letters.front();
      letters.remove_prefix(1);
      const auto* option = kOptions.begin();
      while (option != kOptions.end() && option->letter != letter) ++option;
      if (option == kOptions.end()) return unknown({'-', letter});
      if (option->argument == kRequired && !letters.empty()) {
        return option->apply(options_, letters);  // -uroot
      }
      apply(*option, {'-', letter});
    }
  }

  void apply(const Option& option, const std::string& spelling) {
    if (option.argument != kRequired) return option.apply(options_, {});
    if (next_ == arguments_.size()) {
      options_.error = "option " + spelling + " needs a value";
      return;
    }
    option.apply(options_, arguments_[next_++]);
  }

  bool parse_variable(std::string_view argument) {
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos || equals == 0) return false;
    const auto name = argument.substr(0, equals);
    if (name.find('/') != std::string_view::npos) return false;  // a program with = in its path
    options_.variables.emplace_back(name, argument.substr(equals + 1));
    ++next_;
    return true;
  }

  void unknown(const std::string& spelling) {
    options_.error = "option " + spelling +
                     " is not known to the stand-in for sudo that kiln provides; install sudo in "
                     "the image to use it";
  }

  const std::vector<std::string>& arguments_;
  std::size_t next_ = 0;
  SudoOptions options_;
};

}  // namespace

SudoOptions parse_sudo_options(const std::vector<std::string>& arguments) {
  return Parser(arguments).parse();
}

}  // namespace kiln::agent
