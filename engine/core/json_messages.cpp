// What messages say about JSON values.
#include "engine/core/json.h"
#include "engine/core/redact.h"
#include "engine/core/text.h"

namespace kiln {

Error unknown_type(const JsonReader& field,
                   std::string_view what,
                   std::span<const std::string_view> known) {
  const auto name = field.value().is_string() ? field.value().get<std::string>() : std::string();
  const auto near = nearest_word(name, known);
  auto message = fmt::format("\"{}\" is not a type of {}", printable(name, 60), what);
  if (!near.empty() && equal_ignoring_case(name, near)) message += "; types are case-sensitive";
  return field.error("Template:UnknownType", std::move(message))
      .expecting(fmt::format("one of {}", fmt::join(known, ", ")))
      .cure(near.empty() ? fmt::format("use one of {}", fmt::join(known, ", "))
                         : fmt::format("did you mean \"{}\"?", near));
}

Error not_yet_supported(const JsonReader& place, std::string_view what, std::string cure) {
  return fail(ErrorKind::kUnsupported,
              "Template:NotYetSupported",
              "{} is part of the template contract, but this version of Kiln cannot honour it yet",
              what)
      .at(place.where())
      .cure(std::move(cure));
}

std::string shown_value(const nlohmann::json& value) {
  constexpr std::size_t kLongest = 120;
  if (value.is_structured() || value.is_discarded()) return {};
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.find("://") != std::string::npos) {
      return printable(dump_json(redact_url(text)), kLongest);
    }
  }
  return printable(dump_json(value), kLongest);
}

std::string dump_json(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace kiln
