// Discs of Linux distributions: Debian and Ubuntu by .disk/info, the others by .treeinfo, or by
// .discinfo and media.1 where that is missing.
#include <array>
#include <regex>

#include "disk/media/families.h"
#include "disk/media/treeinfo.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

struct BootPair {
  const char* kernel;
  const char* initrd;
};

/// Where a kernel and its initramfs lie together.
bool find_boot_pair(const MediaReader& media,
                    std::initializer_list<BootPair> places,
                    InstallerMedia& found) {
  for (const auto& place : places) {
    const auto kernel = media.files().find(place.kernel);
    const auto initrd = media.files().find(place.initrd);
    if (kernel == media.files().end() || initrd == media.files().end()) continue;
    found.kernel = kernel->first;
    found.initrd = initrd->first;
    return true;
  }
  return false;
}

bool has_file(const MediaReader& media, const std::string& path) {
  return media.files().contains(path);
}

/// Whether any file lies under `folder` and has that ending.
bool has_below(const MediaReader& media, const std::string& folder, std::string_view ending) {
  const auto& files = media.files();
  for (auto file = files.lower_bound(folder); file != files.end(); ++file) {
    if (!equal_ignoring_case(file->first.substr(0, folder.size()), folder)) return false;
    if (file->first.ends_with(ending)) return true;
  }
  return false;
}

Result<std::string> read_if_there(MediaReader& media, const std::string& path) {
  if (!has_file(media, path)) return std::string();
  return read_media_file(media, path);
}

