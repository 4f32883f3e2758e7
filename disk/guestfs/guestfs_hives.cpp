#include "disk/guestfs/guestfs_hives.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "engine/core/c_handle.h"
#include "engine/core/memory_file.h"
#include "engine/core/text.h"
#include "engine/core/unique_fd.h"

namespace kiln {
namespace {

/// The daemon has one hive open; a second guestfs_hivex_open would close the first unasked.
class GuestfsHive : public Hive {
 public:
  GuestfsHive(guestfs_h* handle,
              ApplianceKiller& killer,
              const std::function<Error(std::string)>& error,
              std::string path)
      : handle_(handle), killer_(killer), error_(error), path_(std::move(path)) {}
  GuestfsHive(const GuestfsHive&) = delete;
  GuestfsHive& operator=(const GuestfsHive&) = delete;
  ~GuestfsHive() override {
    const ApplianceKiller::Call call(killer_);
    guestfs_hivex_close(handle_);
  }

  Result<bool> has_key(std::string_view key) override {
    KILN_TRY_ASSIGN(const auto node, find(key));
    return node != 0;
  }

  Result<std::optional<RegistryValue>> value(std::string_view key,
                                             const std::string& name) override {
    const ApplianceKiller::Call call(killer_);
    KILN_TRY_ASSIGN(const auto node, find(key));
    if (node == 0) return std::optional<RegistryValue>();
    const auto handle = guestfs_hivex_node_get_value(handle_, node, name.c_str());
    if (handle < 0) return error("looking for a value", key);
    if (handle == 0) return std::optional<RegistryValue>();
    const auto type = guestfs_hivex_value_type(handle_, handle);
    if (type < 0) return error("reading the type of a value", key);
    std::size_t length = 0;
    const CHandle<char, std::free> data(guestfs_hivex_value_value(handle_, handle, &length));
    if (!data) return error("reading a value", key);
    return std::optional(
        RegistryValue{static_cast<std::uint32_t>(type), std::string(data.get(), length)});
  }

  Result<std::vector<std::string>> keys(std::string_view key) override {
    const ApplianceKiller::Call call(killer_);
    KILN_TRY_ASSIGN(const auto node, find(key));
    std::vector<std::string> names;
    if (node == 0) return names;
    const CHandle<struct guestfs_hivex_node_list, guestfs_free_hivex_node_list> children(
        guestfs_hivex_node_children(handle_, node));
    if (!children) return error("listing the keys", key);
    for (std::uint32_t i = 0; i < children->len; ++i) {
      const CHandle<char, std::free> name(
          guestfs_hivex_node_name(handle_, children->val[i].hivex_node_h));
      if (!name) return error("reading the name of a key", key);
      names.emplace_back(name.get());
    }
    return names;
  }

  Result<void> add_key(std::string_view key) override {
    const ApplianceKiller::Call call(killer_);
    const auto last = key.rfind('\\');
    const bool top = last == std::string_view::npos;
    KILN_TRY_ASSIGN(const auto parent, existing(top ? std::string_view() : key.substr(0, last)));
    const std::string name(top ? key : key.substr(last + 1));
    if (guestfs_hivex_node_add_child(handle_, parent, name.c_str()) <= 0) {
      return error("adding the key", key);
    }
    return {};
  }

  Result<void> set_value(std::string_view key,
                         const std::string& name,
                         const RegistryValue& value) override {
    const ApplianceKiller::Call call(killer_);
    KILN_TRY_ASSIGN(const auto node, existing(key));
    const int status = guestfs_hivex_node_set_value(
        handle_, node, name.c_str(), value.type, value.data.data(), value.data.size());
    return check(status, "setting a value", key);
  }

  Result<void> remove_key(std::string_view key) override {
    const ApplianceKiller::Call call(killer_);
    KILN_TRY_ASSIGN(const auto node, existing(key));
    return check(guestfs_hivex_node_delete_child(handle_, node), "removing the key", key);
  }

