#include "engine/run/layers/layer_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>

#include "disk/convert/file_digest.h"
#include "engine/core/file.h"
#include "engine/core/json.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr int kFormatVersion = 1;
constexpr std::string_view kDiskExtension = ".qcow2";
constexpr std::string_view kSystemExtension = ".system";
constexpr std::uint64_t kStatBlock = 512;

/// A name that a damaged or forged record gives must not lead out of the folder.
bool is_hex(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

nlohmann::json to_json(const Layer& layer) {
  auto files = nlohmann::json::array();
  for (const auto& file : layer.files) {
    files.push_back({{"key", file.key}, {"id", file.id}, {"state", file.state}});
  }
  return {{"formatVersion", kFormatVersion},
          {"files", files},
          {"source", layer.source},
          {"what", layer.what},
          {"run", layer.run},
          {"made", layer.made},
          {"virtualSize", layer.virtual_size},
          {"bytes", layer.bytes},
          {"digest", layer.digest},
          {"milliseconds", layer.took.count()},
          {"system", layer.system},
          {"systemDigest", layer.system_digest},
          {"finished", layer.finished}};
}

std::optional<Layer> read_layer(const fs::path& path) {
  const auto text = read_file(path, kMiB);
  if (!text) return std::nullopt;
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  Layer layer;
  try {
    if (json.at("formatVersion") != kFormatVersion) return std::nullopt;
    for (const auto& each : json.at("files")) {
      layer.files.push_back({each.at("key"), each.at("id"), each.at("state")});
    }
    layer.source = json.at("source");
    layer.what = json.at("what");
    layer.run = json.at("run");
    layer.made = json.at("made");
    layer.virtual_size = json.at("virtualSize");
    layer.bytes = json.at("bytes");
    layer.digest = json.at("digest");
    layer.took = std::chrono::milliseconds(json.at("milliseconds").get<std::int64_t>());
    layer.finished = json.at("finished");
    layer.system = json.value("system", std::string());
    layer.system_digest = json.value("systemDigest", std::string());
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  const bool sound = !layer.files.empty() && path.stem() == layer.key() &&
                     std::ranges::all_of(layer.files, [](const auto& file) {
                       return is_hex(file.id) && is_hex(file.key);
                     });
  return sound ? std::optional(std::move(layer)) : std::nullopt;
}

std::vector<fs::path> files_with(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() == extension) found.push_back(entry.path());
  }
  return found;
}

Result<void> write_through(const fs::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file && ::fsync(file.get()) == 0) return {};
  return fail(
      ErrorKind::kIo, "Layer:Write", "cannot write {} through: {}", path.string(), strerror(errno));
}

bool lies_over(const Layer& upper, const std::string& id) {
  return std::any_of(std::next(upper.files.begin()), upper.files.end(), [&](const auto& file) {
    return file.id == id;
  });
}

}  // namespace

std::string saved_system_name(const std::string& id) {
  return id + std::string(kSystemExtension);
}

std::string new_layer_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

std::optional<std::string> layer_state(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return fmt::format("{}:{}.{}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::uint64_t layer_bytes(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * kStatBlock;
}

fs::path LayerStore::system(const Layer& layer) const {
  return folder_ / saved_system_name(layer.files.front().id);
}

Result<UniqueFd> LayerStore::lock(bool exclusive) const {
  KILN_TRY(make_directories(folder_));
  const auto path = folder_ / "lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  while (file && ::flock(file.get(), exclusive ? LOCK_EX : LOCK_SH) != 0) {
    if (errno != EINTR) file.reset();
  }
  if (file) return file;
  return fail(ErrorKind::kIo, "Layer:Lock", "cannot lock {}: {}", path.string(), strerror(errno));
}

std::optional<std::string> other_contents(const fs::path& path, const std::string& digest) {
  const auto found = file_digest(path, {});
  if (!found) return found.error().summary();
  if (*found == digest) return std::nullopt;
  return fmt::format("{} has other contents", path.string());
}

/// @param deep compares the contents too
std::optional<std::string> LayerStore::damage(const Layer& layer, bool deep) const {
  for (const auto& each : layer.files) {
    const auto state = layer_state(file(each));
    if (!state) return fmt::format("{} is missing", file(each).string());
    if (*state != each.state) return fmt::format("{} was written", file(each).string());
  }
  if (!layer.system.empty() && layer_state(system(layer)) != layer.system) {
    return fmt::format("{} is missing or was written", system(layer).string());
  }
  if (!deep) return std::nullopt;
  auto other = other_contents(file(layer.files.front()), layer.digest);
  if (!other && !layer.system.empty()) other = other_contents(system(layer), layer.system_digest);
  return other;
}

std::optional<Layer> LayerStore::find(const std::string& key) const {
  auto layer = read_layer(record(key));
  if (layer && damage(*layer, false)) layer.reset();
  return layer;
}

