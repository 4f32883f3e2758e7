#include "engine/run/source_digest.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "disk/convert/file_digest.h"
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

constexpr const char* kDigests = "digests.json";

nlohmann::json read_known(const std::filesystem::path& file) {
  const auto text = read_file(file);
  auto known = text ? nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false)
                    : nlohmann::json::object();
  return known.is_object() ? known : nlohmann::json::object();
}

nlohmann::json known_of(const std::filesystem::path& path,
                        const std::filesystem::path& cache_folder) {
  auto entry = read_known(cache_folder / kDigests).value(path.string(), nlohmann::json());
  return entry.is_object() ? entry : nlohmann::json::object();
}

Result<void> remember(const std::filesystem::path& path,
                      const nlohmann::json& what,
                      const std::filesystem::path& cache_folder) {
  const auto file = cache_folder / kDigests;
  auto known = read_known(file);
  auto& entry = known[path.string()];
  if (!entry.is_object() || entry.value("state", std::string()) != what.at("state")) {
    entry = nlohmann::json::object();
  }
  entry.update(what);
  KILN_TRY(make_directories(cache_folder));
  return write_file_atomic(file, dump_json(known, 2) + "\n");
}

}  // namespace

Result<void> verify_source(const ResolvedSource& source,
                           const std::filesystem::path& cache_folder,
                           const CancelToken& cancel) {
  if (!source.expected_sha256) return {};
  KILN_TRY_ASSIGN(const auto state, state_of(source.path));
  const nlohmann::json current = {{"state", state}, {"sha256", *source.expected_sha256}};
  const auto known = known_of(source.path, cache_folder);
  if (known.value("state", "") == state && known.value("sha256", "") == *source.expected_sha256) {
    return {};
  }

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
  return remember(source.path, current, cache_folder);
}

std::optional<std::string> known_source_contents(const ResolvedSource& source,
                                                 const std::filesystem::path& cache_folder) {
  if (source.expected_sha256) return source.expected_sha256;
  const auto state = state_of(source.path);
  if (!state) return std::nullopt;
  const auto entry = known_of(source.path, cache_folder);
  if (entry.value("state", std::string()) != *state || !entry.contains("contents")) {
    return std::nullopt;
  }
  return entry.value("contents", std::string());
}

Result<std::string> source_contents(const ResolvedSource& source,
                                    const std::filesystem::path& cache_folder,
                                    const CancelToken& cancel) {
  if (auto known = known_source_contents(source, cache_folder)) return *std::move(known);
  KILN_TRY_ASSIGN(const auto state, state_of(source.path));
  KILN_TRY_ASSIGN(auto contents, file_digest(source.path, cancel));
  KILN_TRY(remember(source.path, {{"state", state}, {"contents", contents}}, cache_folder));
  return contents;
}

}  // namespace kiln
