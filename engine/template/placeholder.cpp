#include "engine/template/placeholder.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "engine/core/bytes.h"
#include "engine/core/input_file.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// From `from` on: where it starts, and its length with the brackets.
std::optional<std::pair<std::size_t, std::size_t>> find_placeholder(std::string_view text,
                                                                    std::size_t from = 0) {
  constexpr std::size_t kLongest = 64;
  for (auto open = text.find('<', from); open != std::string_view::npos;
       open = text.find('<', open + 1)) {
    auto end = open + 1;
    const auto in_name = [&] {
      const auto c = static_cast<unsigned char>(text[end]);
      return std::isalnum(c) != 0 || c == '_' || c == '-' || (c == '.' && end > open + 1);
    };
    while (end < text.size() && end - open <= kLongest && in_name()) ++end;
    if (end > open + 1 && end < text.size() && text[end] == '>') {
      return std::pair(open, end + 1 - open);
    }
  }
  return std::nullopt;
}

/// Fills placeholders in a tree of values.
class Filler {
 public:
  explicit Filler(const PlaceholderValues& values) : values_(values) {}

  void fill(nlohmann::json& value) {
    if (value.is_string()) {
      const auto* whole = whole_value(value.get_ref<const std::string&>());
      if (whole != nullptr) {
        value = *whole;
      } else {
        fill(value.get_ref<std::string&>());
      }
      return;
    }
    if (value.is_array()) {
      for (auto& item : value) fill(item);
    }
    if (!value.is_object()) return;
    std::vector<std::pair<std::string, std::string>> renamed;
    for (const auto& [key, member] : value.items()) {
      fill(member);
      auto name = key;
      fill(name);
      if (name != key) renamed.emplace_back(key, name);
    }
    for (const auto& [from, to] : renamed) {
      auto member = std::move(value[from]);
      value.erase(from);
      value[to] = std::move(member);
    }
  }

  nlohmann::json take_used() { return std::move(used_); }

 private:
  void fill(std::string& text) {
    std::string result;
    std::size_t from = 0;
    for (auto found = find_placeholder(text); found; found = find_placeholder(text, from)) {
      const auto [at, length] = *found;
      result.append(text, from, at - from);
      const auto name = text.substr(at + 1, length - 2);
      const auto* value = look_up(name);
      if (value == nullptr) {
        result += text.substr(at, length);
      } else {
        result += value->is_string() ? value->get<std::string>() : dump_json(*value);
      }
      from = at + length;
    }
    if (from > 0) text = result.append(text, from);
  }

  /// A number or truth value stays one where it stands alone.
  const nlohmann::json* whole_value(const std::string& text) {
    const auto found = find_placeholder(text);
    if (!found || *found != std::pair<std::size_t, std::size_t>(0, text.size())) return nullptr;
    return look_up(text.substr(1, text.size() - 2));
  }

  const nlohmann::json* look_up(const std::string& name) {
    auto found = values_.find(name);
    for (auto it = values_.begin(); found == values_.end() && it != values_.end(); ++it) {
      if (equal_ignoring_case(it->first, name)) found = it;
    }
    if (found == values_.end()) return nullptr;
    used_[found->first] = found->second;
    return &found->second;
  }

  const PlaceholderValues& values_;
  nlohmann::json used_ = nlohmann::json::object();
};

struct Unfilled {
  std::string name;  ///< with its brackets
  std::string where;
  int count = 0;
};

/// Whether there was one.
bool note(std::vector<Unfilled>& list, std::string_view text, const JsonReader& place) {
  auto found = find_placeholder(text);
  const bool any = found.has_value();
  for (; found; found = find_placeholder(text, found->first + found->second)) {
    const auto name = text.substr(found->first, found->second);
    const auto known = std::find_if(
        list.begin(), list.end(), [&](const Unfilled& one) { return one.name == name; });
    if (known != list.end()) {
      ++known->count;
    } else {
      list.push_back({std::string(name), place.where(), 1});
    }
  }
  return any;
}

std::string describe(const Unfilled& one) {
  return one.count == 1 ? fmt::format("{} at {}", one.name, one.where)
                        : fmt::format("{} {} times, first at {}", one.name, one.count, one.where);
}

/// Members that mean nothing on this machine; the others shape the image or name what is made.
bool is_harmless(std::string_view name) {
  constexpr std::string_view kParts[] = {"location",
                                         "tags",
                                         "identity",
                                         "dependsOn",
                                         "stagingResourceGroup",
                                         "managedResourceTags",
                                         "vmSize",
                                         "userAssignedIdentities",
                                         "vnetConfig"};
  return std::find(std::begin(kParts), std::end(kParts), name) != std::end(kParts);
}

/// Finds what is left in a resource.
class LeftOver {
 public:
  std::vector<Unfilled> refused;  ///< they shape the image or name what is made
  std::vector<Unfilled> harmless;
  std::vector<Unfilled> scripts;  ///< in inline scripts, where `<EOF>` is ordinary

