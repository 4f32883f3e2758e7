#include "disk/extents/mapped_source.h"

#include <algorithm>
#include <fstream>

#include "disk/extents/extent_map.h"
#include "disk/extents/nbd_source.h"
#include "engine/core/file.h"
#include "engine/core/json.h"
#include "engine/core/temp_dir.h"

namespace kiln {
namespace {

/// A run of bytes that lies in one piece, or reads as zeros, or is for qemu to find.
struct Piece {
  static constexpr std::int32_t kZero = -1;
  static constexpr std::int32_t kUnmapped = -2;

  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t file_offset = 0;
  std::int32_t file = kZero;  ///< index of the file, or one of the above

  [[nodiscard]] std::uint64_t end() const { return offset + length; }
};

Error bad_map(std::string_view line) {
  return fail(ErrorKind::kIo, "Disk:Map", "qemu-img map said something unexpected: {}", line)
      .cure("install the qemu-utils of your distribution");
}

/// One line of `qemu-img map --output=json`, which writes an array with one object a line.
Result<Piece> parse_piece(std::string_view line, std::size_t files) {
  const auto begin = line.find('{');
  const auto end = line.rfind('}');
  if (begin == std::string_view::npos || end == std::string_view::npos) return bad_map(line);
  const auto object = nlohmann::json::parse(
      line.substr(begin, end + 1 - begin), nullptr, /*allow_exceptions=*/false);
  const auto number = [&](const char* name) -> std::optional<std::uint64_t> {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
  };
  const auto flag = [&](const char* name) {
    const auto found = object.find(name);
    return found != object.end() && *found == true;
  };
  if (!object.is_object()) return bad_map(line);
  const auto start = number("start");
  const auto length = number("length");
  const auto depth = number("depth");
  if (!start || !length || !depth) return bad_map(line);
  Piece piece{*start, *length, 0, Piece::kZero};
  if (flag("zero")) return piece;
  const auto place = number("offset");
  const bool mapped = place && !flag("compressed") && *depth < files;
  piece.file = mapped ? static_cast<std::int32_t>(*depth) : Piece::kUnmapped;
  piece.file_offset = place.value_or(0);
  return piece;
}

Result<std::vector<Piece>> parse_map(const std::filesystem::path& path, std::size_t files) {
  std::ifstream map(path);
  std::vector<Piece> pieces;
  std::uint64_t end = 0;
  for (std::string line; std::getline(map, line);) {
    if (line.find('{') == std::string::npos) continue;  // the array's closing bracket
    KILN_TRY_ASSIGN(const auto piece, parse_piece(line, files));
    if (piece.offset != end || piece.length == 0) return bad_map(line);
    end = piece.end();
    pieces.push_back(piece);
  }
  if (pieces.empty()) return bad_map("nothing");
  return pieces;
}

Result<std::vector<Piece>> map_disk(ProcessRunner& runner,
                                    const std::string& node,
                                    std::size_t files,
                                    const std::filesystem::path& folder,
                                    const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto private_folder, TempDir::create(folder));
  Command command;
  command.argv = {"qemu-img", "map", "--output=json", node};
  // A line for each extent, of which a fragmented disk has hundreds of thousands.
  command.output_file = private_folder.path() / "map.json";
  KILN_TRY(run_checked(runner, command, cancel));
  return parse_map(command.output_file, files);
}

class MappedSource : public BlockSource {
 public:
  struct File {
    UniqueFd fd;
    std::filesystem::path path;
  };

  MappedSource(std::vector<Piece> pieces,
               std::vector<File> files,
               std::unique_ptr<BlockSource> through_qemu)
      : pieces_(std::move(pieces)),
        files_(std::move(files)),
        through_qemu_(std::move(through_qemu)) {}

  [[nodiscard]] std::uint64_t size() const override { return pieces_.back().end(); }

  Result<std::vector<Extent>> extents() override {
    ExtentMap map;
    for (const auto& piece : pieces_) map.add(piece.length, piece.file == Piece::kZero);
    return map.take();
  }

  Result<void> read(std::uint64_t offset, MutableBytes buffer) override {
    KILN_CHECK(offset <= size() && buffer.size() <= size() - offset);
    auto piece = std::ranges::upper_bound(pieces_, offset, {}, &Piece::offset) - 1;
    while (!buffer.empty()) {
      const auto part = buffer.first(std::min<std::size_t>(buffer.size(), piece->end() - offset));
      KILN_TRY(read_piece(*piece, offset, part));
      buffer = buffer.subspan(part.size());
      offset += part.size();
      ++piece;
    }
    return {};
  }

 private:
  Result<void> read_piece(const Piece& piece, std::uint64_t offset, MutableBytes buffer) {
    if (piece.file == Piece::kZero) {
      std::ranges::fill(buffer, std::byte{0});
      return {};
    }
    if (piece.file == Piece::kUnmapped) return through_qemu_->read(offset, buffer);
    const auto& file = files_[static_cast<std::size_t>(piece.file)];
    return pread_exactly(
        file.fd.get(), buffer, piece.file_offset + (offset - piece.offset), file.path);
  }

  std::vector<Piece> pieces_;  ///< ascending, adjacent, at least one
  std::vector<File> files_;
  std::unique_ptr<BlockSource> through_qemu_;  ///< null where nothing is unmapped
};

}  // namespace

Result<std::unique_ptr<BlockSource>> open_mapped_source(
    ProcessRunner& runner,
    const std::string& node,
    const std::vector<std::filesystem::path>& files,
    const std::filesystem::path& folder,
    const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto pieces, map_disk(runner, node, files.size(), folder, cancel));
  std::vector<MappedSource::File> opened;
  for (const auto& path : files) {
    KILN_TRY_ASSIGN(auto fd, open_read_only(path));
    opened.push_back({std::move(fd), path});
  }
  std::unique_ptr<BlockSource> through_qemu;
  if (std::ranges::find(pieces, Piece::kUnmapped, &Piece::file) != pieces.end()) {
    KILN_TRY_ASSIGN(through_qemu, open_nbd_source(runner, node, folder, cancel));
  }
  return std::unique_ptr<BlockSource>(std::make_unique<MappedSource>(
      std::move(pieces), std::move(opened), std::move(through_qemu)));
}

}  // namespace kiln
