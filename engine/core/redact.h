#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "engine/core/secret.h"

namespace kiln {

/// Replaces known secrets in text by `***`. Everything that leaves the process as log, event or
/// record goes through one of these.
class Redactor {
 public:
  /// Values shorter than 6 characters are ignored: hiding them would destroy ordinary text. What
  /// URLs, JSON and base64 make of them, also inside of a longer text, is hidden too, and so are
  /// the single lines of a key file.
  void add(const Secret& secret);
  [[nodiscard]] std::string redact(std::string_view text) const;

 private:
  mutable std::mutex mutex_;
  /// Longest first, so that a secret containing another leaves no tail.
  struct Longer {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    }
  };
  std::set<std::string, Longer> values_;
};

/// A URL fit for a log: user information and fragment removed, and every query value hidden but
/// those on a short allow-list (`comp`, `restype`, `api-version`, …).
std::string redact_url(std::string_view url);

}  // namespace kiln
