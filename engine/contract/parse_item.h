#pragma once

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
  const auto* type = find_type(body, what, types, context);
  if (type == nullptr) return {};
  const auto errors = context.found.count(Severity::kError);
  const auto record = check_record(body, *type, context);
  if (!record) return {};
  for (const auto& entry : entries) {
    if (entry.type != type) continue;
    Result<std::unique_ptr<T>> parsed = entry.parse(*record, context);
    if (!parsed) context.add(std::move(parsed).error());
    if (context.found.count(Severity::kError) > errors) return {};
    return {*std::move(parsed), record->to_json()};
  }
  return {};
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
