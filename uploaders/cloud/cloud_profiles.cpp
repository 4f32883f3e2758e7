#include "uploaders/cloud/cloud_profiles.h"

namespace kiln {

Cloud azure_profile() {
  Cloud cloud;
  cloud.storage_audience = "https://storage.azure.com";
  cloud.disks_version = "2024-03-02";
  cloud.images_version = "2024-07-01";
  // Later ones give an image definition without a SecurityType another one.
  cloud.galleries_version = "2023-07-03";
  cloud.storage_version = "2021-08-06";
  cloud.page_alignment = 512;
  cloud.largest_page_blob = 8 * kTiB;
  cloud.largest_disk = 4 * kTiB;
  return cloud;
}

// The versions are those of the API profile 2020-09-01-hybrid.
Cloud stack_hub_profile() {
  Cloud cloud;
  cloud.stack_hub = true;
  cloud.disks_version = "2019-07-01";
  cloud.images_version = "2020-06-01";
  cloud.storage_version = "2017-11-09";
  cloud.page_alignment = 4 * kKiB;
  cloud.largest_page_blob = kTiB;
  cloud.largest_disk = 1023 * kGiB;
  cloud.generation2 = false;
  cloud.disk_upload = false;
  cloud.managed_identity = false;
  return cloud;
}

}  // namespace kiln
