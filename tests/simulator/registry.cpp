#include "tests/simulator/registry.h"

#include <cstdlib>
#include <memory>

#include "engine/core/text.h"

namespace kiln::simulator {
namespace {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

std::string wide(std::string_view text) {
  std::string bytes;
  for (const char c : text) bytes.append({c, '\0'});
  return bytes.append(2, '\0');
}

std::string narrow(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    text += bytes[i + 1] == '\0' && static_cast<unsigned char>(bytes[i]) < 0x80 ? bytes[i] : '?';
  }
  return text;
}

}  // namespace

Registry::Registry(const std::string& hive, Access access)
    : hive_(hivex_open(("/C:/Windows/System32/config/" + hive).c_str(),
                       access == Access::kWrite ? HIVEX_OPEN_WRITE : 0)) {}

Registry::~Registry() {
  if (hive_ != nullptr) hivex_close(hive_);
}

hive_node_h Registry::find(const std::string& key) const {
  if (hive_ == nullptr) return 0;
  auto node = hivex_root(hive_);
  for (const auto& name : split(key, '\\')) {
    if (node != 0) node = hivex_node_get_child(hive_, node, name.c_str());
  }
  return node;
}

hive_node_h Registry::make(const std::string& key) {
  if (hive_ == nullptr) return 0;
  auto node = hivex_root(hive_);
  for (const auto& name : split(key, '\\')) {
    if (node == 0) return 0;
    const auto child = hivex_node_get_child(hive_, node, name.c_str());
    node = child != 0 ? child : hivex_node_add_child(hive_, node, name.c_str());
  }
  return node;
}

std::optional<std::string> Registry::data(const std::string& key, const std::string& name) const {
  const auto node = find(key);
  if (node == 0) return std::nullopt;
  const auto value = hivex_node_get_value(hive_, node, name.c_str());
  if (value == 0) return std::nullopt;
  hive_type type = hive_t_none;
  std::size_t size = 0;
  const std::unique_ptr<char, Free> bytes(hivex_value_value(hive_, value, &type, &size));
  if (!bytes) return std::nullopt;
  return std::string(bytes.get(), size);
}

std::optional<std::string> Registry::text(const std::string& key, const std::string& name) const {
  const auto bytes = data(key, name);
  if (!bytes) return std::nullopt;
  const auto characters = narrow(*bytes);
  return characters.substr(0, characters.find('\0'));
}

std::vector<std::string> Registry::texts(const std::string& key, const std::string& name) const {
  std::vector<std::string> found;
  for (auto& each : split(narrow(data(key, name).value_or("")), '\0')) {
    if (!each.empty()) found.push_back(std::move(each));
  }
  return found;
}

std::optional<std::uint32_t> Registry::number(const std::string& key,
                                              const std::string& name) const {
  const auto bytes = data(key, name);
  if (!bytes || bytes->size() != sizeof(std::uint32_t)) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = sizeof value; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>((*bytes)[i]);
  }
  return value;
}

bool Registry::set(const std::string& key,
                   const std::string& name,
                   hive_type type,
                   std::string data) {
  const auto node = make(key);
  // hivex does not write to either; its structure is older than const.
  const hive_set_value value{const_cast<char*>(name.c_str()), type, data.size(), data.data()};
  return node != 0 && hivex_node_set_value(hive_, node, &value, 0) == 0;
}

bool Registry::set_text(const std::string& key, const std::string& name, const std::string& text) {
  return set(key, name, hive_t_string, wide(text));
}

bool Registry::set_number(const std::string& key, const std::string& name, std::uint32_t number) {
  std::string data;
  for (unsigned shift = 0; shift < 32; shift += 8) data += static_cast<char>(number >> shift);
  return set(key, name, hive_t_dword, std::move(data));
}

bool Registry::set_texts(const std::string& key,
                         const std::string& name,
                         const std::vector<std::string>& texts) {
  std::string data;
  for (const auto& each : texts) data += wide(each);
  return set(key, name, hive_t_multiple_strings, data.append(2, '\0'));
}

bool Registry::remove(const std::string& key) {
  const auto node = find(key);
  return node != 0 && hivex_node_delete_child(hive_, node) == 0;
}

/// hivex has no call for one value, only for all of a key.
bool Registry::remove_value(const std::string& key, const std::string& name) {
  const auto node = find(key);
  if (node == 0) return false;
  const std::unique_ptr<hive_value_h, Free> values(hivex_node_values(hive_, node));
  if (!values) return false;
  std::vector<std::unique_ptr<char, Free>> memory;
  std::vector<hive_set_value> kept;
  for (const auto* value = values.get(); *value != 0; ++value) {
    memory.emplace_back(hivex_value_key(hive_, *value));
    auto* const own_name = memory.back().get();
    if (own_name != nullptr && equal_ignoring_case(own_name, name)) continue;
    hive_set_value copy{own_name, hive_t_none, 0, nullptr};
    memory.emplace_back(hivex_value_value(hive_, *value, &copy.t, &copy.len));
    copy.value = memory.back().get();
    kept.push_back(copy);
  }
  return hivex_node_set_values(hive_, node, kept.size(), kept.data(), 0) == 0;
}

bool Registry::commit() {
  return hive_ != nullptr && hivex_commit(hive_, nullptr, 0) == 0;
}

std::string current_control_set() {
  const Registry system("SYSTEM");
  std::string number = std::to_string(system.number("Select", "Current").value_or(0));
  return "ControlSet" + std::string(3 - std::min<std::size_t>(number.size(), 3), '0') + number;
}

}  // namespace kiln::simulator