  Result<void> commit() override {
    const ApplianceKiller::Call call(killer_);
    return check(guestfs_hivex_commit(handle_, nullptr), "writing the hive", "");
  }

 private:
  [[nodiscard]] Error error(std::string_view doing, std::string_view key) const {
    return error_(fmt::format("{} in {} {}", doing, path_, key));
  }
  [[nodiscard]] Result<void> check(int status, std::string_view doing, std::string_view key) const {
    if (status == 0) return {};
    return error(doing, key);
  }

  /// 0 where it is absent.
  Result<std::int64_t> find(std::string_view key) {
    const ApplianceKiller::Call call(killer_);
    auto node = guestfs_hivex_root(handle_);
    if (node <= 0) return error("reading the root", key);
    if (key.empty()) return node;
    for (const auto& name : split(key, '\\')) {
      node = guestfs_hivex_node_get_child(handle_, node, name.c_str());
      if (node < 0) return error("looking for the key", key);
      if (node == 0) return node;
    }
    return node;
  }

  Result<std::int64_t> existing(std::string_view key) {
    KILN_TRY_ASSIGN(const auto node, find(key));
    if (node != 0) return node;
    return fail(
               ErrorKind::kNotFound, "Registry:NoKey", "the registry has no key {}", printable(key))
        .at(path_);
  }

  guestfs_h* handle_;
  ApplianceKiller& killer_;
  const std::function<Error(std::string)>& error_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<Hive>> GuestfsHives::open(const std::string& path, Access access) {
  const ApplianceKiller::Call call(killer_);
  const int write = access == Access::kWrite ? 1 : 0;
  if (guestfs_hivex_open(handle_, path.c_str(), GUESTFS_HIVEX_OPEN_WRITE, write, -1) != 0) {
    return error_("opening the hive " + path);
  }
  return std::unique_ptr<Hive>(std::make_unique<GuestfsHive>(handle_, killer_, error_, path));
}

Result<std::string> GuestfsHives::head(const std::string& path, std::size_t count) {
  const ApplianceKiller::Call call(killer_);
  std::size_t length = 0;
  const CHandle<char, std::free> bytes(
      guestfs_pread(handle_, path.c_str(), static_cast<int>(count), 0, &length));
  if (!bytes) return error_("reading the beginning of " + path);
  return std::string(bytes.get(), length);
}

Result<std::string> GuestfsHives::blocks(const std::string& device,
                                         std::uint64_t offset,
                                         std::size_t count) {
  const ApplianceKiller::Call call(killer_);
  std::size_t length = 0;
  const CHandle<char, std::free> bytes(guestfs_pread_device(handle_,
                                                            device.c_str(),
                                                            static_cast<int>(count),
                                                            static_cast<std::int64_t>(offset),
                                                            &length));
  if (!bytes) return error_("reading " + device);
  return std::string(bytes.get(), length);
}

Result<bool> GuestfsHives::ntfs_log_is_clean(const std::string& device) {
  const ApplianceKiller::Call call(killer_);
  constexpr int kUncleanLog = 15;  // ntfs-3g.probe(8)
  const int status = guestfs_ntfs_3g_probe(handle_, 1, device.c_str());
  if (status < 0) return error_("looking at the log of " + device);
  return status != kUncleanLog;
}

Result<void> GuestfsHives::unpack(std::string_view tar, const std::string& folder) {
  const ApplianceKiller::Call call(killer_);
  const auto doing = "unpacking into " + folder;
  // libguestfs reads a file; this one has no name that anybody could come before us with.
  const auto file = memory_file(tar);
  if (!file) return Error(file.error()).while_doing(doing);
  const auto path = fmt::format("/dev/fd/{}", file->get());
  const int status =
      guestfs_tar_in_opts(handle_, path.c_str(), folder.c_str(), GUESTFS_TAR_IN_OPTS_XATTRS, 1, -1);
  if (status != 0) return error_(doing);
  return {};
}

}  // namespace kiln
