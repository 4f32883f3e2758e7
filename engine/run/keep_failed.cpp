#include "engine/run/keep_failed.h"

#include "engine/run/kept_disk.h"

namespace kiln {
namespace {

/// A disk that cannot be brought to rest is as after a power cut, which file systems outlive.
bool halt(Sandbox& sandbox, EventSink& events) {
  const auto halted = sandbox.halt();
  if (halted) return true;
  warning(events, "the disk is kept as after a power cut: " + halted.error().summary());
  return false;
}

bool cancelled_by_user(const RunContext& context) {
  return context.cancel.requested() &&
         context.deadline.explain(cancelled()).kind() == ErrorKind::kCancelled;
}

}  // namespace

Error keep_failed(Error error, FailedDisk failed, const RunContext& context) {
  if (failed.policy != OnError::kAbort && !context.keep_on_failure) return error;
  error = context.deadline.explain(std::move(error));
  if (cancelled_by_user(context)) return error;
  const bool clean = failed.sandbox && halt(*failed.sandbox, context.events);
  failed.sandbox.reset();  // nothing writes the disk any more
  if (cancelled_by_user(context)) return cancelled();
  const auto kept = keep_disk(context.folder,
                              failed.disk,
                              std::string(failed.sandbox_name),
                              context.plan.options.sandbox,
                              clean);
  if (!kept) return std::move(error).followed_by(kept.error());
  context.record.keep(to_json(*kept));
  notice(context.events,
         fmt::format("the disk is kept; `kiln shell {}` opens a shell in it", context.folder.id()));
  return error;
}

}  // namespace kiln
