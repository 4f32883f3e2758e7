// Windows discs: what can be installed stands as XML in the header of sources/install.wim or .esd.
#include <algorithm>
#include <array>

#include <pugixml.hpp>

#include "disk/media/families.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

// The Windows Imaging format: a header of 208 bytes, with the place of the XML data (never
// compressed, UTF-16) as a resource: 7 bytes of size, flags, 8 bytes of offset.
constexpr std::string_view kWimMagic("MSWIM\0\0\0", 8);
constexpr std::string_view kPipableWimMagic("WLPWM\0\0\0", 8);
constexpr std::size_t kWimHeader = 208;
constexpr std::size_t kXmlResource = 72;
constexpr std::uint64_t kLargestXml = 16 * kMiB;
constexpr std::size_t kMostEditions = 256;

constexpr std::array kImages = {
    "sources/install.wim", "sources/install.esd", "sources/install.swm"};

Result<std::string> read_part(MediaReader& media,
                              const MediaFile& file,
                              std::uint64_t offset,
                              std::uint64_t size) {
  std::string part;
  KILN_TRY(media.read(file, offset, size, [&](Bytes data) -> Result<void> {
    part.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  }));
  return part;
}

Error damaged_wim(const MediaFile& file, std::string_view reason) {
  return fail(ErrorKind::kCorruptImage,
              "Media:DamagedWim",
              "{} on the disc is no Windows image: {}",
              file.stored,
              reason)
      .cure("copy or download the disc image again, and compare its SHA-256");
}

Result<std::string> read_xml(MediaReader& media, const MediaFile& file) {
  KILN_TRY_ASSIGN(const auto header, read_part(media, file, 0, kWimHeader));
  const auto magic = std::string_view(header).substr(0, kWimMagic.size());
  if (header.size() < kWimHeader || (magic != kWimMagic && magic != kPipableWimMagic)) {
    return damaged_wim(file, "it has no header");
  }
  const auto bytes = std::as_bytes(std::span(header));
  const auto size = read_le<std::uint64_t>(bytes, kXmlResource) & ((1ULL << 56) - 1);
  const auto offset = read_le<std::uint64_t>(bytes, kXmlResource + 8);
  if (size == 0 || size > kLargestXml || offset > file.size || size > file.size - offset) {
    return damaged_wim(file, "its description lies outside of it");
  }
  return read_part(media, file, offset, size);
}

std::string text_of(const pugi::xml_node& node, const char* path) {
  return media_text(node.first_element_by_path(path).text().get());
}

/// ProcessorArchitecture of the Windows API.
std::string architecture_of(const std::string& number) {
  if (number == "0") return "i686";
  if (number == "9") return "x86_64";
  if (number == "12") return "aarch64";
  return number;
}

WindowsEdition read_edition(const pugi::xml_node& image) {
  WindowsEdition edition;
  edition.index = image.attribute("INDEX").as_uint();
  edition.name = text_of(image, "NAME");
  edition.edition = text_of(image, "WINDOWS/EDITIONID");
  edition.kind = text_of(image, "WINDOWS/INSTALLATIONTYPE");
  edition.language = text_of(image, "WINDOWS/LANGUAGES/DEFAULT");
  edition.architecture = architecture_of(text_of(image, "WINDOWS/ARCH"));
  const auto version = image.first_element_by_path("WINDOWS/VERSION");
  if (version) {
    edition.version = fmt::format("{}.{}.{}",
                                  text_of(version, "MAJOR"),
                                  text_of(version, "MINOR"),
                                  text_of(version, "BUILD"));
  }
  return edition;
}

/// What people call a build; the image itself has only its number.
std::string product_of(const WindowsEdition& edition) {
  const auto build =
      std::strtoul(edition.version.substr(edition.version.rfind('.') + 1).c_str(), nullptr, 10);
  if (edition.kind == "Client") {
    if (build >= 22000) return "Windows 11";
    return build >= 10240 ? "Windows 10" : "Windows";
  }
  struct Release {
    unsigned long build;
    const char* name;
  };
  constexpr std::array kReleases = {Release{9600, "Windows Server 2012 R2"},
                                    Release{14393, "Windows Server 2016"},
                                    Release{17763, "Windows Server 2019"},
                                    Release{20348, "Windows Server 2022"},
                                    Release{26100, "Windows Server 2025"}};
  const auto* const release = std::find_if(
      kReleases.begin(), kReleases.end(), [&](const auto& one) { return one.build == build; });
  return release == kReleases.end() ? "Windows Server" : release->name;
}

}  // namespace

Result<bool> recognize_windows(MediaReader& media, InstallerMedia& found) {
  const MediaFile* file = nullptr;
  for (const auto* path : kImages) {
    const auto here = media.files().find(path);
    if (here != media.files().end()) file = &here->second;
    if (file != nullptr) break;
  }
  if (file == nullptr) return false;
  KILN_TRY_ASSIGN(const auto xml, read_xml(media, *file));
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) {
    return damaged_wim(*file, "its description is no XML");
  }
  for (const auto& image : document.child("WIM").children("IMAGE")) {
    if (found.editions.size() == kMostEditions) break;
    found.editions.push_back(read_edition(image));
  }
  if (found.editions.empty()) return damaged_wim(*file, "it describes nothing to install");
  const auto& first = found.editions.front();
  found.family = InstallerFamily::kWindows;
  found.product = product_of(first);
  found.version = first.version;
  found.architecture = first.architecture;
  found.complete = true;
  return true;
}

}  // namespace kiln
