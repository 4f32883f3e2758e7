#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>

#include "disk/extents/block_source.h"
#include "engine/core/event.h"
#include "uploaders/pageblob/page_blob.h"

namespace kiln {

struct UploadOptions {
  PageBlobOptions blob;
  /// Connections, each with at most kLargestPageWrite bytes in flight; fewer are used while the
  /// service does not keep up.
  unsigned workers = 8;
  bool overwrite = false;
  /// The blob is there and not ours, as a managed disk that waits for its contents, or whatever an
  /// upload's SAS names. It must have the VHD's size. Its old pages are cleared, the last ones
  /// first, since a footer is among them; it is never created, marked, or deleted after a failure.
  bool existing = false;
  /// Names as valid_metadata_name demands; none where the blob exists already.
  std::map<std::string, std::string> metadata;
  /// Where acknowledged pages are noted, for another process to go on after this one; a file name
  /// in a folder of this upload's owner. With it, an upload that fails or is cancelled leaves the
  /// blob, without a footer. Without one (empty) it leaves nothing, and the next one starts over.
  std::filesystem::path journal;
  /// With a journal: what fails or is cancelled leaves nothing to go on with, neither the journal
  /// nor a blob that this upload made. Only a kill does. The journal of what is complete is its
  /// owner's to remove.
  bool temporary = false;
};

struct UploadReport {
  std::uint64_t blob_size = 0;   ///< bytes, footer included
  std::uint64_t sent_bytes = 0;  ///< pages that were written, footer included
  std::uint64_t kept_bytes = 0;  ///< pages that an earlier process had sent
  std::uint64_t zero_bytes = 0;  ///< never sent, because the blob reads as zeros
  std::array<std::byte, 16> content{};
  std::string service_version;
  PageChecksum checksum = PageChecksum::kCrc64;
  unsigned retries = 0;
};

/// Where an upload stands in the run.
struct UploadContext {
  EventSink& events;
  std::string step_id;
  const CancelToken& cancel;
};

/// What can be known before the first byte: the container is there, the credential is accepted, the
/// name is free or may be replaced, no lease stands in the way; of an existing blob, that it is
/// there with the right type and size.
/// @param disk_size bytes
Result<void> check_page_blob_target(const PageBlobTarget& target,
                                    const UploadOptions& options,
                                    std::uint64_t disk_size,
                                    const UploadContext& context);

/// Makes an Azure-ready fixed VHD of the disk, directly as a page blob: only pages that hold data
/// are sent, the footer comes last, and at the end the service's list of pages is compared with
/// what was sent. A blob that did not get that far is deleted, if it is ours (see
/// UploadOptions::existing).
Result<UploadReport> upload_page_blob(BlockSource& disk,
                                      const PageBlobTarget& target,
                                      const UploadOptions& options,
                                      const UploadContext& context);

}  // namespace kiln
