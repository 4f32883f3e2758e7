#pragma once

#include "engine/contract/field.h"

namespace kiln {

/// The resource `Microsoft.VirtualMachineImages/imageTemplates`, all but the bodies of `source`,
/// `customize`, `validate.inVMValidations` and `distribute`, whose types the registries know.
extern const RecordType kImageTemplateType;

}  // namespace kiln
