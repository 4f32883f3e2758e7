#include "engine/agent/windows/transfer.h"

#include <algorithm>

namespace kiln::agent {

Transfer::Transfer() : event_(::CreateEventW(nullptr, TRUE, FALSE, nullptr)) {}

bool Transfer::read(HANDLE file) {
  overlapped_ = {};
  overlapped_.hEvent = event_.get();
  return begun(
      file,
      ::ReadFile(file, buffer_.data(), static_cast<DWORD>(buffer_.size()), nullptr, &overlapped_));
}

bool Transfer::write(HANDLE file, std::string_view data) {
  const auto size = std::min(data.size(), buffer_.size());
  std::copy_n(data.data(), size, buffer_.data());
  overlapped_ = {};
  overlapped_.hEvent = event_.get();
  return begun(file,
               ::WriteFile(file, buffer_.data(), static_cast<DWORD>(size), nullptr, &overlapped_));
}

bool Transfer::begun(HANDLE file, BOOL at_once) {
  if (at_once == FALSE && ::GetLastError() != ERROR_IO_PENDING) return false;
  file_ = file;
  return true;
}

Transfer::Status Transfer::collect(std::string_view& moved) {
  if (file_ == nullptr) return Status::kUnderWay;
  DWORD bytes = 0;
  const auto worked = ::GetOverlappedResult(file_, &overlapped_, &bytes, FALSE);
  const auto error = worked == FALSE ? ::GetLastError() : ERROR_SUCCESS;
  if (error == ERROR_IO_INCOMPLETE) return Status::kUnderWay;
  file_ = nullptr;
  moved = {buffer_.data(), bytes};
  // A port's time limit ends a transfer with what there is.
  const bool usable = error == ERROR_SUCCESS || error == ERROR_TIMEOUT || bytes > 0;
  return usable ? Status::kDone : Status::kEnded;
}

void Transfer::cancel() {
  if (file_ == nullptr) return;
  ::CancelIoEx(file_, &overlapped_);
  DWORD bytes = 0;
  ::GetOverlappedResult(file_, &overlapped_, &bytes, TRUE);
  file_ = nullptr;
}

}  // namespace kiln::agent
