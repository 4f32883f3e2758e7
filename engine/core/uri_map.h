#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/fetcher.h"

namespace kiln {

/// Where the files behind remote URIs stand on this machine, so that an unchanged template works in
/// an air gap.
class UriMap {
 public:
  /// Reads a JSON object: a URI, or the beginning of URIs that ends in a slash, to a file or to a
  /// folder. Relative paths start at the map's own folder.
  static Result<UriMap> load(const std::filesystem::path& path);

  /// The file that stands for `uri`: under its whole text, else without its query, else by the
  /// longest beginning. A beginning never leads out of its folder.
  [[nodiscard]] std::optional<std::filesystem::path> find(std::string_view uri) const;

 private:
  std::map<std::string, std::filesystem::path, std::less<>> files_;
};

/// Whether bringing `uri` here needs the network.
bool is_remote(std::string_view uri);

/// Why a remote URI that is not in the map cannot be had with --offline.
Error refused_offline(std::string_view uri);

/// A fetcher that looks into the map first and, where `offline`, goes no further for remote URIs.
/// @param inner outlives the result
std::unique_ptr<Fetcher> make_mapped_fetcher(Fetcher& inner, UriMap map, bool offline);

}  // namespace kiln
