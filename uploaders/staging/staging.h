#pragma once

#include <memory>
#include <string>

#include "uploaders/distributor.h"
#include "uploaders/pageblob/upload.h"

namespace kiln {

/// Where an image is to be made.
struct StagingPlace {
  std::string group;     ///< `/subscriptions/…/resourceGroups/…`
  std::string location;  ///< the region
  bool disk = false;     ///< it has to be a managed disk, also where there is a staging container
  bool keep = false;     ///< what is made goes on to need it, so only a failure removes it
};

/// The disk's contents in the cloud, for as long as an image is made of them. They are named after
/// the run and the step, and marked with both, so that another attempt of the same run finds them
/// after a kill, and a person can tell what they are.
class Staging {
 public:
  virtual ~Staging() = default;
  /// ARM id of a managed disk, or URL of a page blob.
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual bool is_disk() const = 0;
  [[nodiscard]] virtual const UploadReport& report() const = 0;
  /// Has to be called in the end, whatever became of the image; works after a cancellation, too.
  virtual Result<void> remove() = 0;
};

/// Uploads to a managed disk beside the image, or to the staging container where there is one. What
/// fails leaves nothing behind; with what a kill leaves, the same run's next attempt goes on, by
/// the context's journal.
Result<std::unique_ptr<Staging>> stage(FinishedDisk& disk,
                                       const StagingPlace& place,
                                       const DistributeContext& context);

/// Removes what an attempt of the same run and step has left that was killed after it had made the
/// image. A failure is a warning, as the image is there.
void remove_left_staging(const StagingPlace& place, const DistributeContext& context);

/// The marks of what a run makes: `kiln-run` and `kiln-step`.
std::map<std::string, std::string> run_marks(const DistributeContext& context);

/// stage, `make`, and removal in the end; a failed removal is told after the failure before it.
template <class Make>
Result<Artifact> with_staging(FinishedDisk& disk,
                              const StagingPlace& place,
                              const DistributeContext& context,
                              const Make& make) {
  KILN_TRY_ASSIGN(const auto staging, stage(disk, place, context));
  Result<Artifact> made = make(*staging);
  if (made && place.keep) {
    notice(context.events, staging->name() + " stays, as what was made of it needs it");
    return made;
  }
  auto removed = staging->remove();
  if (removed) return made;
  auto error = std::move(removed).error().while_doing("removing " + staging->name());
  if (!made) return std::move(made).error().followed_by(error);
  warning(context.events, error.summary());
  return made;
}

}  // namespace kiln
