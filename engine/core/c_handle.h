#pragma once

#include <memory>

namespace kiln {

template <auto Free>
struct CDeleter {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};

/// A C library's handle, released on scope exit: `CHandle<EVP_MD_CTX, EVP_MD_CTX_free>`.
template <class T, auto Free>
using CHandle = std::unique_ptr<T, CDeleter<Free>>;

}  // namespace kiln
