#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

/// Where a value and everything inside it was written. A tree and not a table of pointers, because
/// the memory that a long key with many values below it takes must stay in proportion to the text.
/// A computed value has a tree of its own, whose nodes name their origins.
struct JsonPlace {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::vector<std::string> keys;  ///< of an object, as written; parallel to `children`
  std::vector<JsonPlace> children;
  const JsonPlace* parent = nullptr;        ///< null at the root and in computed trees
  const std::string* document = nullptr;    ///< what messages call it; null in computed trees
  std::shared_ptr<const JsonPlace> origin;  ///< of a computed value: what it was made from
};

/// Shares the whole tree, so that a place outlives the document it is in.
using PlacePtr = std::shared_ptr<const JsonPlace>;

/// `~` and `/` as RFC 6901 writes them.
std::string escape_token(std::string_view token);

/// The RFC 6901 pointer of a written place.
std::string pointer_of(const JsonPlace& place);
/// `template.json:12:7 /properties/source`, of the origin where the place is a computed one.
std::string describe_place(const JsonPlace& place);
std::string describe_place(std::string_view document,
                           std::uint32_t line,
                           std::uint32_t column,
                           std::string_view pointer);

/// Null where nothing of that name was written.
PlacePtr place_of_key(const PlacePtr& place, std::string_view key);
PlacePtr place_of_item(const PlacePtr& place, std::size_t index);
/// The place of the `index`th key of `keys_of`.
PlacePtr place_of_written_key(const PlacePtr& place, std::size_t index);
/// Keys in the order in which they were written.
const std::vector<std::string>& keys_of(const JsonPlace& place);

/// A place for a computed value; chains of mere references are kept short.
JsonPlace place_from(PlacePtr origin);
/// A place outside of any text, e.g. an option of the command line.
PlacePtr place_named(std::string document);

struct DuplicateKey {
  std::string pointer;
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

struct IndexedJson {
  PlacePtr root;
  std::optional<DuplicateKey>
      duplicate;  ///< the first key that its object already has; the last value counts
};

/// Notes where each value of a text starts. The text is known to be valid, relaxed JSON included,
/// so the walk only has to find the structure.
IndexedJson index_json(std::string_view text, std::string document);

/// Line and column of a byte; columns count characters, as editors do.
std::pair<std::uint32_t, std::uint32_t> line_and_column(std::string_view text, std::size_t byte);

}  // namespace kiln
