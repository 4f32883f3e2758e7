#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/agent/session/removed_paths.h"
#include "engine/agent/windows/jobs.h"
#include "engine/agent/windows/text.h"
#include "engine/agent/windows/wildcard.h"

namespace kiln::agent {
namespace {

/// The entries of a folder, without the two that stand for itself and the one above.
class Listing {
 public:
  explicit Listing(const std::wstring& folder)
      : handle_(::FindFirstFileExW((folder + L"\\*").c_str(),
                                   FindExInfoBasic,
                                   &entry_,
                                   FindExSearchNameMatch,
                                   nullptr,
                                   0)) {
    fresh_ = handle_ != INVALID_HANDLE_VALUE;
  }
  Listing(Listing&& other) noexcept
      : entry_(other.entry_),
        handle_(std::exchange(other.handle_, INVALID_HANDLE_VALUE)),
        fresh_(other.fresh_) {}
  Listing& operator=(Listing&&) = delete;
  ~Listing() {
    if (handle_ != INVALID_HANDLE_VALUE) ::FindClose(handle_);
  }

  /// Valid until the next call; null at the end.
  const WIN32_FIND_DATAW* next() {
    while (handle_ != INVALID_HANDLE_VALUE) {
      if (!std::exchange(fresh_, false) && ::FindNextFileW(handle_, &entry_) == FALSE) break;
      const std::wstring_view name = entry_.cFileName;
      if (name != L"." && name != L"..") return &entry_;
    }
    return nullptr;
  }

 private:
  WIN32_FIND_DATAW entry_{};
  HANDLE handle_;
  bool fresh_;
};

bool has(DWORD attributes, DWORD wanted) {
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & wanted) != 0;
}

/// A folder to go into. Junctions, symbolic links and mounted volumes are entries of where they
/// stand: removing one leaves what it leads to.
bool is_real_folder(DWORD attributes) {
  return has(attributes, FILE_ATTRIBUTE_DIRECTORY) &&
         !has(attributes, FILE_ATTRIBUTE_REPARSE_POINT);
}

/// `C:\a\b*` as its drive's root and the parts below. Trees are often deeper than MAX_PATH.
struct Pattern {
  std::wstring root = std::wstring(kLongPrefix);
  std::vector<std::wstring> parts;

  explicit Pattern(std::wstring_view path) {
    if (path.substr(0, kLongPrefix.size()) == kLongPrefix) path.remove_prefix(kLongPrefix.size());
    const auto drive = path.substr(0, path.find(L'\\'));
    root += drive;
    for (auto rest = path.substr(drive.size()); !rest.empty();) {
      rest.remove_prefix(1);
      const auto part = rest.substr(0, rest.find(L'\\'));
      rest.remove_prefix(part.size());
      if (!part.empty()) parts.emplace_back(part);
    }
  }
  /// It names what cannot be taken out of its folder, or leads somewhere else than it seems.
  [[nodiscard]] bool is_refused() const {
    return parts.empty() || std::any_of(parts.begin(), parts.end(), [](const auto& part) {
             return part == L"." || part == L"..";
           });
  }
};

/// Links before the first wildcard are followed as everywhere, but none after it, so a match is
/// always where it seems to be.
void expand(const Pattern& pattern,
            const std::wstring& folder,
            std::size_t index,
            bool wild_above,
            std::vector<std::wstring>& found) {
  const bool wild = is_wild(pattern.parts[index]);
  const auto visit = [&](const std::wstring& name) {
    const auto path = folder + L"\\" + name;
    const auto attributes = ::GetFileAttributesW(path.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) return;
    if (index + 1 == pattern.parts.size()) return found.push_back(path);
    const bool enter =
        wild || wild_above ? is_real_folder(attributes) : has(attributes, FILE_ATTRIBUTE_DIRECTORY);
    if (enter) expand(pattern, path, index + 1, wild || wild_above, found);
  };
  if (!wild) return visit(pattern.parts[index]);
  Listing listing(folder);
  while (const auto* entry = listing.next()) {
    if (matches(pattern.parts[index], entry->cFileName)) visit(entry->cFileName);
  }
}

class RemoveJob final : public Job {
 public:
  RemoveJob(std::uint32_t request, const RemoveRequest& remove)
      : request_(request), removed_(request) {
    const auto path = windows_path(remove.pattern);
    if (!path) {
      error_ = no_windows_path("remove", remove.pattern);
      return;
    }
    const Pattern pattern(*path);
    if (pattern.is_refused()) {
      code_ = ErrorCode::kDenied;
      error_ = "refusing to remove " + remove.pattern;
      return;
    }
    expand(pattern, pattern.root, 0, false, matches_);
    // Taken off the back.
    std::sort(matches_.begin(), matches_.end(), std::greater<>());
  }

