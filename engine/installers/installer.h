#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "disk/media/installer_media.h"
#include "engine/core/cancel.h"
#include "engine/sandbox/installation.h"

namespace kiln {

/// What is to be installed, and from what.
struct InstallOrder {
  InstallerMedia media;
  Firmware firmware = Firmware::kUefi;  ///< not kAny
  std::uint64_t disk_bytes = 30 * kGiB;
  std::optional<std::string> answers;  ///< the user's, instead of Kiln's
  std::string additional_answers;      ///< added to those that are used, and stronger
  std::string edition;                 ///< of Windows, by name, ID or number; empty: the first
};

/// A file that the installer reads.
struct AnswerFile {
  std::string name;  ///< a path without a leading slash
  std::string text;
};

/// How one disc's installer is started, told and followed.
struct InstallRecipe {
  std::vector<AnswerFile> answers;  ///< the first one is what the user may replace
  /// Of the disk with the answers; without one they are put into the initramfs.
  std::string answer_label;
  /// All of it but files and what the order says.
  Installation installation;
};

/// One family of installers.
struct InstallerEntry {
  InstallerFamily family = InstallerFamily::kUnknown;
  std::string_view answers_in;  ///< the language, e.g. `preseed`
  Result<InstallRecipe> (*recipe)(const InstallOrder& order);
  /// Joins what the user adds with the answers; null where the language has no such thing.
  Result<std::string> (*add_answers)(const std::string& answers, const std::string& added);
  /// Why this disc of the family cannot be installed; nothing where it can.
  std::optional<Error> (*refusal)(const InstallerMedia& media);
};

std::span<const InstallerEntry> installer_registry();

/// Why nothing can be installed from the disc; nothing where it can. Touches nothing.
std::optional<Error> installation_refusal(const InstallerMedia& media);

/// Kiln's answers, or the user's. Touches nothing.
Result<InstallRecipe> make_install_recipe(const InstallOrder& order);

/// Takes kernel and initramfs out of the disc and writes them with the answers into `folder`,
/// which must be there and outlive the result.
Result<Installation> prepare_installation(const InstallOrder& order,
                                          const std::filesystem::path& folder,
                                          const CancelToken& cancel);

}  // namespace kiln
