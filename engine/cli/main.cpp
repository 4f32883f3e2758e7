#include <cstdio>
#include <exception>

#include "engine/cli/app.h"
#include "engine/cli/core_dumps.h"
#include "engine/cli/signals.h"

int main(int argc, char** argv) {
  try {
    kiln::forbid_core_dumps();
    const kiln::SignalCancellation signals;
    kiln::Services services;
    services.cancel = signals.token();
    return kiln::run_app(argc, argv, services);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kiln: internal error: %s\n", error.what());
  } catch (...) {
    std::fputs("kiln: internal error\n", stderr);
  }
  return static_cast<int>(kiln::ExitCode::kInternal);
}
