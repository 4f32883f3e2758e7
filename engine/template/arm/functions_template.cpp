// parameters, variables, copyIndex.
#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"

namespace kiln::arm {
namespace {

Error undeclared(const Call& call, const std::string& name, std::string_view kind) {
  const auto names = call.run.scope().names_of(kind);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto near = nearest_word(name, views);
  return call.run
      .error(call.expression,
             "Arm:UnknownName",
             fmt::format("there is no {} \"{}\" here", kind, printable(name, 60)))
      .cure(near.empty() ? fmt::format("declare the {}, or correct the name", kind)
                         : fmt::format("did you mean \"{}\"?", printable(near, 60)));
}

Result<Value> parameters(const Call& call) {
  KILN_TRY_ASSIGN(const auto name, call.string(0));
  KILN_TRY_ASSIGN(auto value, call.run.scope().parameter(name));
  if (value) return *std::move(value);
  return undeclared(call, name, "parameter");
}

Result<Value> variables(const Call& call) {
  KILN_TRY_ASSIGN(const auto name, call.string(0));
  KILN_TRY_ASSIGN(auto value, call.run.scope().variable(name));
  if (value) return *std::move(value);
  return undeclared(call, name, "variable");
}

/// The loop of that name; without a name the resource's, or else the innermost.
const Frame* find_loop(const Frame* innermost, std::string_view name) {
  const Frame* loop = nullptr;
  for (const auto* frame = innermost; frame != nullptr; frame = frame->outer) {
    if (frame->kind == Frame::Kind::kLambda) continue;
    if (!name.empty()) {
      if (equal_ignoring_case(frame->name, name)) return frame;
    } else if (frame->kind == Frame::Kind::kResourceCopy) {
      return frame;
    } else if (loop == nullptr) {
      loop = frame;
    }
  }
  return loop;
}

Result<Value> copy_index(const Call& call) {
  std::string name;
  std::int64_t offset = 0;
  const bool named = call.count() > 0 && call.at(0).is_string();
  if (named) {
    KILN_TRY_ASSIGN(name, call.string(0));
  }
  if (call.count() > (named ? 1U : 0U)) {
    KILN_TRY_ASSIGN(offset, call.integer(named ? 1 : 0));
  }
  const auto* loop = find_loop(call.run.frame(), name);
  if (loop == nullptr) {
    return call.error(name.empty() ? "there is no copy loop around this"
                                   : fmt::format("there is no copy loop \"{}\" around this",
                                                 printable(name, 60)));
  }
  std::int64_t index = 0;
  if (__builtin_add_overflow(loop->index, offset, &index))
    return call.error("the offset is too large");
  return made(index);
}

constexpr std::array kFunctions = {
    Function{"copyIndex", 0, 2, copy_index},
    Function{"parameters", 1, 1, parameters},
    Function{"variables", 1, 1, variables},
};

}  // namespace

std::span<const Function> template_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
