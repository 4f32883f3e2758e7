#pragma once

namespace kiln::simulator {

/// A generalized Windows that starts sets itself up, as far as a person or an answer file says how:
/// with as many restarts as `setup` of the scenario wants. Does nothing in any other Windows, and
/// where the scenario has no `setup`.
void begin_setup();

}  // namespace kiln::simulator
