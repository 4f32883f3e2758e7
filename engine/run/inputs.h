#pragma once

#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "engine/core/cancel.h"
#include "engine/core/event.h"
#include "engine/core/fetcher.h"
#include "engine/plan/plan.h"
#include "engine/run/run_record.h"

namespace kiln {

/// What the steps and the validators read from elsewhere, named by its SHA-256. Files of this host
/// are copied at once; the rest arrives in a thread of its own, while the build goes on to where it
/// needs it.
class Inputs {
 public:
  using Files = std::map<std::string, std::filesystem::path>;  ///< by URI

  /// All but the token outlive the inputs.
  struct Services {
    Fetcher& fetcher;
    RunRecord& record;
    EventSink& events;
    CancelToken cancel;
  };

  /// Begins to fetch into `folder`, and checks the digests that the template gives. A URI that
  /// several steps use is fetched once.
  /// @param plan outlives the inputs
  static Result<std::shared_ptr<Inputs>> fetch(const Plan& plan,
                                               const std::filesystem::path& folder,
                                               const Services& services);
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;
  /// What has not arrived is given up.
  ~Inputs();

  /// For what is of no use without the inputs: requested where the run is cancelled, and where an
  /// input cannot be had.
  [[nodiscard]] const CancelToken& token() const { return stop_.token(); }
  /// Turns a cancellation that an input caused into what is wrong with that input.
  [[nodiscard]] Error explain(Error error) const;

  [[nodiscard]] bool arrived() const;
  [[nodiscard]] bool failed() const { return arrived() && !wait(); }
  /// Blocks until all have arrived, or one cannot be had.
  [[nodiscard]] const Result<Files>& wait() const { return arrival_.get(); }

 private:
  Inputs(const Plan& plan, std::filesystem::path folder, const Services& services);
  [[nodiscard]] Result<void> fetch_each(bool remote);
  [[nodiscard]] Result<void> fetch_one(const StepInput& input);

  const Plan& plan_;
  std::filesystem::path folder_;
  Services services_;
  Files files_;
  CancelSource stop_;
  std::stop_callback<std::function<void()>> on_cancel_;
  std::shared_future<Result<Files>> arrival_;
};

}  // namespace kiln
