// Any text is an expression that gives a value within its budget, or an error that says where.
#include <cstdint>
#include <cstring>

#include "engine/template/arm/deployment.h"
#include "engine/template/arm/evaluator.h"

namespace {

constexpr const char* kTemplate = R"({
  "parameters": {"p": {"type": "string", "defaultValue": "x"}},
  "variables": {"v": {"a": [1, {"b": "c"}]}, "loop": "[concat(variables('loop'), 'x')]",
                "copy": [{"name": "list", "count": 2, "input": "[copyIndex('list')]"}]},
  "functions": [{"namespace": "f", "members": {
    "twice": {"parameters": [{"name": "x", "type": "string"}],
              "output": {"type": "string", "value": "[concat(parameters('x'), parameters('x'))]"}},
    "again": {"parameters": [{"name": "x", "type": "string"}],
              "output": {"type": "string", "value": "[f.again(parameters('x'))]"}}}}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), data, size);
  // What is not JSON cannot reach an expression.
  if (nlohmann::json::parse(
          nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
          nullptr,
          false) != nlohmann::json(text)) {
    return 0;
  }
  static const auto kDocument = kiln::JsonReader::parse(kTemplate, "t.json");
  kiln::arm::Context context;
  kiln::arm::Surroundings around;
  around.now = {};
  auto deployment = kiln::arm::Deployment::create(*kDocument, around, {}, context);
  KILN_CHECK(deployment.has_value());
  const auto body = kiln::JsonReader::of(text, "fuzz");
  const auto value = kiln::arm::evaluate_value(body, **deployment, nullptr);
  KILN_CHECK(context.depth == 0);
  if (value) {
    KILN_CHECK(value->partial == nullptr);
    KILN_CHECK(!kiln::dump_json(value->data).empty());
    return 0;
  }
  const auto& error = value.error();
  KILN_CHECK(!error.message().empty() && !error.cure().empty());
  // What a terminal would obey must not come back to it.
  KILN_CHECK(error.describe().find('\x1b') == std::string::npos);
  KILN_CHECK(error.describe().size() < 4096);
  return 0;
}
