#pragma once

namespace kiln::agent {

/// sudo for images that have none, called by root: understands the options that scripts use, and
/// sets up user, groups and environment as sudo does with its default rules. Executes the command,
/// so it returns only where that fails; the value is the exit code.
int sudo_main(int argc, char** argv);

}  // namespace kiln::agent
