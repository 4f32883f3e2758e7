#pragma once

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

#include "engine/core/error.h"

namespace kiln {

/// A value or an Error. A class of its own because Debian's tl::expected is not [[nodiscard]], so a
/// dropped result would compile in silence; for the same reason there are no monadic chains, only
/// KILN_TRY.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}  // NOLINT
};

/// `return fail(ErrorKind::kIo, "File:Open", "cannot open {}: {}", path, why);`
template <class... Args>
Error fail(ErrorKind kind, std::string code, fmt::format_string<Args...> format, Args&&... args) {
  return {kind, std::move(code), fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace kiln

#define KILN_CONCAT_INNER(a, b) a##b
#define KILN_CONCAT(a, b) KILN_CONCAT_INNER(a, b)

/// Evaluates a Result and returns its error from the enclosing function.
#define KILN_TRY(expression)                             \
  do {                                                   \
    if (auto kiln_result = (expression); !kiln_result) { \
      return std::move(kiln_result).error();             \
    }                                                    \
  } while (false)

/// The same, with what was being done added to the error's context.
#define KILN_TRY_WHILE(expression, ...)                                            \
  do {                                                                             \
    if (auto kiln_result = (expression); !kiln_result) {                           \
      return std::move(kiln_result).error().while_doing(fmt::format(__VA_ARGS__)); \
    }                                                                              \
  } while (false)

/// `KILN_TRY_ASSIGN(auto file, open(path));`
#define KILN_TRY_ASSIGN(declaration, expression)                                              \
  auto KILN_CONCAT(kiln_result_, __LINE__) = (expression);                                    \
  if (!KILN_CONCAT(kiln_result_, __LINE__)) {                                                 \
    return std::move(KILN_CONCAT(kiln_result_, __LINE__)).error();                            \
  }                                                                                           \
  /* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration cannot stand in parentheses */ \
  declaration = *std::move(KILN_CONCAT(kiln_result_, __LINE__))

/// A broken invariant is a defect: stop at once rather than write a wrong image.
#define KILN_CHECK(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::fprintf(stderr, "kiln: internal error: %s at %s:%d\n", #condition, __FILE__, __LINE__); \
      std::abort();                                                                                \
    }                                                                                              \
  } while (false)
