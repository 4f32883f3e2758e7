#pragma once

#include <string>

namespace kiln {

/// For the agent's folder and its program: SYSTEM and Administrators may do everything and nobody
/// else anything, whatever the folder above would pass on. What ntfs-3g makes is everybody's to
/// change, and Windows runs this as SYSTEM.
/// @param folder whether what is made in it gets the same
/// @return a self-relative security descriptor (MS-DTYP 2.4.6)
std::string agent_permissions(bool folder);

}  // namespace kiln