/// `Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST …`,
/// `Ubuntu-Server 22.04.4 LTS "Jammy Jellyfish" - Release amd64 (20240216.1)`
void read_disk_info(const std::string& line, InstallerMedia& found) {
  static const std::regex kInfo(R"re(^(.+?)\s+(\S+)(?:\s+LTS)?\s+"([^"]+)"\s+-\s+(.*)$)re");
  static const std::regex kArchitecture(R"(\b(amd64|arm64|i386|armhf|ppc64el|s390x|riscv64)\b)");
  std::smatch parts;
  found.product = line;
  if (std::regex_match(line, parts, kInfo)) {
    found.product = parts[1];
    found.version = parts[2];
    found.codename = to_lower(parts[3].str().substr(0, parts[3].str().find(' ')));
  }
  if (std::regex_search(line, parts, kArchitecture)) {
    found.architecture = common_architecture(parts[1].str());
  }
}

/// `SUSE - SLE-15-SP5-Full-x86_64-Build…` is the publisher and the build; `media.1/products` has
/// lines such as `/ SLES15-SP5 15.5-0`.
void read_suse_media(const std::string& build, const std::string& products, InstallerMedia& found) {
  static const std::regex kProduct(R"(^\S+\s+(\S+)\s+([0-9][0-9.]*)(?:-\S*)?\s*$)");
  static const std::regex kArchitecture(R"(-(x86_64|aarch64|ppc64le|s390x)\b)");
  std::smatch parts;
  const auto line = media_text(products);
  if (std::regex_match(line, parts, kProduct)) {
    if (found.product.empty()) found.product = parts[1];
    if (found.version.empty()) found.version = parts[2];
  }
  const auto build_line = media_text(build);
  if (found.product.empty()) found.product = build_line;
  if (found.architecture.empty() && std::regex_search(build_line, parts, kArchitecture)) {
    found.architecture = parts[1];
  }
}

void read_treeinfo(const TreeInfo& tree, InstallerMedia& found) {
  const auto value = [&](const char* name) { return media_text(treeinfo_value(tree, name)); };
  found.product = value("release/name");
  if (found.product.empty()) found.product = value("general/family");
  found.version = value("release/version");
  if (found.version.empty()) found.version = value("general/version");
  auto architecture = value("tree/arch");
  if (architecture.empty()) architecture = value("general/arch");
  found.architecture = common_architecture(architecture);
  const auto images = "images-" + to_lower(architecture) + "/";
  found.kernel = treeinfo_value(tree, images + "kernel");
  found.initrd = treeinfo_value(tree, images + "initrd");
}

bool is_suse(std::string_view product) {
  const auto lower = to_lower(product);
  return lower.find("suse") != std::string::npos || lower.starts_with("sle");
}

/// Kernel and initramfs that the metadata names must be there.
void drop_missing_boot_files(const MediaReader& media, InstallerMedia& found) {
  if (has_file(media, found.kernel) && has_file(media, found.initrd)) return;
  found.kernel.clear();
  found.initrd.clear();
}

}  // namespace

Result<bool> recognize_debian(MediaReader& media, InstallerMedia& found) {
  if (!has_file(media, ".disk/info")) return false;
  KILN_TRY_ASSIGN(const auto info, read_media_file(media, ".disk/info"));
  read_disk_info(media_text(info), found);
  const bool ubuntu = found.product.starts_with("Ubuntu");
  found.family = ubuntu ? InstallerFamily::kUbuntu : InstallerFamily::kDebian;
  if (ubuntu) {
    find_boot_pair(media,
                   {{"casper/vmlinuz", "casper/initrd"},
                    {"casper/vmlinuz", "casper/initrd.gz"},
                    {"casper/hwe-vmlinuz", "casper/hwe-initrd"}},
                   found);
    found.complete = has_below(media, "casper/", ".squashfs");
    return true;
  }
  find_boot_pair(media,
                 {{"install.amd/vmlinuz", "install.amd/initrd.gz"},
                  {"install.a64/vmlinuz", "install.a64/initrd.gz"},
                  {"install/vmlinuz", "install/initrd.gz"},
                  {"linux", "initrd.gz"}},
                 found);
  // What the base system is made of; without it the installer wants a mirror.
  found.complete = has_file(media, ".disk/base_installable") && has_below(media, "pool/", ".deb");
  return true;
}

Result<bool> recognize_suse(MediaReader& media, InstallerMedia& found) {
  KILN_TRY_ASSIGN(const auto tree_text, read_if_there(media, ".treeinfo"));
  KILN_TRY_ASSIGN(const auto build, read_if_there(media, "media.1/media"));
  KILN_TRY_ASSIGN(const auto products, read_if_there(media, "media.1/products"));
  if (build.empty() && products.empty() && tree_text.empty()) return false;
  InstallerMedia suse = found;
  read_treeinfo(parse_treeinfo(tree_text), suse);
  read_suse_media(build, products, suse);
  if (!is_suse(suse.product) && !is_suse(media_text(build))) return false;
  suse.family = InstallerFamily::kSuse;
  drop_missing_boot_files(media, suse);
  if (suse.kernel.empty()) {
    find_boot_pair(media,
                   {{"boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"},
                    {"boot/aarch64/linux", "boot/aarch64/initrd"}},
                   suse);
  }
  suse.complete = has_below(media, "", ".rpm");
  found = std::move(suse);
  return true;
}

Result<bool> recognize_red_hat(MediaReader& media, InstallerMedia& found) {
  KILN_TRY_ASSIGN(const auto tree_text, read_if_there(media, ".treeinfo"));
  KILN_TRY_ASSIGN(const auto disc_text, read_if_there(media, ".discinfo"));
  if (tree_text.empty() && disc_text.empty()) return false;
  found.family = InstallerFamily::kRedHat;
  read_treeinfo(parse_treeinfo(tree_text), found);
  // A time, the release's name and its version, the architecture.
  const auto lines = split_lines(disc_text);
  if (found.product.empty() && lines.size() >= 2) {
    static const std::regex kRelease(R"(^(.*?)\s+([0-9][0-9.]*)$)");
    std::smatch parts;
    const auto line = media_text(lines[1]);
    found.product = line;
    if (std::regex_match(line, parts, kRelease)) {
      found.product = parts[1];
      found.version = parts[2];
    }
  }
  if (found.architecture.empty() && lines.size() >= 3) {
    found.architecture = common_architecture(media_text(lines[2]));
  }
  drop_missing_boot_files(media, found);
  if (found.kernel.empty()) {
    find_boot_pair(media, {{"images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"}}, found);
  }
  found.complete = has_below(media, "", ".rpm");
  return true;
}

}  // namespace kiln
