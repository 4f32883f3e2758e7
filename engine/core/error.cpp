#include "engine/core/error.h"

#include <fmt/format.h>

namespace kiln {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidTemplate:
      return "InvalidTemplate";
    case ErrorKind::kUnsupported:
      return "Unsupported";
    case ErrorKind::kHostNotReady:
      return "HostNotReady";
    case ErrorKind::kNotFound:
      return "NotFound";
    case ErrorKind::kIo:
      return "Io";
    case ErrorKind::kCorruptImage:
      return "CorruptImage";
    case ErrorKind::kGuestFailed:
      return "GuestFailed";
    case ErrorKind::kRemote:
      return "Remote";
    case ErrorKind::kTimeout:
      return "Timeout";
    case ErrorKind::kCancelled:
      return "Cancelled";
    case ErrorKind::kInternal:
      return "Internal";
  }
  return "Internal";
}

Error Error::at(std::string where) && {
  if (where_.empty()) where_ = std::move(where);
  return std::move(*this);
}

Error Error::cure(std::string cure) && {
  if (cure_.empty()) cure_ = std::move(cure);
  return std::move(*this);
}

Error Error::about(std::string value) && {
  if (value_.empty()) value_ = std::move(value);
  return std::move(*this);
}

Error Error::expecting(std::string expected) && {
  if (expected_.empty()) expected_ = std::move(expected);
  return std::move(*this);
}

Error Error::while_doing(std::string activity) && {
  context_.push_back(std::move(activity));
  return std::move(*this);
}

Error Error::quoting(std::vector<std::string> lines) && {
  quoted_ = std::move(lines);
  return std::move(*this);
}

Error Error::followed_by(const Error& cleanup) && {
  also_.push_back(cleanup.summary());
  return std::move(*this);
}

std::string Error::summary() const {
  return where_.empty() ? message_ : fmt::format("{} ({})", message_, where_);
}

std::string Error::describe() const {
  std::string text = fmt::format("{} [{}]", message_, code_);
  if (!where_.empty()) text += fmt::format("\n  where: {}", where_);
  if (!value_.empty()) text += fmt::format("\n  value: {}", value_);
  if (!expected_.empty()) text += fmt::format("\n  expected: {}", expected_);
  for (const auto& activity : context_) text += fmt::format("\n  while: {}", activity);
  for (const auto& line : quoted_) text += fmt::format("\n  | {}", line);
  for (const auto& line : also_) text += fmt::format("\n  also:  {}", line);
  if (!cure_.empty()) text += fmt::format("\n  cure:  {}", cure_);
  return text;
}

}  // namespace kiln
