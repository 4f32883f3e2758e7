#include "engine/cli/exit_codes.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(ExitCodes, AreTheContractOfTheReadme) {
  EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::kInvalidTemplate)), 2);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::kHostNotReady)), 3);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::kCancelled)), 4);
  EXPECT_EQ(static_cast<int>(exit_code(ErrorKind::kInternal)), 70);
  for (const auto kind : {ErrorKind::kUnsupported,
                          ErrorKind::kNotFound,
                          ErrorKind::kIo,
                          ErrorKind::kCorruptImage,
                          ErrorKind::kGuestFailed,
                          ErrorKind::kRemote,
                          ErrorKind::kTimeout}) {
    EXPECT_EQ(static_cast<int>(exit_code(kind)), 1);
  }
}

}  // namespace
}  // namespace kiln
