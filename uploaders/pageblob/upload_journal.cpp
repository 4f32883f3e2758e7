#include "uploaders/pageblob/upload_journal.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "uploaders/pageblob/crc64.h"

namespace kiln {
namespace {

constexpr auto kSyncEvery = std::chrono::seconds(30);
/// 8 TiB in requests of 64 KiB would be more; what does not fit is sent again.
constexpr std::uint64_t kLargestJournal = 512 * kMiB;
constexpr std::string_view kFormat = "1";
constexpr std::string_view kComplete = "complete";
constexpr int kHex = 16;

std::string checksum(std::string_view text) {
  return fmt::format("{:016x}", crc64(std::as_bytes(std::span(text))));
}

std::optional<std::uint64_t> number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A line without its checksum; nothing where that is wrong.
std::optional<std::string_view> content_of(std::string_view line) {
  const auto cut = line.rfind(' ');
  if (cut == std::string_view::npos || checksum(line.substr(0, cut)) != line.substr(cut + 1)) {
    return std::nullopt;
  }
  return line.substr(0, cut);
}

Error journal_error(std::string_view verb, const std::filesystem::path& path) {
  return fail(ErrorKind::kIo,
              "Upload:Journal",
              "cannot {} the upload's journal {}: {}",
              verb,
              path.string(),
              strerror(errno));
}

}  // namespace

Result<UploadJournal> UploadJournal::open(const std::filesystem::path& path,
                                          const UploadIdentity& identity) {
  if (path.empty()) return UploadJournal({}, {}, identity);
  KILN_TRY(make_directories(path.parent_path()));
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return journal_error("open", path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorKind::kIo,
                "Upload:Busy",
                "another process is uploading to {} ({} is locked)",
                identity.blob,
                path.string())
        .cure("wait until it has ended");
  }
  UploadJournal journal(path, std::move(file), identity);
  KILN_TRY(journal.read());
  return journal;
}

Result<void> UploadJournal::read() {
  KILN_TRY_ASSIGN(const auto text, read_file(path_, kLargestJournal));
  std::size_t good = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', good)) {
    if (!read_line(std::string_view(text).substr(good, end - good))) break;
    good = end + 1;
  }
  if (::ftruncate(file_.get(), static_cast<off_t>(good)) != 0) return journal_error("cut", path_);
  return {};
}

/// False where the line is damaged, or is about another upload.
bool UploadJournal::read_line(std::string_view line) {
  const auto content = content_of(line);
  if (!content) return false;
  const auto words = split(*content, ' ');
  if (words[0] == "upload" && words.size() == 5) {
    const auto mark = number(words[2], kHex);
    const auto size = number(words[3]);
    const bool ours = words[1] == kFormat && mark && size &&
                      UploadIdentity{std::string(words[4]), *size} == identity_;
    if (ours) mark_ = mark;
    return ours;
  }
  if (*content == kComplete) return mark_.has_value();
  if (words[0] != "page" || words.size() != 4 || !mark_) return false;
  const auto offset = number(words[1]);
  const auto length = number(words[2]);
  const auto crc = number(words[3], kHex);
  if (!offset || !length || !crc) return false;
  sent_[*offset] = {*length, *crc};
  return true;
}

bool UploadJournal::is_complete(const std::filesystem::path& path, std::uint64_t size) {
  const auto text = read_file(path, kLargestJournal);
  if (!text) return false;
  const auto lines = split(*text, '\n');  // the last one is what follows the last end of a line
  if (lines.size() < 3 || content_of(lines[lines.size() - 2]) != kComplete) return false;
  const auto first = content_of(lines.front());
  const auto words = first ? split(*first, ' ') : std::vector<std::string>();
  return words.size() == 5 && words[0] == "upload" && words[1] == kFormat &&
         number(words[3]) == size;
}

Result<void> UploadJournal::append(std::string line) {
  line += " " + checksum(line) + "\n";
  // One write of a line at the end: other threads' lines and a kill come before it or after it.
  const auto written = ::write(file_.get(), line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) return journal_error("write", path_);
  return {};
}

Result<void> UploadJournal::begin(std::uint64_t mark) {
  mark_ = mark;
  sent_.clear();
  if (!kept()) return {};
  if (::ftruncate(file_.get(), 0) != 0) return journal_error("empty", path_);
  KILN_TRY(append(
      fmt::format("upload {} {:016x} {} {}", kFormat, mark, identity_.size, identity_.blob)));
  const UniqueFd folder(::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::fsync(file_.get()) != 0 || !folder || ::fsync(folder.get()) != 0) {
    return journal_error("write through", path_);
  }
  return {};
}

void UploadJournal::keep_only(const PageRangeSet& there) {
  std::erase_if(sent_, [&](const auto& item) {
    const auto& [offset, sent] = item;
    return there.within(offset, offset + sent.length).bytes() != sent.length;
  });
}

bool UploadJournal::has(const PageRange& pages, std::uint64_t crc) const {
  const auto found = sent_.find(pages.offset);
  return found != sent_.end() && found->second.length == pages.length && found->second.crc == crc;
}

void UploadJournal::add(const PageRange& pages, std::uint64_t crc) {
  if (!kept()) return;
  const std::lock_guard lock(writing_->mutex);
  if (!writing_->trouble.empty()) return;
  const auto added = append(fmt::format("page {} {} {:016x}", pages.offset, pages.length, crc));
  if (!added) writing_->trouble = added.error().summary();
  const auto now = std::chrono::steady_clock::now();
  if (now - writing_->synced < kSyncEvery) return;
  writing_->synced = now;
  ::fdatasync(file_.get());
}

std::string UploadJournal::trouble() const {
  const std::lock_guard lock(writing_->mutex);
  return writing_->trouble;
}

void UploadJournal::complete() {
  if (!kept()) return;
  const std::lock_guard lock(writing_->mutex);
  if (auto noted = append(std::string(kComplete)); !noted) {
    writing_->trouble = noted.error().summary();
  }
}

void UploadJournal::remove() {
  if (kept()) ::unlink(path_.c_str());
}

}  // namespace kiln
