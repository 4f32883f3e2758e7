#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/result.h"

namespace kiln::test {

/// `ASSERT_OK(result)`: shows the whole error when it is not.
#define ASSERT_OK(expression)                                                 \
  do {                                                                        \
    const auto& kiln_checked = (expression);                                  \
    ASSERT_TRUE(kiln_checked.has_value()) << kiln_checked.error().describe(); \
  } while (false)

#define EXPECT_OK(expression)                                                 \
  do {                                                                        \
    const auto& kiln_checked = (expression);                                  \
    EXPECT_TRUE(kiln_checked.has_value()) << kiln_checked.error().describe(); \
  } while (false)

/// `EXPECT_THAT(result, FailsWith("Disk:TruncatedVhd"))`
MATCHER_P(FailsWith, code, "") {
  if (arg.has_value()) {
    *result_listener << "which succeeded";
    return false;
  }
  *result_listener << "which failed with " << arg.error().describe();
  return arg.error().code() == code;
}

}  // namespace kiln::test
