#include "engine/sandbox/guest/console_screen.h"

#include <array>
#include <vterm.h>

#include "engine/core/text.h"
#include "engine/sandbox/installation.h"

namespace kiln {
namespace {

/// Installers take a serial console for a terminal of 25 lines with 80 columns. A wider one shows
/// the same, and long lines in one piece.
constexpr int kRows = 25;
constexpr int kColumns = kMarkedLine;

std::string text_of(const VTermScreenCell* cells, int columns) {
  std::string text;
  for (int column = 0; column < columns; ++column) {
    const auto character = cells[column].chars[0];
    // The second half of a wide character is no character; pieces of frames only take up room.
    const bool plain = character >= ' ' && character < 0x7f;
    text += plain ? static_cast<char>(character) : ' ';
  }
  return std::string(trim(text));
}

std::string row_text(VTermScreen* screen, int row) {
  std::array<VTermScreenCell, kColumns> cells{};
  for (int column = 0; column < kColumns; ++column) {
    vterm_screen_get_cell(screen, {row, column}, &cells.at(static_cast<std::size_t>(column)));
  }
  return text_of(cells.data(), kColumns);
}

}  // namespace

struct ConsoleScreen::Scrolled {
  std::vector<std::string> lines;

  static int take(int columns, const VTermScreenCell* cells, void* user) {
    static_cast<Scrolled*>(user)->lines.push_back(text_of(cells, columns));
    return 1;
  }
};

ConsoleScreen::ConsoleScreen()
    : terminal_(vterm_new(kRows, kColumns), vterm_free), scrolled_(std::make_unique<Scrolled>()) {
  static constexpr VTermScreenCallbacks kCallbacks = [] {
    VTermScreenCallbacks callbacks{};
    callbacks.sb_pushline = Scrolled::take;
    return callbacks;
  }();
  vterm_set_utf8(terminal_.get(), 1);
  auto* screen = vterm_obtain_screen(terminal_.get());
  vterm_screen_set_callbacks(screen, &kCallbacks, scrolled_.get());
  vterm_screen_reset(screen, 1);
}

ConsoleScreen::~ConsoleScreen() = default;

std::vector<std::string> ConsoleScreen::feed(std::string_view output) {
  if (output.empty()) return {};
  vterm_input_write(terminal_.get(), output.data(), output.size());
  // Answers to a terminal's questions, which nobody waits for.
  std::array<char, 256> answers{};
  while (vterm_output_read(terminal_.get(), answers.data(), answers.size()) > 0) {
  }
  auto lines = std::exchange(scrolled_->lines, {});
  std::multiset<std::string> shown;
  for (auto& row : rows()) {
    shown.insert(row);
    lines.push_back(std::move(row));
  }
  std::erase_if(lines, [this](const std::string& line) {
    const auto known = seen_.find(line);
    if (known == seen_.end()) return line.empty();
    seen_.erase(known);
    return true;
  });
  seen_ = std::move(shown);
  return lines;
}

std::vector<std::string> ConsoleScreen::rows() const {
  std::vector<std::string> rows;
  auto* screen = vterm_obtain_screen(terminal_.get());
  for (int row = 0; row < kRows; ++row) {
    if (auto text = row_text(screen, row); !text.empty()) rows.push_back(std::move(text));
  }
  return rows;
}

}  // namespace kiln
