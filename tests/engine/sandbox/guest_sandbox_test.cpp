#include "tests/contract/sandbox_contract.h"

namespace kiln::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Guest,
                         SandboxContract,
                         ::testing::Values(SandboxCase{"guest",
                                                       "debian12.vhd",
                                                       "kiln-guest",
                                                       "ext4",
                                                       {"/boot/efi"},
                                                       6 * kGiB,
                                                       5700 * kMiB,
                                                       "vhdx"}),
                         case_name);

}  // namespace
}  // namespace kiln::test
