// What discs say of themselves: one metadata file of a disc, chosen by the first byte.
#include <cstdint>

#include "disk/media/families.h"

namespace {

using namespace kiln;  // NOLINT

constexpr const char* kPaths[] = {".disk/info",
                                  ".treeinfo",
                                  ".discinfo",
                                  "media.1/media",
                                  "media.1/products",
                                  "sources/install.wim"};

class OneFile : public MediaReader {
 public:
  OneFile(const char* path, Bytes contents) : contents_(contents) {
    files_[path] = {contents.size(), path};
  }
  [[nodiscard]] std::string_view file_system() const override { return "fuzz"; }
  [[nodiscard]] const MediaFiles& files() const override { return files_; }
  Result<void> read(const MediaFile& /*file*/,
                    std::uint64_t offset,
                    std::uint64_t size,
                    const MediaSink& sink) override {
    if (offset >= contents_.size()) return {};
    return sink(contents_.subspan(offset, std::min(size, contents_.size() - offset)));
  }

 private:
  Bytes contents_;
  MediaFiles files_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto contents = std::as_bytes(std::span(data, size)).subspan(1);
  OneFile media(kPaths[data[0] % std::size(kPaths)], contents);
  for (auto* recognize : {recognize_windows, recognize_debian, recognize_suse, recognize_red_hat}) {
    InstallerMedia found;
    const auto known = recognize(media, found);
    if (!known) {
      KILN_CHECK(!known.error().message().empty());
      continue;
    }
    KILN_CHECK(*known == (found.family != InstallerFamily::kUnknown));
    for (const auto& text : {found.product, found.version, found.codename, found.architecture}) {
      KILN_CHECK(text.find_first_of("\n\r\x1b") == std::string::npos);
    }
  }
  return 0;
}
