#include "customizers/windows_update/windows_update.h"

#include <array>

#include "customizers/script_source.h"
#include "customizers/windows_step.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::int64_t kDefaultLimit = 1000;

constexpr std::array kFields = {
    kStepNameField,
    Field{.name = "searchCriteria",
          .help = "criteria of the update search",
          .since = ApiVersion::k2020},
    Field{.name = "filters",
          .kind = FieldKind::kStrings,
          .help = "include: and exclude: expressions; the first that holds decides",
          .since = ApiVersion::k2020},
    Field{.name = "updateLimit",
          .kind = FieldKind::kInteger,
          .help = "most updates of one round; 0 is 1000",
          .since = ApiVersion::k2020},
};

/// A WindowsUpdate customizer as the template gives it.
struct UpdateOptions {
  std::string criteria = "BrowseOnly=0 and IsInstalled=0";
  std::vector<std::string> filters = {"include:$true"};
  std::int64_t limit = kDefaultLimit;
};

class WindowsUpdateStep : public WindowsStep {
 public:
  WindowsUpdateStep(const Record& record, UpdateOptions options)
      : WindowsStep(record), options_(std::move(options)) {}

  [[nodiscard]] std::string describe() const override {
    return fmt::format("search {}, {} filter{}, at most {} a round",
                       printable(options_.criteria, 80),
                       options_.filters.size(),
                       options_.filters.size() == 1 ? "" : "s",
                       options_.limit);
  }

 private:
  UpdateOptions options_;
};

void check_filters(const Record& record, const ContractContext& context) {
  const auto places = record.at("filters").items();
  if (!places) return;  // they are strings, as was checked
  for (const auto& place : *places) {
    const auto text = to_lower(trim(place.value().get_ref<const std::string&>()));
    if (text.starts_with("include:") || text.starts_with("exclude:")) continue;
    context.warning(place,
                    "WindowsUpdate:FilterWithoutAction",
                    "this filter neither includes nor excludes, so it selects nothing",
                    "start it with include: or exclude:");
  }
}

}  // namespace

constexpr RecordType kWindowsUpdateType{.name = "WindowsUpdate",
                                        .help = "updates Windows; planned, not yet run",
                                        .fields = kFields,
                                        .discriminated = true,
                                        .since = ApiVersion::k2020,
                                        .planned = true};

Result<std::unique_ptr<Customizer>> parse_windows_update(const Record& record,
                                                         const ContractContext& context) {
  UpdateOptions options;
  if (const auto text = record.text("searchCriteria"); !text.empty()) options.criteria = text;
  if (record.has("filters")) {
    check_filters(record, context);
    if (auto filters = record.texts("filters"); !filters.empty()) options.filters = filters;
  }
  if (const auto limit = record.integer("updateLimit", 0); limit > 0) options.limit = limit;
  return std::make_unique<WindowsUpdateStep>(record, std::move(options));
}

}  // namespace kiln