  int watch(Waits& /*waits*/, const Outbox& outbox) override { return outbox.has_room() ? 0 : -1; }

  bool advance(Outbox& outbox) override {
    constexpr int kSlice = 256;  // then cancels and pings get their turn
    for (int i = 0; i < kSlice && error_.empty(); ++i) {
      if (!levels_.empty()) {
        descend();
      } else if (!matches_.empty()) {
        current_ = std::move(matches_.back());
        matches_.pop_back();
        if (take(current_, ::GetFileAttributesW(current_.c_str()))) told();
      } else {
        removed_.tell(outbox);
        outbox.add(FrameType::kDone, request_, {});
        return true;
      }
    }
    if (removed_.fill_a_frame()) removed_.tell(outbox);
    if (error_.empty()) return false;
    removed_.tell(outbox);
    outbox.add(FrameType::kError, request_, error_payload(code_, error_));
    return true;
  }

  void cancel() override {
    code_ = ErrorCode::kCancelled;
    error_ = "cancelled while removing";
  }

 private:
  /// A folder being emptied.
  struct Level {
    std::wstring path;
    Listing listing;
  };

  /// Goes into a folder, or removes anything else.
  /// @return whether it is gone
  bool take(const std::wstring& path, DWORD attributes) {
    if (attributes == INVALID_FILE_ATTRIBUTES) return false;  // somebody else removed it
    if (!is_real_folder(attributes)) return erase(path, attributes);
    levels_.push_back({path, Listing(path)});
    return false;
  }

  void descend() {
    auto& level = levels_.back();
    if (const auto* entry = level.listing.next()) {
      take(level.path + L"\\" + entry->cFileName, entry->dwFileAttributes);
      return;
    }
    const auto path = level.path;
    levels_.pop_back();  // an open listing keeps its folder
    if (erase(path, ::GetFileAttributesW(path.c_str())) && levels_.empty()) told();
  }

  bool erase(const std::wstring& path, DWORD attributes) {
    if (attributes == INVALID_FILE_ATTRIBUTES) return true;
    if (has(attributes, FILE_ATTRIBUTE_READONLY)) {
      ::SetFileAttributesW(path.c_str(), attributes & ~static_cast<DWORD>(FILE_ATTRIBUTE_READONLY));
    }
    const auto gone = has(attributes, FILE_ATTRIBUTE_DIRECTORY) ? ::RemoveDirectoryW(path.c_str())
                                                                : ::DeleteFileW(path.c_str());
    const auto error = gone == FALSE ? ::GetLastError() : ERROR_SUCCESS;
    if (error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND) return true;
    code_ = error_code(error);
    error_ = failure("remove", host_path(path), error);
    return false;
  }

  void told() { removed_.add(host_path(current_)); }

  std::uint32_t request_;
  std::vector<std::wstring> matches_;
  std::wstring current_;
  std::vector<Level> levels_;
  RemovedPaths removed_;
  ErrorCode code_ = ErrorCode::kIo;
  std::string error_;
};

}  // namespace

std::unique_ptr<Job> make_remove_job(std::uint32_t request, const RemoveRequest& remove) {
  return std::make_unique<RemoveJob>(request, remove);
}

}  // namespace kiln::agent
