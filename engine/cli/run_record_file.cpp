#include "engine/cli/run_record_file.h"

#include "engine/core/file.h"
#include "engine/run/run_folder.h"

namespace kiln {

Result<nlohmann::json> read_run_record(const std::filesystem::path& folder) {
  KILN_TRY_ASSIGN(auto text, read_file(folder / "run.json"));
  auto record = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) {
    return fail(ErrorKind::kIo, "Run:DamagedRecord", "run.json is not JSON").at(folder.string());
  }
  if (record.value("/lastRunStatus/runState"_json_pointer, std::string()) == "Running" &&
      !run_is_alive(folder)) {
    record["lastRunStatus"]["runState"] = "Interrupted";
  }
  return record;
}

}  // namespace kiln
