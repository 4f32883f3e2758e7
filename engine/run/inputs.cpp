#include "engine/run/inputs.h"

#include "customizers/inputs.h"
#include "engine/core/text.h"
#include "engine/core/uri_map.h"
#include "engine/sandbox/timed.h"

namespace kiln {

Inputs::Inputs(const Plan& plan, std::filesystem::path folder, const Services& services)
    : plan_(plan),
      folder_(std::move(folder)),
      services_(services),
      on_cancel_(services.cancel.stop_token(), [this] { stop_.request(); }) {}

Inputs::~Inputs() {
  stop_.request();
  if (arrival_.valid()) arrival_.wait();
}

Result<std::shared_ptr<Inputs>> Inputs::fetch(const Plan& plan,
                                              const std::filesystem::path& folder,
                                              const Services& services) {
  std::shared_ptr<Inputs> inputs(new Inputs(plan, folder, services));
  KILN_TRY(inputs->fetch_each(/*remote=*/false));
  // The destructor waits for the thread, so it may use `this`.
  inputs->arrival_ = std::async(std::launch::async, [self = inputs.get()]() -> Result<Files> {
                       auto fetched = self->fetch_each(/*remote=*/true);
                       if (fetched) return std::move(self->files_);
                       self->stop_.request();
                       return std::move(fetched).error();
                     }).share();
  return inputs;
}

Result<void> Inputs::fetch_each(bool remote) {
  for (const auto* steps : {&plan_.checked.steps, &plan_.checked.validations}) {
    for (const auto& step : *steps) {
      for (const auto& input : step.customizer->inputs()) {
        if (is_remote(input.uri) != remote) continue;
        if (!files_.contains(input.uri)) KILN_TRY(fetch_one(input));
        KILN_TRY(verify_input(files_.at(input.uri), input));
      }
    }
  }
  return {};
}

Result<void> Inputs::fetch_one(const StepInput& input) {
  const auto start = std::chrono::steady_clock::now();
  const auto arriving = folder_ / "arriving";
  auto fetched = services_.fetcher.fetch(input.uri, arriving, stop_.token());
  if (!fetched) return std::move(fetched).error().at(input.where);
  const auto& digest = *fetched;
  const auto pinned = folder_ / digest;
  std::error_code error;
  const auto size = std::filesystem::file_size(arriving, error);
  if (!error) std::filesystem::rename(arriving, pinned, error);
  if (error) {
    return fail(
        ErrorKind::kIo, "Run:PinInput", "cannot keep {}: {}", pinned.string(), error.message());
  }
  services_.record.add_input(input.uri, digest, size);
  tell_time(services_.events,
            is_remote(input.uri) ? TimedKind::kNetwork : TimedKind::kDisk,
            "fetched " + redact_url(input.uri),
            start,
            fmt::format(" ({}, sha256 {})", format_bytes(size), digest));
  files_.emplace(input.uri, pinned);
  return {};
}

Error Inputs::explain(Error error) const {
  // Where the run itself is cancelled, this has no long wait either.
  if (error.kind() == ErrorKind::kCancelled && !wait()) return wait().error();
  return error;
}

bool Inputs::arrived() const {
  return arrival_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace kiln