Result<std::vector<fs::path>> LayerStore::link(const Layer& layer, const fs::path& folder) const {
  const auto link_file = [&](const fs::path& path) -> Result<void> {
    std::error_code error;
    fs::create_hard_link(path, folder / path.filename(), error);
    if (!error) return {};
    return fail(ErrorKind::kIo,
                "Layer:Link",
                "cannot use the layer {}: {}",
                path.string(),
                error.message());
  };
  std::vector<fs::path> linked;
  if (!layer.system.empty()) KILN_TRY(link_file(system(layer)));
  for (const auto& each : layer.files) {
    KILN_TRY(link_file(file(each)));
    linked.push_back(folder / file(each).filename());
    ::utimensat(AT_FDCWD, record(each.key).c_str(), nullptr, 0);
  }
  return linked;
}

Result<void> LayerStore::add_file(const fs::path& path) const {
  KILN_TRY_ASSIGN(const auto held, hold());
  std::error_code error;
  fs::create_hard_link(path, folder_ / path.filename(), error);
  if (!error) return {};
  return fail(ErrorKind::kIo, "Layer:Link", "cannot keep {}: {}", path.string(), error.message());
}

Result<void> LayerStore::publish(Layer layer) const {
  const auto path = file(layer.files.front());
  KILN_TRY(write_through(path));
  KILN_TRY_ASSIGN(layer.digest, file_digest(path, {}));
  if (!layer.system.empty()) {
    KILN_TRY(write_through(system(layer)));
    KILN_TRY_ASSIGN(layer.system_digest, file_digest(system(layer), {}));
  }
  KILN_TRY_ASSIGN(const auto held, lock(true));
  return write_file_atomic(record(layer.key()), dump_json(to_json(layer), 2) + "\n", 0600);
}

std::vector<Layer> LayerStore::list() const {
  using Used = std::pair<fs::file_time_type, Layer>;
  std::vector<Used> found;
  for (const auto& path : files_with(folder_, ".json")) {
    std::error_code ignored;
    if (auto layer = read_layer(path)) {
      found.emplace_back(fs::last_write_time(path, ignored), *std::move(layer));
    }
  }
  std::ranges::sort(found, [](const Used& a, const Used& b) {
    // A use counts for what lies below as well, and at the same moment.
    if (a.first != b.first) return a.first < b.first;
    return a.second.files.size() > b.second.files.size();
  });
  std::vector<Layer> layers;
  for (auto& [used, layer] : found) layers.push_back(std::move(layer));
  return layers;
}

std::uint64_t LayerStore::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& layer : list()) sum += layer.bytes;
  return sum;
}

Result<std::vector<Layer>> LayerStore::shrink(std::uint64_t limit, bool dry_run) const {
  KILN_TRY_ASSIGN(const auto held, lock(true));
  auto rest = list();
  std::uint64_t sum = 0;
  for (const auto& layer : rest) sum += layer.bytes;
  std::vector<Layer> removed;
  while (sum > limit) {
    const auto oldest = std::ranges::find_if(rest, [&](const Layer& one) {
      return std::ranges::none_of(
          rest, [&](const Layer& other) { return lies_over(other, one.files.front().id); });
    });
    if (oldest == rest.end()) break;
    sum -= std::min(sum, oldest->bytes);
    std::error_code ignored;
    if (!dry_run) fs::remove(record(oldest->key()), ignored);
    removed.push_back(std::move(*oldest));
    rest.erase(oldest);
  }
  if (!dry_run) KILN_TRY(remove_unused_files());
  return removed;
}

/// What a run has under a second name may yet become a layer.
Result<void> LayerStore::remove_unused_files() const {
  std::set<std::string> used;
  for (const auto& layer : list()) {
    for (const auto& each : layer.files) used.insert(each.id);
  }
  auto files = files_with(folder_, kDiskExtension);
  std::ranges::move(files_with(folder_, kSystemExtension), std::back_inserter(files));
  for (const auto& path : files) {
    struct stat status {};
    if (used.contains(path.stem().string()) || ::stat(path.c_str(), &status) != 0 ||
        status.st_nlink > 1) {
      continue;
    }
    std::error_code error;
    fs::remove(path, error);
    if (error) {
      return fail(
          ErrorKind::kIo, "Layer:Remove", "cannot remove {}: {}", path.string(), error.message());
    }
  }
  return {};
}

Result<std::vector<LayerTrouble>> LayerStore::verify(const CancelToken& cancel) const {
  std::vector<LayerTrouble> found;
  std::set<std::string> bad;
  {
    KILN_TRY_ASSIGN(const auto held, hold());  // reading takes a while, and keeps nobody from it
    auto layers = list();
    std::ranges::sort(layers, {}, [](const Layer& layer) { return layer.files.size(); });
    for (const auto& layer : layers) {
      KILN_TRY(cancel.check());
      auto what = damage(layer, true);
      const bool over_bad =
          std::ranges::any_of(layer.files, [&](const auto& each) { return bad.contains(each.id); });
      if (!what && over_bad) what = "what lies below it is damaged";
      if (!what) continue;
      bad.insert(layer.files.front().id);
      found.push_back({layer.key(), *std::move(what)});
    }
  }
  KILN_TRY_ASSIGN(const auto held, lock(true));
  for (const auto& trouble : found) {
    std::error_code ignored;
    fs::remove(record(trouble.key), ignored);
  }
  KILN_TRY(remove_unused_files());
  return found;
}

}  // namespace kiln
