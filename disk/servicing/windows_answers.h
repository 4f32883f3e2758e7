#pragma once

#include "disk/inspect/image_session.h"
#include "disk/inspect/windows/windows_facts.h"
#include "engine/core/result.h"

namespace kiln {

/// Whether Windows will set itself up when it is started, which it asks a person about.
bool needs_answers(const WindowsFacts& facts);

/// Puts answers in front of a generalized Windows, so that it comes up without a person as on a
/// virtual machine in Azure: no account is made, the administrator gets a random password. Answers
/// that the image brings stay. Nothing is mounted before or after.
Result<void> place_windows_answers(ImageSession& session, const WindowsFacts& facts);

/// Takes out answers of Kiln's, if they are still there; others stay. Nothing is mounted before or
/// after.
Result<void> remove_windows_answers(ImageSession& session, const WindowsFacts& facts);

}  // namespace kiln
