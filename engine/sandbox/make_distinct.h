#pragma once

#include <string>

#include "engine/agent/guest_agent.h"

namespace kiln {

/// For a machine that goes on from what was saved of one: gives it random numbers of its own, as
/// all that go on from the same memory would draw the same, and sets its clock, which stands where
/// it was saved.
/// @param program Kiln's own, in the machine
Result<void> make_distinct(GuestAgent& agent,
                           const std::string& program,
                           const CancelToken& cancel);

}  // namespace kiln
