#pragma once

namespace kiln {

/// A crash leaves no copy of this process's memory, which holds credentials; its children, which
/// may hold them too, leave none either.
void forbid_core_dumps();

}  // namespace kiln
