#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln {

/// What callers branch on; few and stable. `Error::code` says precisely what happened.
enum class ErrorKind {
  kInvalidTemplate,  ///< the user's template, parameters or command line is wrong
  kUnsupported,      ///< understood, but this build or host cannot do it
  kHostNotReady,     ///< a missing program, kernel, permission or acceleration
  kNotFound,
  kIo,            ///< the host's file system or a local pipe failed
  kCorruptImage,  ///< a disk image lies about itself or is damaged
  kGuestFailed,   ///< a step, or the guest's own tools, failed
  kRemote,        ///< a server refused or failed
  kTimeout,
  kCancelled,
  kInternal,  ///< a defect in Kiln
};

std::string_view to_string(ErrorKind kind);

/// A failure as data: what, where, why, and the cure. Context is added on the way up with
/// `while_doing`; nobody repeats the text of the cause.
class [[nodiscard]] Error {
 public:
  /// @param code stable and greppable, `Module:Reason`, e.g. `Disk:TruncatedVhd`
  Error(ErrorKind kind, std::string code, std::string message)
      : kind_(kind), code_(std::move(code)), message_(std::move(message)) {}

  /// Where: a JSON pointer with line and column, or a file with an offset.
  Error at(std::string where) &&;
  /// What the user can do about it, as one imperative sentence.
  Error cure(std::string cure) &&;
  /// The value that is to blame, as it may be shown.
  Error about(std::string value) &&;
  /// What would be right in its place, as a noun phrase.
  Error expecting(std::string expected) &&;
  /// Adds what was being done, innermost first.
  Error while_doing(std::string activity) &&;
  /// Lines worth quoting: the end of a tool's stderr or of a step's output.
  Error quoting(std::vector<std::string> lines) &&;
  /// A failure while cleaning up after this one: appended, never a replacement.
  Error followed_by(const Error& cleanup) &&;

  [[nodiscard]] ErrorKind kind() const { return kind_; }
  [[nodiscard]] const std::string& code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& cure() const { return cure_; }
  [[nodiscard]] const std::string& value() const { return value_; }
  [[nodiscard]] const std::string& expected() const { return expected_; }
  [[nodiscard]] const std::vector<std::string>& context() const { return context_; }
  [[nodiscard]] const std::vector<std::string>& quoted() const { return quoted_; }
  [[nodiscard]] const std::vector<std::string>& also() const { return also_; }

  /// One line: `message (where)`.
  [[nodiscard]] std::string summary() const;
  /// All of it, several lines, for a person.
  [[nodiscard]] std::string describe() const;

 private:
  ErrorKind kind_;
  std::string code_;
  std::string message_;
  std::string where_;
  std::string cure_;
  std::string value_;
  std::string expected_;
  std::vector<std::string> context_;
  std::vector<std::string> quoted_;
  std::vector<std::string> also_;
};

}  // namespace kiln
