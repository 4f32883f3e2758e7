// A system without systemd: sysvinit's init, and OpenRC for its scripts.
#include "tests/contract/sandbox_contract.h"

namespace kiln::test {
namespace {

INSTANTIATE_TEST_SUITE_P(OpenRc,
                         SandboxContract,
                         ::testing::Values(SandboxCase{
                             "guest", "openrc.qcow2", "kiln-openrc", "ext4", {}}),
                         case_name);

}  // namespace
}  // namespace kiln::test
