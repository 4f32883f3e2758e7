#include "engine/sandbox/micro/micro_tools.h"

#include <algorithm>
#include <charconv>

#include "engine/core/bytes.h"
#include "engine/core/memory_file.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// Of what an untrusted image can make a program say.
constexpr std::size_t kLongestAnswer = 8 * kMiB;
constexpr std::size_t kLongestComplaint = 8 * kKiB;
constexpr int kCommandNotFound = 127;  // the agent's, as shells say it
constexpr int kAbsent = 2;             // image_tool's exit code

/// A host without such a program has none in its micro-appliance; libguestfs's may have it.
Error not_there(const std::string& program, const std::string& doing) {
  return fail(ErrorKind::kUnsupported,
              "Micro:NoProgram",
              "{}: the micro-appliance has no {}, as this host has none",
              doing,
              program)
      .cure(fmt::format("install {} on this host", program));
}

Error complaint(const GuestExit& exit, std::string_view text, bool own, const std::string& doing) {
  auto lines = split_lines(trim(text));
  auto reason = lines.empty() ? fmt::format("exit code {}", exit.code) : printable(lines.back());
  if (!lines.empty()) lines.pop_back();
  const bool absent = own && exit.kind == GuestExit::Kind::kExited && exit.code == kAbsent;
  return fail(absent ? ErrorKind::kNotFound : ErrorKind::kGuestFailed,
              absent ? "Micro:NotFound" : "Micro:Tool",
              "{}: {}",
              doing,
              reason)
      .quoting(std::move(lines));
}

}  // namespace

Result<std::string> MicroTools::run(const std::vector<std::string>& argv,
                                    const std::string& doing,
                                    std::string_view input,
                                    std::initializer_list<int> good_codes) {
  GuestCommand command;
  command.argv = argv;
  command.directory = "/";
  UniqueFd file;
  if (!input.empty()) {
    KILN_TRY_ASSIGN(file, memory_file(input));
    command.input = GuestInput{file.get(), {}};
  }
  std::string out;
  std::string err;
  const auto keep = [&](GuestStream stream, std::string_view data) {
    auto& text = stream == GuestStream::kStdout ? out : err;
    const auto limit = stream == GuestStream::kStdout ? kLongestAnswer : kLongestComplaint;
    text.append(data.substr(0, limit - std::min(limit, text.size())));
  };
  KILN_TRY_WHILE(cancel_.check(), "{}", doing);
  auto exit = agent_.run(command, keep, cancel_);
  if (!exit) return std::move(exit).error().while_doing(doing);
  const bool good = exit->kind == GuestExit::Kind::kExited &&
                    std::find(good_codes.begin(), good_codes.end(), exit->code) != good_codes.end();
  const bool missing = exit->kind == GuestExit::Kind::kExited && exit->code == kCommandNotFound;
  if (!good && missing) return not_there(argv.front(), doing);
  if (!good) return complaint(*exit, err, argv.front() == kOwnTools, doing);
  return out;
}

Result<std::string> MicroTools::tool(std::vector<std::string> arguments,
                                     const std::string& doing,
                                     std::string_view input) {
  arguments.insert(arguments.begin(), {kOwnTools, "image-tool"});
  return run(arguments, doing, input);
}

Result<std::vector<std::string>> MicroTools::tool_list(std::vector<std::string> arguments,
                                                       const std::string& doing) {
  KILN_TRY_ASSIGN(const auto text, tool(std::move(arguments), doing));
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\0', begin), text.size());
    items.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

Result<FileTree::Kind> MicroFileTree::kind(const std::string& path) {
  KILN_TRY_ASSIGN(const auto kind, tools_.tool({"kind", path}, "looking at " + path));
  return kind == "absent"      ? Kind::kAbsent
         : kind == "file"      ? Kind::kFile
         : kind == "directory" ? Kind::kDirectory
         : kind == "symlink"   ? Kind::kSymlink
                               : Kind::kOther;
}

Result<std::uint64_t> MicroFileTree::file_size(const std::string& path) {
  KILN_TRY_ASSIGN(const auto text, tools_.tool({"size", path}, "looking at " + path));
  std::uint64_t size = 0;
  std::from_chars(text.data(), text.data() + text.size(), size);
  return size;
}

Result<std::string> MicroFileTree::read(const std::string& path) {
  return tools_.tool({"read", path}, "reading " + path);
}

Result<std::vector<std::string>> MicroFileTree::list(const std::string& path) {
  return tools_.tool_list({"list", path}, "listing " + path);
}

Result<std::vector<std::string>> MicroFileTree::glob(const std::string& pattern) {
  KILN_TRY_ASSIGN(auto answers, glob_each({pattern}));
  return std::move(answers.front());
}

/// In the answer an empty path ends what was found for a pattern.
Result<std::vector<std::vector<std::string>>> MicroFileTree::glob_each(
    const std::vector<std::string>& patterns) {
  if (patterns.empty()) return std::vector<std::vector<std::string>>();
  std::vector<std::string> arguments = {"glob"};
  arguments.insert(arguments.end(), patterns.begin(), patterns.end());
  const auto doing = fmt::format("looking for {}", fmt::join(patterns, ", "));
  KILN_TRY_ASSIGN(auto items, tools_.tool_list(std::move(arguments), doing));
  std::vector<std::vector<std::string>> answers(1);
  for (auto& item : items) {
    if (item.empty()) {
      answers.emplace_back();
    } else {
      answers.back().push_back(std::move(item));
    }
  }
  answers.pop_back();
  if (answers.size() == patterns.size()) return answers;
  return fail(ErrorKind::kGuestFailed,
              "Micro:Answers",
              "{}: {} answers to {} patterns",
              doing,
              answers.size(),
              patterns.size());
}

}  // namespace kiln
