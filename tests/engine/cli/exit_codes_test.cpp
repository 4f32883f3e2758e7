#include "engine/cli/exit_codes.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(ExitCodes, AreTheContractOfTheReadme) {
  EXPECT_EQ(static_cast<int>(exit_code({ErrorKind::kInvalidTemplate, "Some:Code", ""})), 2);
  EXPECT_EQ(static_cast<int>(exit_code({ErrorKind::kHostNotReady, "Some:Code", ""})), 3);
  EXPECT_EQ(static_cast<int>(exit_code({ErrorKind::kCancelled, "Some:Code", ""})), 4);
  EXPECT_EQ(static_cast<int>(exit_code({ErrorKind::kInternal, "Some:Code", ""})), 70);
  for (const auto kind : {ErrorKind::kUnsupported,
                          ErrorKind::kNotFound,
                          ErrorKind::kIo,
                          ErrorKind::kCorruptImage,
                          ErrorKind::kGuestFailed,
                          ErrorKind::kRemote,
                          ErrorKind::kTimeout}) {
    EXPECT_EQ(static_cast<int>(exit_code({kind, "Some:Code", ""})), 1);
  }
}

TEST(ExitCodes, AnUnsupportedPartOfATemplateIsTheTemplatesFault) {
  const Error error(ErrorKind::kUnsupported, "Template:NotYetSupported", "");
  EXPECT_EQ(exit_code(error), ExitCode::kUsage);
}

}  // namespace
}  // namespace kiln
