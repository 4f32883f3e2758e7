#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "engine/contract/type_lookup.h"

namespace kiln {

/// A member of `source`, `customize` or `distribute` after its registry has read it.
template <class T>
struct ParsedItem {
  std::unique_ptr<T> item;   ///< null where an error was found
  nlohmann::json canonical;  ///< the body in the newest version's spelling
};

/// Finds the registry's entry for `body`, checks every field and parses. All errors go to
/// `context.found`.
/// @param Entry has `const RecordType* type` and `parse(const Record&, const ContractContext&)`
template <class T, class Entry>
ParsedItem<T> parse_item(const JsonReader& body,
                         std::string_view what,
                         std::span<const Entry> entries,
                         const ContractContext& context) {
  std::vector<const RecordType*> types;
  types.reserve(entries.size());
  for (const auto& entry : entries) types.push_back(entry.type);
  const auto errors = context.found.count(Severity::kError);
  const auto* type = find_type(body, what, types, context);
  if (type == nullptr) return {};
  const auto record = check_record(body, *type, context);
  if (!record) return {};
  const auto entry = std::find_if(
      entries.begin(), entries.end(), [&](const auto& one) { return one.type == type; });
  // Also of a record that is not sound: what else is wrong with it shall be told.
  Result<std::unique_ptr<T>> parsed = entry->parse(*record, context);
  if (!parsed && !record->has_told(parsed.error())) context.add(parsed.error());
  const bool wrong = !record->is_sound() || context.found.count(Severity::kError) > errors;
  if (!parsed || wrong) return {};
  return {*std::move(parsed), record->to_json()};
}

/// One item of the newest version on its own, for callers that want its first error only.
template <class T, class Entry>
Result<std::unique_ptr<T>> parse_one_item(const JsonReader& body,
                                          std::string_view what,
                                          std::span<const Entry> entries) {
  Diagnostics found;
  auto parsed = parse_item<T>(body, what, entries, ContractContext{kNewestVersion, found});
  if (found.has_errors()) return found.first_error();
  return std::move(parsed.item);
}

}  // namespace kiln
