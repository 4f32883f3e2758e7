#include "customizers/file/file_customizer.h"

#include <array>
#include <cctype>

#include "customizers/inputs.h"
#include "customizers/script_source.h"
#include "customizers/step_command.h"
#include "customizers/windows_command.h"
#include "customizers/windows_step.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// In the service the source is a download, so it has no mode of its own and arrives with the
/// default of a new file. Whoever needs more runs chmod in the next step, there as here.
constexpr unsigned kMode = 0644;

constexpr std::array kFields = {
    kStepNameField,
    Field{.name = "sourceUri",
          .help = "URI of the file",
          .required = true,
          .since = ApiVersion::k2019MayPreview},
    kChecksumField,
    Field{.name = "destination",
          .help = "absolute path of the file in the image",
          .required = true,
          .since = ApiVersion::k2019MayPreview},
};

constexpr std::array kHints = {
    Hint{.name = "source", .field = "sourceUri"},
    Hint{.name = "uri", .field = "sourceUri"},
};

/// `c:\folder\file`, `c:/folder/file` or `\folder\file`.
bool is_windows_path(std::string_view text) {
  if (text.starts_with('\\')) return true;
  return text.size() >= 3 && std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
         text[1] == ':' && (text[2] == '\\' || text[2] == '/');
}

class FileCustomizer : public Customizer {
 public:
  FileCustomizer(std::string name, StepInput source, std::string destination, std::string where)
      : name_(std::move(name)),
        source_(std::move(source)),
        destination_(std::move(destination)),
        where_(std::move(where)) {}

  [[nodiscard]] std::string_view type() const override { return "File"; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("{} -> {}", redact_url(source_.uri), destination_);
  }
  [[nodiscard]] std::vector<StepInput> inputs() const override { return {source_}; }
  [[nodiscard]] StepSystem system() const override {
    // `/folder/file` is as good in Windows.
    return is_windows_path(destination_) ? StepSystem::kWindows : StepSystem::kAny;
  }

  Result<void> run(const StepContext& context) const override {
    auto written = write(context);
    if (!written) return std::move(written).error().at(where_);
    return {};
  }

 private:
  [[nodiscard]] Result<void> write(const StepContext& context) const {
    KILN_TRY_ASSIGN(const auto path, fetched_input(context, source_));
    const bool windows =
        is_windows_path(destination_) || context.image_system == StepSystem::kWindows;
    KILN_TRY(check_place(context, windows));
    const auto guest_path = windows ? windows_guest_path(destination_) : destination_;
    KILN_TRY_WHILE(context.agent.put_file(path, guest_path, kMode, context.cancel),
                   "writing {} in the guest",
                   destination_);
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    emit_step_line(context,
                   GuestStream::kStdout,
                   fmt::format("wrote {} ({})", destination_, format_bytes(error ? 0 : size)));
    return {};
  }

  /// The commands that tell a folder and a missing parent by their exit codes.
  static constexpr int kIsFolder = 3;
  static constexpr int kNoParent = 4;

  [[nodiscard]] Result<GuestAnswer> look(const StepContext& context,
                                         const std::string& parent,
                                         bool windows) const {
    if (!windows) {
      return ask_guest(context.agent,
                       R"(if [ -d "$1" ]; then exit 3; fi; [ -d "$2" ] || exit 4)",
                       {destination_, parent},
                       context.cancel);
    }
    return ask_powershell(
        context.agent,
        fmt::format("if (Test-Path -LiteralPath {} -PathType Container) {{ exit 3 }}; "
                    "if (-not (Test-Path -LiteralPath {} -PathType Container)) {{ exit 4 }}",
                    powershell_literal(destination_),
                    powershell_literal(parent)),
        context.cancel);
  }

  /// Says what is wrong with the destination before anything is sent.
  [[nodiscard]] Result<void> check_place(const StepContext& context, bool windows) const {
    // With the separator, so that a drive's root is one.
    const auto end = destination_.find_last_of(windows ? "/\\" : "/") + 1;
    const auto parent = windows ? destination_.substr(0, end)
                                : std::filesystem::path(destination_).parent_path().string();
    KILN_TRY_ASSIGN(const auto answer, look(context, parent, windows));
    if (answer.code == kIsFolder) {
      return fail(ErrorKind::kGuestFailed,
                  "File:IsFolder",
                  "the destination {} is a folder in the image",
                  destination_)
          .cure("name the file itself, e.g. " + destination_ + (windows ? "\\" : "/") +
                "config.json");
    }
    if (answer.code == kNoParent) {
      return fail(ErrorKind::kGuestFailed,
                  "File:NoParent",
                  "the folder {} does not exist in the image",
                  parent)
          .cure(windows ? fmt::format("create it in a PowerShell step before this one: "
                                      "New-Item -ItemType Directory -Force {}",
                                      powershell_literal(parent))
                        : fmt::format("create it in a Shell step before this one: mkdir -p {}",
                                      parent));
    }
    return {};
  }

  std::string name_;
  StepInput source_;
  std::string destination_;
  std::string where_;
};

Result<std::string> parse_destination(const Record& record) {
  const auto& field = record.at("destination");
  auto destination = record.text("destination");
  const bool windows = is_windows_path(destination);
  if (!windows && !destination.starts_with('/')) {
    return field
        .error(
            "File:RelativeDestination",
            fmt::format("the destination \"{}\" is not an absolute path", printable(destination)))
        .expecting("an absolute path")
        .cure(R"(write a whole path, e.g. /tmp/config.json or c:\\temp\\config.json)");
  }
  if (destination.ends_with('/') || (windows && destination.ends_with('\\'))) {
    return field.error("File:FolderDestination", "the destination names a folder, not a file")
        .expecting("the path of a file")
        .cure("append the file's name: the service does not take it from sourceUri");
  }
  if (windows) return destination;
  for (const auto& part : split(destination, '/')) {
    if (part == "." || part == ".." || part.find('\0') != std::string::npos) {
      return field.error("File:BadDestination", "the destination is not a plain path")
          .expecting("a path without . and ..")
          .cure(R"(write it without "." and "..")");
    }
  }
  return destination;
}

}  // namespace

constexpr RecordType kFileType{.name = "File",
                               .help = "puts one file into the image",
                               .fields = kFields,
                               .hints = kHints,
                               .discriminated = true,
                               .since = ApiVersion::k2019MayPreview};

Result<std::unique_ptr<Customizer>> parse_file_customizer(const Record& record,
                                                          const ContractContext& context) {
  // Both may be wrong, and then both are said.
  auto destination = parse_destination(record);
  if (!destination && !record.has_told(destination.error())) context.add(destination.error());
  KILN_TRY_ASSIGN(auto source, parse_input(record, "sourceUri", context));
  return std::make_unique<FileCustomizer>(record.text("name"),
                                          std::move(source),
                                          destination ? *std::move(destination) : std::string(),
                                          record.place().where());
}

}  // namespace kiln
