#pragma once

#include <cstdint>
#include <hivex.h>
#include <optional>
#include <string>
#include <vector>

namespace kiln::simulator {

/// A hive of the mounted Windows, such as SYSTEM; keys are written with backslashes. Texts are
/// ASCII here, as all are that the simulator has to do with.
class Registry {
 public:
  enum class Access { kRead, kWrite };

  explicit Registry(const std::string& hive, Access access = Access::kRead);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  [[nodiscard]] bool has(const std::string& key) const { return find(key) != 0; }
  [[nodiscard]] std::optional<std::string> text(const std::string& key,
                                                const std::string& name) const;
  [[nodiscard]] std::optional<std::uint32_t> number(const std::string& key,
                                                    const std::string& name) const;
  [[nodiscard]] std::vector<std::string> texts(const std::string& key,
                                               const std::string& name) const;

  /// Makes the key where it is absent.
  bool set_text(const std::string& key, const std::string& name, const std::string& text);
  bool set_number(const std::string& key, const std::string& name, std::uint32_t number);
  bool set_texts(const std::string& key,
                 const std::string& name,
                 const std::vector<std::string>& texts);
  bool add(const std::string& key) { return make(key) != 0; }
  bool remove(const std::string& key);
  bool remove_value(const std::string& key, const std::string& name);
  /// Without it nothing is written.
  bool commit();

 private:
  [[nodiscard]] hive_node_h find(const std::string& key) const;
  hive_node_h make(const std::string& key);
  [[nodiscard]] std::optional<std::string> data(const std::string& key,
                                                const std::string& name) const;
  bool set(const std::string& key, const std::string& name, hive_type type, std::string data);

  hive_h* hive_;
};

/// `ControlSet002`: the one that this system was started with.
std::string current_control_set();

}  // namespace kiln::simulator
