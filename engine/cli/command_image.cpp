// `kiln image inspect|convert`
#include <fmt/format.h>

#include "disk/convert/fixed_vhd.h"
#include "disk/convert/open_image.h"
#include "disk/image/probe.h"
#include "disk/media/media_reader.h"
#include "engine/cli/inspect_contents.h"
#include "engine/cli/inspect_media.h"
#include "engine/cli/services.h"
#include "engine/core/temp_dir.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

Result<ExitCode> inspect(const std::filesystem::path& path, bool windows, Services& services) {
  const auto& settings = services.settings;
  if (is_media(path)) return print_media(path, settings);
  KILN_TRY_ASSIGN(const auto image, probe_image(path));
  const auto azure_size = azure_virtual_size(image.virtual_size);
  auto text = fmt::format(
      "Image      {}\nFormat     {}\nDisk size  {} ({} bytes)\nFile size  {} bytes, {} on disk\n",
      image.path.string(),
      to_string(image.format),
      format_bytes(image.virtual_size),
      image.virtual_size,
      image.file_size,
      format_bytes(image.allocated_size));
  if (image.format == DiskFormat::kFixedVhd && azure_size == image.virtual_size) {
    text += "Azure      a fixed VHD of whole MiB, as Azure takes it\n";
  } else {
    text += fmt::format(
        "Azure      needs a fixed VHD of whole MiB ({} bytes): `kiln image convert`\n", azure_size);
  }
  for (const auto& line : image.warnings) text += "Warning    " + line + "\n";
  nlohmann::json json = {{"path", image.path.string()},
                         {"format", to_string(image.format)},
                         {"virtualSize", image.virtual_size},
                         {"fileSize", image.file_size},
                         {"allocatedSize", image.allocated_size},
                         {"azureVirtualSize", azure_size},
                         {"warnings", image.warnings}};
  if (windows) {
    KILN_TRY_ASSIGN(auto contents, inspect_contents(image, services));
    text += contents.text;
    json["windows"] = std::move(contents.json);
  }
  print_result(settings, text, json);
  return ExitCode::kOk;
}

Result<ExitCode> convert(const std::filesystem::path& from,
                         const std::filesystem::path& to,
                         bool overwrite,
                         Services& services) {
  std::error_code error;
  if (!overwrite && std::filesystem::exists(to, error)) {
    return fail(ErrorKind::kIo, "Image:TargetExists", "{} exists", to.string())
        .cure("choose another name, or replace it with --overwrite");
  }
  if (std::filesystem::equivalent(from, to, error)) {
    return fail(ErrorKind::kIo, "Image:SameFile", "source and target are the same file");
  }
  KILN_TRY_ASSIGN(const auto image, probe_image(from));
  KILN_TRY_ASSIGN(const auto folder, TempDir::create());
  KILN_TRY_ASSIGN(auto source, open_image(*services.runner, image, folder.path(), services.cancel));
  auto display = make_display(services.settings);
  const auto progress = [&](std::uint64_t done, std::uint64_t total) {
    Event event;
    event.type = EventType::kProgress;
    event.message = "convert";
    event.progress = Progress{done, total, "bytes"};
    display->emit(event);
  };
  KILN_TRY_ASSIGN(const auto vhd, write_fixed_vhd(*source, to, services.cancel, progress));
  display.reset();
  print_result(services.settings,
               fmt::format("{}  fixed VHD, {}, {} of data\n",
                           vhd.path.string(),
                           format_bytes(vhd.virtual_size),
                           format_bytes(vhd.data_bytes)),
               {{"path", vhd.path.string()},
                {"virtualSize", vhd.virtual_size},
                {"dataBytes", vhd.data_bytes}});
  return ExitCode::kOk;
}

}  // namespace

void add_image_command(CLI::App& app, Services& services) {
  auto* image = app.add_subcommand("image", "Inspect and convert disk images");
  image->require_subcommand(1);
  auto from = std::make_shared<std::filesystem::path>();
  auto to = std::make_shared<std::filesystem::path>();
  auto overwrite = std::make_shared<bool>(false);

  auto* inspect_command =
      image->add_subcommand("inspect", "Format and sizes; of an installer's disc what is on it");
  inspect_command->add_option("image", *from, "VHD, VHDX, qcow2, raw or ISO")->required();
  auto windows = std::make_shared<bool>(false);
  inspect_command->add_flag(
      "--windows",
      *windows,
      "Look into the disk: which Windows is on it, and what keeps Kiln from building it");
  inspect_command->callback([&services, from, windows] {
    services.command = [&services, from, windows] { return inspect(*from, *windows, services); };
  });
  auto* convert_command = image->add_subcommand("convert", "Write an Azure-ready fixed VHD");
  convert_command->add_option("source", *from, "VHD, VHDX, qcow2 or raw")->required();
  convert_command->add_option("target", *to, "The VHD to write")->required();
  convert_command->add_flag("--overwrite", *overwrite, "Replace the target");
  convert_command->callback([&services, from, to, overwrite] {
    services.command = [&services, from, to, overwrite] {
      return convert(*from, *to, *overwrite, services);
    };
  });
}

}  // namespace kiln
