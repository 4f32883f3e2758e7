#include "disk/inspect/windows/registry_facts.h"

#include <charconv>

#include "disk/inspect/windows/registry_text.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// The first build of Windows 11, whose ProductName still says Windows 10.
constexpr int kFirstWindows11 = 22000;

/// Reads one hive after the other; what is absent or of another type reads as empty.
class Reader {
 public:
  explicit Reader(Hive& hive) : hive_(hive) {}

  Result<std::string> text(const std::string& key, const std::string& name) {
    KILN_TRY_ASSIGN(const auto value, hive_.value(key, name));
    return value ? text_of(*value).value_or("") : "";
  }
  Result<std::vector<std::string>> texts(const std::string& key, const std::string& name) {
    KILN_TRY_ASSIGN(const auto value, hive_.value(key, name));
    return value ? texts_of(*value) : std::vector<std::string>();
  }
  Result<std::optional<std::uint32_t>> number(const std::string& key, const std::string& name) {
    KILN_TRY_ASSIGN(const auto value, hive_.value(key, name));
    return value ? number_of(*value) : std::nullopt;
  }

 private:
  Hive& hive_;
};

Result<void> read_system(Hive& hive, const std::string& path, WindowsFacts& facts) {
  Reader reader(hive);
  KILN_TRY_ASSIGN(const auto current, reader.number("Select", "Current"));
  // Windows numbers its sets with three digits.
  constexpr std::uint32_t kLastSet = 999;
  const auto set = fmt::format("ControlSet{:03}", current.value_or(0));
  KILN_TRY_ASSIGN(const auto there, hive.has_key(set));
  if (!current || *current > kLastSet || !there) {
    return fail(ErrorKind::kCorruptImage,
                "Windows:ControlSet",
                "the value Select\\Current does not name a control set that is there")
        .at(path)
        .cure("start the image once and shut it down, or take another image");
  }
  facts.control_set = set;
  const auto control = set + "\\Control";
  const auto manager = control + "\\Session Manager";
  KILN_TRY_ASSIGN(facts.computer_name,
                  reader.text(control + "\\ComputerName\\ComputerName", "ComputerName"));
  KILN_TRY_ASSIGN(facts.architecture,
                  reader.text(manager + "\\Environment", "PROCESSOR_ARCHITECTURE"));
  KILN_TRY_ASSIGN(facts.page_files, reader.texts(manager + "\\Memory Management", "PagingFiles"));
  KILN_TRY_ASSIGN(const auto hibernation, reader.number(control + "\\Power", "HibernateEnabled"));
  KILN_TRY_ASSIGN(const auto fast, reader.number(manager + "\\Power", "HiberbootEnabled"));
  facts.hibernation = hibernation.value_or(0) != 0;
  facts.fast_start_up = facts.hibernation && fast.value_or(0) != 0;
  KILN_TRY_ASSIGN(const auto renames, reader.texts(manager, "PendingFileRenameOperations"));
  if (!renames.empty()) facts.pending_restart.emplace_back("files are to be renamed");
  return {};
}

Result<void> read_software(Hive& hive, WindowsFacts& facts) {
  Reader reader(hive);
  const std::string version = "Microsoft\\Windows NT\\CurrentVersion";
  const std::string windows = "Microsoft\\Windows\\CurrentVersion";
  KILN_TRY_ASSIGN(facts.product, reader.text(version, "ProductName"));
  KILN_TRY_ASSIGN(facts.edition, reader.text(version, "EditionID"));
  KILN_TRY_ASSIGN(facts.installation, reader.text(version, "InstallationType"));
  KILN_TRY_ASSIGN(facts.build, reader.text(version, "CurrentBuildNumber"));
  KILN_TRY_ASSIGN(facts.release, reader.text(version, "DisplayVersion"));
  if (facts.release.empty()) {
    KILN_TRY_ASSIGN(facts.release, reader.text(version, "ReleaseId"));
  }
  KILN_TRY_ASSIGN(const auto major, reader.number(version, "CurrentMajorVersionNumber"));
  KILN_TRY_ASSIGN(const auto minor, reader.number(version, "CurrentMinorVersionNumber"));
  KILN_TRY_ASSIGN(const auto revision, reader.number(version, "UBR"));
  // Before Windows 10 there is only a text, which says 6.3 ever since.
  KILN_TRY_ASSIGN(const auto before_ten, reader.text(version, "CurrentVersion"));
  facts.version = fmt::format("{}.{}.{}",
                              major ? fmt::format("{}.{}", *major, minor.value_or(0)) : before_ten,
                              facts.build,
                              revision.value_or(0));
  int build = 0;
  std::from_chars(facts.build.data(), facts.build.data() + facts.build.size(), build);
  constexpr std::string_view kTen = "Windows 10";
  if (build >= kFirstWindows11 && facts.product.starts_with(kTen)) {
    facts.product = "Windows 11" + facts.product.substr(kTen.size());
  }
  KILN_TRY_ASSIGN(facts.image_state, reader.text(windows + "\\Setup\\State", "ImageState"));
  KILN_TRY_ASSIGN(const auto servicing,
                  hive.has_key(windows + "\\Component Based Servicing\\RebootPending"));
  if (servicing) facts.pending_restart.emplace_back("components are being serviced");
  KILN_TRY_ASSIGN(const auto update,
                  hive.has_key(windows + "\\WindowsUpdate\\Auto Update\\RebootRequired"));
  if (update) facts.pending_restart.emplace_back("updates were installed");
  return {};
}

}  // namespace

Result<void> read_registry(Hives& hives,
                           const std::string& system,
                           const std::string& software,
                           WindowsFacts& facts) {
  {
    KILN_TRY_ASSIGN(const auto hive, hives.open(system, Hives::Access::kRead));
    KILN_TRY(read_system(*hive, system, facts));
  }
  KILN_TRY_ASSIGN(const auto hive, hives.open(software, Hives::Access::kRead));
  return read_software(*hive, facts);
}

}  // namespace kiln
