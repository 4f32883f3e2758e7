#include "engine/run/inputs.h"

#include "customizers/inputs.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

Result<std::filesystem::path> fetch_one(const StepInput& input,
                                        Fetcher& fetcher,
                                        const std::filesystem::path& folder,
                                        RunRecord& record,
                                        EventSink& events,
                                        const CancelToken& cancel) {
  const auto arriving = folder / "arriving";
  auto fetched = fetcher.fetch(input.uri, arriving, cancel);
  if (!fetched) return std::move(fetched).error().at(input.where);
  const auto& digest = *fetched;
  const auto pinned = folder / digest;
  std::error_code error;
  const auto size = std::filesystem::file_size(arriving, error);
  if (!error) std::filesystem::rename(arriving, pinned, error);
  if (error) {
    return fail(
        ErrorKind::kIo, "Run:PinInput", "cannot keep {}: {}", pinned.string(), error.message());
  }
  record.add_input(input.uri, digest, size);
  notice(
      events,
      fmt::format("fetched {} ({}, sha256 {})", redact_url(input.uri), format_bytes(size), digest),
      "prepare");
  return pinned;
}

}  // namespace

Result<std::map<std::string, std::filesystem::path>> fetch_inputs(
    const Plan& plan,
    Fetcher& fetcher,
    const std::filesystem::path& folder,
    RunRecord& record,
    EventSink& events,
    const CancelToken& cancel) {
  std::map<std::string, std::filesystem::path> files;
  for (const auto* steps : {&plan.checked.steps, &plan.checked.validations}) {
    for (const auto& step : *steps) {
      for (const auto& input : step.customizer->inputs()) {
        if (!files.contains(input.uri)) {
          KILN_TRY_ASSIGN(auto file, fetch_one(input, fetcher, folder, record, events, cancel));
          files.emplace(input.uri, std::move(file));
        }
        KILN_TRY(verify_input(files.at(input.uri), input));
      }
    }
  }
  return files;
}

}  // namespace kiln