  /// Of the resource, its properties or the vmProfile, whose members differ in what they are for.
  /// @param copy of the value, where each text that holds a refused one becomes unknown
  void search_members(const JsonReader& object, nlohmann::json& copy) {
    const auto members = object.members();
    if (!members) return;  // said better by whoever reads it
    for (const auto& [name, member] : *members) {
      if (equal_ignoring_case(name, "properties") || equal_ignoring_case(name, "vmProfile")) {
        search_members(member, copy[name]);
      } else if (is_harmless(name)) {
        search_all(member, harmless);
      } else {
        search(member, copy[name]);
      }
    }
  }

 private:
  void search(const JsonReader& place, nlohmann::json& copy) {
    if (place.value().is_string()) {
      if (note(refused, place.value().get_ref<const std::string&>(), place)) copy = unknown_value();
    } else if (const auto members = place.members()) {
      // The name of a step is for readers, that of a region is none of an item.
      const bool item = place.find("type").has_value();
      for (const auto& [name, member] : *members) {
        note(refused, name, member);
        if (equal_ignoring_case(name, "inline")) {
          search_all(member, scripts);
        } else if (equal_ignoring_case(name, "artifactTags") || (item && name == "name")) {
          search_all(member, harmless);
        } else {
          search(member, copy[name]);
        }
      }
    } else if (const auto items = place.items()) {
      for (std::size_t i = 0; i < items->size(); ++i) search((*items)[i], copy[i]);
    }
  }

  static void search_all(const JsonReader& place, std::vector<Unfilled>& list) {
    if (place.value().is_string()) {
      note(list, place.value().get_ref<const std::string&>(), place);
    } else if (const auto members = place.members()) {
      for (const auto& [name, member] : *members) {
        note(list, name, member);
        search_all(member, list);
      }
    } else if (const auto items = place.items()) {
      for (const auto& item : *items) search_all(item, list);
    }
  }
};

}  // namespace

std::set<std::string> FilledDocument::names() const {
  std::set<std::string> lower;
  for (const auto& [name, value] : used.items()) lower.insert(to_lower(name));
  return lower;
}

Result<PlaceholderValues> read_placeholders(const std::filesystem::path& path) {
  PlaceholderValues values;
  if (path.empty()) return values;
  KILN_TRY_ASSIGN(const auto text, read_input_file(path, 4 * kMiB, "--placeholders"));
  KILN_TRY_ASSIGN(const auto document, JsonReader::parse(text, path.string()));
  KILN_TRY_ASSIGN(const auto members, document.members());
  for (const auto& [name, value] : members) {
    const bool bracketed = name.size() > 2 && name.front() == '<' && name.back() == '>';
    if (value.value().is_structured() || value.value().is_null()) {
      return value
          .error("Json:WrongType", "a placeholder stands for a text, a number or true or false")
          .expecting("a string, a number, true or false")
          .cure("write the value as text");
    }
    values[bracketed ? name.substr(1, name.size() - 2) : name] = value.value();
  }
  return values;
}

FilledDocument fill_placeholders(const JsonReader& document, const PlaceholderValues& values) {
  if (values.empty()) return {document, nlohmann::json::object()};
  auto value = document.value();
  Filler filler(values);
  filler.fill(value);
  return {document.with_value(std::move(value)), filler.take_used()};
}

JsonReader check_placeholders(const JsonReader& resource,
                              arm::Failures& failures,
                              std::vector<std::string>& notices) {
  LeftOver left;
  auto copy = resource.value();
  left.search_members(resource, copy);
  for (const auto& one : left.harmless) {
    notices.push_back(
        fmt::format("a placeholder is left where it does no harm: {}", describe(one)));
  }
  for (const auto& one : left.scripts) {
    notices.push_back(
        fmt::format("an inline script holds what may be a placeholder: {}", describe(one)));
  }
  const auto& refused = left.refused;
  if (refused.empty()) return resource;
  std::vector<std::string> lines;
  lines.reserve(refused.size());
  for (const auto& one : refused) lines.push_back(describe(one));
  const auto& first = refused.front();
  failures.add(
      fail(ErrorKind::kInvalidTemplate,
           "Template:Placeholder",
           "{} {} not filled",
           refused.size() == 1 ? "the placeholder " + first.name
                               : fmt::format("{} placeholders", refused.size()),
           refused.size() == 1 ? "is" : "are")
          .at(first.where)
          .about(first.name)
          .expecting("a value in place of each")
          .cure(fmt::format("give values with --parameter {}=VALUE, or with --placeholders "
                            "FILE",
                            first.name.substr(1, first.name.size() - 2)))
          .quoting(std::move(lines)));
  return resource.with_value(std::move(copy));
}

}  // namespace kiln
