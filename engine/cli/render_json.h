#pragma once

#include <cstdio>

#include "engine/core/event.h"

namespace kiln {

/// `--log-format json`: one event a line on standard error.
class JsonRenderer : public EventSink {
 public:
  void emit(const Event& event) noexcept override;
};

}  // namespace kiln
