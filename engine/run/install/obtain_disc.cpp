#include "engine/run/install/obtain_disc.h"

#include "engine/core/redact.h"
#include "engine/core/text.h"
#include "engine/run/source_digest.h"

namespace kiln {
namespace {

Result<void> fetch_disc(const PlannedInstall& install,
                        const ResolvedSource& source,
                        Fetcher& fetcher,
                        const std::filesystem::path& target,
                        const CancelToken& cancel) {
  auto digest = fetcher.fetch(install.fetch, target, cancel);
  if (!digest) return std::move(digest).error().at(source.disc->where);
  if (*digest == *source.expected_sha256) return {};
  std::error_code ignored;
  std::filesystem::remove(target, ignored);
  return fail(ErrorKind::kInvalidTemplate,
              "Source:WrongDigest",
              "{} has SHA-256 {}, {} was expected",
              redact_url(install.fetch),
              *digest,
              *source.expected_sha256)
      .at(source.disc->where)
      .cure("correct sha256Checksum, or the URI");
}

}  // namespace

Result<InstallOrder> obtain_disc(const Plan& plan,
                                 Fetcher& fetcher,
                                 const std::filesystem::path& folder,
                                 const std::filesystem::path& cache_folder,
                                 EventSink& events,
                                 const CancelToken& cancel) {
  KILN_CHECK(plan.install && plan.source.disc && plan.source.expected_sha256);
  auto order = plan.install->order;
  if (plan.install->fetch.empty()) {
    KILN_TRY(verify_source(plan.source, cache_folder, cancel));
    return order;
  }
  const auto disc = folder / "disc.iso";
  KILN_TRY(fetch_disc(*plan.install, plan.source, fetcher, disc, cancel));
  KILN_TRY_ASSIGN(order.media, inspect_media(disc));
  notice(events,
         fmt::format("fetched {} ({}): {}",
                     redact_url(plan.install->fetch),
                     format_bytes(order.media.size),
                     order.media.title()),
         "prepare");
  // What a plan refuses of a disc that is at hand.
  if (auto made = make_install_recipe(order); !made) {
    return std::move(made).error().at(plan.source.disc->where);
  }
  if (order.media.family != InstallerFamily::kWindows) return order;
  return fail(ErrorKind::kUnsupported,
              "Template:NotYetSupported",
              "this version of Kiln cannot build a Windows image, which {} would give",
              order.media.title())
      .at(plan.source.disc->where)
      .cure("choose a Linux source");
}

}  // namespace kiln
