#pragma once

namespace kiln::agent {

/// Has the file of this program removed when its process has ended; a running program's file
/// cannot be.
/// @param system_stops nobody may be left to do it, so it is left to the next start
/// @return false where it cannot be done
bool remove_own_file_later(bool system_stops);

}  // namespace kiln::agent
