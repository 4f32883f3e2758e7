#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

struct VTerm;  // NOLINT: libvterm's own name

namespace kiln {

/// What a terminal would show of the output of a console, which may be any bytes.
class ConsoleScreen {
 public:
  ConsoleScreen();
  ConsoleScreen(const ConsoleScreen&) = delete;
  ConsoleScreen& operator=(const ConsoleScreen&) = delete;
  ~ConsoleScreen();

  /// Returns the lines that were not to be seen before, from top to bottom: those that have
  /// scrolled away meanwhile, and then the screen's.
  std::vector<std::string> feed(std::string_view output);
  /// The screen's lines without the empty ones.
  [[nodiscard]] std::vector<std::string> rows() const;

 private:
  struct Scrolled;
  std::unique_ptr<VTerm, void (*)(VTerm*)> terminal_;
  std::unique_ptr<Scrolled> scrolled_;
  std::multiset<std::string> seen_;  ///< the lines of the screen after the last call
};

}  // namespace kiln
