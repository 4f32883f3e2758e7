#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/core/event.h"

namespace kiln {

/// Writes a run's events to its folder: events.jsonl, customization.log, validation.log
/// from the validate phase on where there is one, and one log per step.
/// A log that cannot be written must not fail a build; `trouble` tells afterwards.
class RunLog : public EventSink {
 public:
  /// @param folder the run folder; `steps/` exists
  explicit RunLog(std::filesystem::path folder);
  ~RunLog() override;
  void emit(const Event& event) noexcept override;
  /// What went wrong while writing, empty where nothing did.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, CloseFile>;

  File open(const std::filesystem::path& path);
  void write(const File& file, const std::string& line);
  void write_step_output(const Event& event);
  void write_customization(const Event& event);

  std::filesystem::path folder_;
  File events_;
  File customization_;
  File validation_;
  bool validating_ = false;
  File step_;
  std::string step_id_;
  std::string trouble_;
};

}  // namespace kiln
