#include "engine/template/fields.h"

#include <array>

namespace kiln {
namespace {

constexpr std::array<std::string_view, 2> kSwitch = {"Enabled", "Disabled"};
constexpr std::array<std::string_view, 2> kOnError = {"cleanup", "abort"};
constexpr std::array<std::string_view, 2> kIdentityTypes = {"UserAssigned", "None"};
constexpr std::int64_t kLongestTimeout = 960;

constexpr std::array kIdentityFields = {
    Field{.name = "type", .help = "UserAssigned or None", .values = kIdentityTypes},
    Field{.name = "userAssignedIdentities",
          .kind = FieldKind::kOpenObject,
          .help = "resource ids of identities"},
    Field{.name = "principalId",
          .help = "id of the identity in its directory",
          .treatment = Treatment::kReadOnly,
          .envelope = true},
    Field{.name = "tenantId",
          .help = "the identity's directory",
          .treatment = Treatment::kReadOnly,
          .envelope = true},
};
constexpr RecordType kIdentity{
    .name = "identity", .help = "the template's identity", .fields = kIdentityFields};

constexpr std::array kVnetFields = {
    Field{.name = "subnetId", .help = "the build VM's subnet", .since = ApiVersion::k2020},
    Field{.name = "proxyVmSize", .help = "size of the proxy VM", .since = ApiVersion::k2021},
    Field{.name = "containerInstanceSubnetId",
          .help = "subnet of the container that builds",
          .since = ApiVersion::k2024},
};
constexpr std::array kVnetHints = {
    Hint{"name", "vnetConfig names no network by name", "write the subnet's id into subnetId"},
    Hint{"subnetName", "vnetConfig names no subnet by name", "write its id into subnetId"},
    Hint{"resourceGroupName",
         "vnetConfig has no resourceGroupName",
         "write the subnet's id into subnetId"},
};
constexpr RecordType kVnet{.name = "vnetConfig",
                           .help = "the build VM's network",
                           .fields = kVnetFields,
                           .hints = kVnetHints};

constexpr std::array kProfileFields = {
    Field{.name = "vmSize",
          .help = "the sandbox is sized by --memory and --vcpus",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2019MayPreview},
    Field{.name = "osDiskSizeGB",
          .kind = FieldKind::kInteger,
          .help = "size of the disk in GiB; 0 is the source's",
          .since = ApiVersion::k2020},
    Field{.name = "vnetConfig",
          .kind = FieldKind::kObject,
          .help = "the sandbox has no Azure network",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2020,
          .object = &kVnet},
    Field{.name = "userAssignedIdentities",
          .kind = FieldKind::kStrings,
          .help = "the sandbox has no Azure identity",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2021},
};
constexpr std::array kProfileHints = {
    Hint{"tags", "vmProfile has no tags", "use managedResourceTags beside vmProfile"},
    Hint{"osDiskSize", "the disk's size is called osDiskSizeGB", "rename it to osDiskSizeGB"},
};
constexpr RecordType kProfile{.name = "vmProfile",
                              .help = "the VM that builds",
                              .fields = kProfileFields,
                              .hints = kProfileHints};

constexpr std::array kValidateFields = {
    Field{.name = "continueDistributeOnFailure",
          .kind = FieldKind::kBoolean,
          .help = "distribute even if a validation fails",
          .since = ApiVersion::k2022February},
    Field{.name = "sourceValidationOnly",
          .kind = FieldKind::kBoolean,
          .help = "validate the source and build nothing",
          .since = ApiVersion::k2022February},
    Field{.name = "inVMValidations",
          .kind = FieldKind::kItems,
          .help = "checks that run in a VM made from the image",
          .since = ApiVersion::k2022February},
};
constexpr RecordType kValidate{
    .name = "validate", .help = "checks of the finished image", .fields = kValidateFields};

constexpr std::array kVmBootFields = {
    Field{.name = "state",
          .help = "Enabled or Disabled",
          .since = ApiVersion::k2022July,
          .values = kSwitch},
};
constexpr RecordType kVmBoot{
    .name = "vmBoot", .help = "faster first boot in Azure", .fields = kVmBootFields};

constexpr std::array kWorkloadFields = {
    Field{.name = "state",
          .help = "Enabled or Disabled",
          .since = ApiVersion::k2025,
          .values = kSwitch},
    Field{.name = "scriptUri", .help = "the workload", .since = ApiVersion::k2025},
    Field{.name = "sha256Checksum", .help = "SHA-256 of the script", .since = ApiVersion::k2025},
};
constexpr RecordType kWorkload{
    .name = "workload", .help = "optimization for a workload", .fields = kWorkloadFields};

constexpr std::array kOptimizeFields = {
    Field{.name = "vmBoot",
          .kind = FieldKind::kObject,
          .help = "it only changes how fast the image boots in Azure",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2022July,
          .object = &kVmBoot},
    Field{.name = "workload",
          .kind = FieldKind::kObject,
          .help = "the optimization is done inside Azure",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2025,
          .object = &kWorkload},
};
constexpr RecordType kOptimize{
    .name = "optimize", .help = "optimizations of the image", .fields = kOptimizeFields};

constexpr std::array kErrorHandlingFields = {
    Field{.name = "onCustomizerError",
          .help = "cleanup, or abort to keep the disk; cleanup where absent",
          .since = ApiVersion::k2023,
          .values = kOnError},
    Field{.name = "onValidationError",
          .help = "cleanup, or abort to keep the disk; cleanup where absent",
          .since = ApiVersion::k2023,
          .values = kOnError},
};
constexpr RecordType kErrorHandling{.name = "errorHandling",
                                    .help = "what happens after a failure",
                                    .fields = kErrorHandlingFields};

constexpr std::array kDataDiskFields = {
    Field{.name = "sizeGB",
          .kind = FieldKind::kInteger,
          .help = "size of the data disk in GiB",
          .treatment = Treatment::kPlanned,
          .since = ApiVersion::k2025},
};
constexpr RecordType kDataDisk{
    .name = "additionalDataDisks", .help = "an empty data disk", .fields = kDataDiskFields};

constexpr std::array kAutoRunFields = {
    Field{.name = "state",
          .help = "Enabled or Disabled",
          .since = ApiVersion::k2024,
          .values = kSwitch},
};
constexpr RecordType kAutoRun{
    .name = "autoRun", .help = "run when the template is made", .fields = kAutoRunFields};

constexpr std::array kPropertyFields = {
    Field{.name = "source",
          .kind = FieldKind::kItem,
          .help = "where the image starts from",
          .required = true},
    Field{.name = "customize",
          .kind = FieldKind::kItems,
          .help = "steps, in the order in which they run"},
    Field{.name = "media",
          .kind = FieldKind::kStrings,
          .help = "ISOs and folders that steps and validators read in /run/kiln/media/NAME",
          .extension = true},
    Field{.name = "validate",
          .kind = FieldKind::kObject,
          .help = "checks of the finished image",
          .since = ApiVersion::k2022February,
          .object = &kValidate},
    Field{.name = "optimize",
          .kind = FieldKind::kObject,
          .help = "optimizations of the image",
          .since = ApiVersion::k2022July,
          .object = &kOptimize},
    Field{.name = "distribute",
          .kind = FieldKind::kItems,
          .help = "targets that the image goes to, at least one",
          .required = true},
    Field{.name = "errorHandling",
          .kind = FieldKind::kObject,
          .help = "what happens after a failure",
          .since = ApiVersion::k2023,
          .object = &kErrorHandling},
    Field{.name = "buildTimeoutInMinutes",
          .kind = FieldKind::kInteger,
          .help = "time limit of the build; 0 is 240",
          .since = ApiVersion::k2019MayPreview,
          .maximum = kLongestTimeout},
    Field{.name = "vmProfile",
          .kind = FieldKind::kObject,
          .help = "the VM that builds",
          .since = ApiVersion::k2019MayPreview,
          .object = &kProfile},
    Field{.name = "additionalDataDisks",
          .kind = FieldKind::kObjects,
          .help = "data disks of the image",
          .treatment = Treatment::kPlanned,
          .since = ApiVersion::k2025,
          .object = &kDataDisk},
    Field{.name = "stagingResourceGroup",
          .help = "no resource group is used",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2022February},
    Field{.name = "autoRun",
          .kind = FieldKind::kObject,
          .help = "a build runs when `kiln build` is called",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2024,
          .object = &kAutoRun},
    Field{.name = "managedResourceTags",
          .kind = FieldKind::kStringMap,
          .help = "no Azure resources are made for the build",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2024},
    Field{.name = "exactStagingResourceGroup",
          .help = "the resource group in use",
          .treatment = Treatment::kReadOnly,
          .since = ApiVersion::k2022February},
    Field{.name = "provisioningState",
          .help = "state of the resource",
          .treatment = Treatment::kReadOnly},
    Field{.name = "provisioningError",
          .kind = FieldKind::kOpenObject,
          .help = "why making the resource failed",
          .treatment = Treatment::kReadOnly},
    Field{.name = "lastRunStatus",
          .kind = FieldKind::kOpenObject,
          .help = "state of the last run",
          .treatment = Treatment::kReadOnly},
};
constexpr std::array kPropertyHints = {
    Hint{.name = "customization", .field = "customize"},
    Hint{.name = "customizers", .field = "customize"},
    Hint{.name = "validation", .field = "validate"},
    Hint{.name = "distribution", .field = "distribute"},
    Hint{.name = "buildTimeout", .field = "buildTimeoutInMinutes"},
    Hint{.name = "copy",
         .message = "this copy makes no properties: a property copy is an array of loops",
         .cure = R"(write "copy": [{"name": …, "count": …, "input": …}])"},
};
constexpr RecordType kProperties{.name = "properties",
                                 .help = "the template itself",
                                 .fields = kPropertyFields,
                                 .hints = kPropertyHints};

constexpr std::array kResourceFields = {
    Field{
        .name = "type", .help = "Microsoft.VirtualMachineImages/imageTemplates", .envelope = true},
    Field{.name = "apiVersion", .help = "version of the contract", .envelope = true},
    Field{.name = "name", .help = "name of the template, else the file's", .envelope = true},
    Field{.name = "location", .help = "region of the template; recorded"},
    Field{.name = "tags", .kind = FieldKind::kStringMap, .help = "tags of the template; recorded"},
    Field{.name = "identity",
          .kind = FieldKind::kObject,
          .help = "credentials come from the command line's environment",
          .treatment = Treatment::kNotice,
          .since = ApiVersion::k2019MayPreview,
          .object = &kIdentity},
    Field{.name = "properties",
          .kind = FieldKind::kObject,
          .help = "the template itself",
          .required = true,
          .object = &kProperties},
    Field{.name = "dependsOn",
          .kind = FieldKind::kOpenArray,
          .help = "nothing is deployed",
          .treatment = Treatment::kNotice,
          .envelope = true},
    Field{.name = "resources",
          .kind = FieldKind::kOpenArray,
          .help = "child resources, such as triggers, are not deployed",
          .treatment = Treatment::kNotice,
          .envelope = true},
    Field{.name = "condition",
          .kind = FieldKind::kBoolean,
          .help = "nothing is deployed",
          .treatment = Treatment::kNotice,
          .envelope = true},
    Field{.name = "comments",
          .help = "it is for readers",
          .treatment = Treatment::kNotice,
          .envelope = true},
    Field{.name = "systemData",
          .kind = FieldKind::kOpenObject,
          .help = "who made the resource",
          .treatment = Treatment::kReadOnly,
          .envelope = true},
    Field{.name = "id", .help = "resource id", .treatment = Treatment::kReadOnly, .envelope = true},
    // What `az resource show` tells beside.
    Field{.name = "resourceGroup",
          .help = "the resource's group",
          .treatment = Treatment::kReadOnly,
          .envelope = true},
    Field{.name = "createdTime",
          .help = "when it was made",
          .treatment = Treatment::kReadOnly,
          .envelope = true},
    Field{.name = "changedTime",
          .help = "when it was changed",
          .treatment = Treatment::kReadOnly,
          .envelope = true},
    Field{.name = "provisioningState",
          .help = "state of the resource",
          .treatment = Treatment::kReadOnly,
          .envelope = true},
    Field{.name = "etag",
          .help = "version of the resource",
          .treatment = Treatment::kReadOnly,
          .envelope = true},
};

}  // namespace

constexpr RecordType kImageTemplateType{
    .name = "imageTemplate",
    .help = "an image template of Azure VM Image Builder, as Kiln reads it",
    .fields = kResourceFields};

}  // namespace kiln
