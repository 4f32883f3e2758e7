#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/core/error.h"

namespace kiln::arm {

/// What went wrong in parts of a document that do without each other, each cause once.
class Failures {
 public:
  void add(const Error& error) {
    if (causes_.size() < kMost && causes_.insert(cause_of(error)).second) all_.push_back(error);
  }
  /// It is told in another way.
  void hide(const Error& error) { causes_.insert(cause_of(error)); }
  [[nodiscard]] const std::vector<Error>& all() const { return all_; }

 private:
  static constexpr std::size_t kMost = 1000;  ///< for a hostile document
  static std::string cause_of(const Error& error) { return error.code() + ' ' + error.summary(); }

  std::vector<Error> all_;
  std::set<std::string> causes_;
};

}  // namespace kiln::arm
