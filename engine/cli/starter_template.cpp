#include "engine/cli/starter_template.h"

namespace kiln {

std::string_view starter_template() {
  return R"json({
  // A template for Azure VM Image Builder and for Kiln. Comments are read here; take them out before
  // you give it to the service. `kiln schema` prints every field, `kiln plan` what a build would do.
  "type": "Microsoft.VirtualMachineImages/imageTemplates",
  "apiVersion": "2024-02-01",
  "name": "my-image",
  "location": "westeurope",
  // Kiln needs no identity; the service wants exactly one that may write where the image goes.
  "identity": {
    "type": "UserAssigned",
    "userAssignedIdentities": {
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/images/providers/Microsoft.ManagedIdentity/userAssignedIdentities/image-builder": {}
    }
  },
  "properties": {
    // What the image starts from. Say once which local file that is:
    //   kiln catalog add Debian:debian-12:12-gen2:12.0.1 FILE --os-type Linux --generation V2
    // Or name a file here: {"type": "KilnLocalImage", "path": "debian12.vhd"}
    "source": {
      "type": "PlatformImage",
      "publisher": "Debian",
      "offer": "debian-12",
      "sku": "12-gen2",
      "version": "latest"
    },
    // Steps in their order. They run as root; a failing line ends the build.
    "customize": [
      {
        "type": "Shell",
        "name": "say-hello",
        "inline": [
          "echo made by Kiln | sudo tee /etc/motd"
        ]
      }
      // A script or a file, from a path or a URL; the checksum is optional:
      // , {"type": "Shell", "name": "setup", "scriptUri": "setup.sh", "sha256Checksum": ""}
      // , {"type": "File", "sourceUri": "app.conf", "destination": "/etc/app.conf"}
    ],
    // Where the image goes. Without uri: a VHD file in --output-dir.
    "distribute": [
      {
        "type": "VHD",
        "runOutputName": "my-image-vhd"
      }
    ],
    "buildTimeoutInMinutes": 60
  }
}
)json";
}

}  // namespace kiln
