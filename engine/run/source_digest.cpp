#include "engine/run/source_digest.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/json.h"

namespace kiln {
namespace {

/// Names a file in one state; any write to it changes the name.
Result<std::string> state_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(
        ErrorKind::kIo, "Source:Stat", "cannot read {}: {}", path.string(), strerror(errno));
  }
  return fmt::format("{}:{}:{}.{}:{}.{}",
                     status.st_ino,
                     status.st_size,
                     status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec,
                     status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

nlohmann::json read_known(const std::filesystem::path& file) {
  const auto text = read_file(file);
  auto known = text ? nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false)
                    : nlohmann::json::object();
  return known.is_object() ? known : nlohmann::json::object();
}

}  // namespace

Result<void> verify_source(const ResolvedSource& source,
                           const std::filesystem::path& cache_folder,
                           const CancelToken& cancel) {
  if (!source.expected_sha256) return {};
  const auto file = cache_folder / "digests.json";
  KILN_TRY_ASSIGN(const auto state, state_of(source.path));
  auto known = read_known(file);
  const nlohmann::json current = {{"state", state}, {"sha256", *source.expected_sha256}};
  if (known.value(source.path.string(), nlohmann::json()) == current) return {};

  KILN_TRY_ASSIGN(const auto actual, sha256_file(source.path, cancel));
  if (actual != *source.expected_sha256) {
    return fail(ErrorKind::kInvalidTemplate,
                "Source:WrongDigest",
                "{} has SHA-256 {}, {} was expected",
                source.path.string(),
                actual,
                *source.expected_sha256)
        .cure("bring the right file, or register this one with `kiln catalog add --replace`");
  }
  known[source.path.string()] = current;
  KILN_TRY(make_directories(cache_folder));
  return write_file_atomic(file, dump_json(known, 2) + "\n");
}

}  // namespace kiln
