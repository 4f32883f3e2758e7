#include "engine/run/report/run_report.h"

#include <algorithm>

#include "engine/core/text.h"

namespace kiln {
namespace {

using std::chrono::milliseconds;

constexpr const char* kStyle = R"(
body { font: 14px/1.4 sans-serif; margin: 2em auto; max-width: 70em; color: #222; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 2px 12px 2px 0; }
td.number { text-align: right; } h2 { margin-top: 1.5em; } code { font-size: 13px; }
svg { width: 100%; } svg text { font: 12px sans-serif; fill: #222; }
.phase { fill: #bbb; } .guest { fill: #4c78a8; } .vm { fill: #f58518; } .disk { fill: #54a24b; }
.network { fill: #b279a2; } .wait { fill: #eeca3b; } .failed { stroke: #c00; stroke-width: 2; })";

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string text_of(const nlohmann::json& json, const char* pointer) {
  const auto value = json.value(nlohmann::json::json_pointer(pointer), nlohmann::json());
  return value.is_string() ? escaped(value.get<std::string>()) : std::string();
}

std::uint64_t number_of(const nlohmann::json& json, const char* name) {
  const auto value = json.value(name, nlohmann::json());
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::vector<nlohmann::json> list_of(const nlohmann::json& record, const char* name) {
  const auto value = record.value(name, nlohmann::json::array());
  return value.is_array() ? value.get<std::vector<nlohmann::json>>()
                          : std::vector<nlohmann::json>();
}

/// A bar for each span, its name beside it, to scale.
std::string picture(const Timeline& timeline) {
  constexpr double kNames = 330;
  constexpr double kWidth = 1000;
  constexpr double kRow = 20;
  const auto total = static_cast<double>(std::max<std::int64_t>(timeline.length.count(), 1));
  const auto scale = (kWidth - kNames) / total;
  auto svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">\n",
                         kWidth,
                         kRow * static_cast<double>(timeline.spans.size()));
  double y = 0;
  for (const auto& span : timeline.spans) {
    constexpr double kThinnest = 1;
    constexpr double kIndent = 14;
    const auto length = format_duration(span.length);
    svg += fmt::format(
        "<text x=\"{}\" y=\"{}\">{}</text><rect class=\"{}{}\" x=\"{:.1f}\" y=\"{}\" "
        "width=\"{:.1f}\" height=\"{}\"><title>{}: {} {}</title></rect>\n",
        span.depth * kIndent,
        y + kRow - 6,
        escaped(span.name.substr(0, 46)),
        span.kind,
        span.outcome == "failed" ? " failed" : "",
        kNames + static_cast<double>(span.start.count()) * scale,
        y + 3,
        std::max(static_cast<double>(span.length.count()) * scale, kThinnest),
        kRow - 6,
        escaped(span.name),
        length,
        escaped(span.outcome));
    y += kRow;
  }
  return svg + "</svg>\n";
}

std::string sums(const Timeline& timeline) {
  auto text = fmt::format("<p>{} in all", format_duration(timeline.length));
  for (const auto& [kind, length] : timeline.by_kind()) {
    text += fmt::format(
        "; <svg style=\"width:10px;height:10px\"><rect class=\"{}\" width=\"10\" "
        "height=\"10\"/></svg> {} {}",
        kind,
        kind,
        format_duration(length));
  }
  return text + "</p>\n";
}

std::string steps(const nlohmann::json& record) {
  std::string rows;
  for (const auto& step : list_of(record, "steps")) {
    const bool skipped = step.value("outcome", "") == "skipped";
    rows += fmt::format("<tr><td>{}<td>{}<td class=\"number\">{}<td>{}\n",
                        text_of(step, "/name"),
                        text_of(step, "/what"),
                        format_duration(milliseconds(number_of(step, "milliseconds"))),
                        skipped ? "from a layer" : text_of(step, "/outcome"));
  }
  return "<h2>Steps</h2>\n<table><tr><th>step<th>what<th>time<th>outcome\n" + rows + "</table>\n";
}

std::string layers(const nlohmann::json& record) {
  std::string rows;
  for (const auto& layer : list_of(record, "layers")) {
    rows += fmt::format(
        "<tr><td><code>{:.12}</code><td>{}<td class=\"number\">{}<td>{}\n",
        text_of(layer, "/key"),
        text_of(layer, "/what"),
        format_bytes(number_of(layer, "bytes")),
        layer.value("served", false) ? "from run " + text_of(layer, "/run") : "made by this run");
  }
  if (rows.empty()) return {};
  return "<h2>Layers</h2>\n<table><tr><th>layer<th>what<th>size<th>\n" + rows + "</table>\n";
}

std::string changed(const RunChanges& changes) {
  constexpr std::size_t kShown = 500;
  std::string text = "<h2>Changed files</h2>\n<p>Where a file was changed last.</p>\n";
  for (const auto& layer : changes.layers) {
    const auto count = layer.files.size();
    text += fmt::format("<details><summary>{}: {} file{}</summary><table>\n",
                        escaped(layer.what),
                        count,
                        count == 1 ? "" : "s");
    for (std::size_t i = 0; i < std::min(count, kShown); ++i) {
      text += fmt::format("<tr><td><code>{}</code><td class=\"number\">{}\n",
                          escaped(layer.files[i].path),
                          format_bytes(layer.files[i].size));
    }
    text += "</table>";
    if (count > kShown) text += fmt::format("<p>and {} more</p>", count - kShown);
    text += "</details>\n";
  }
  if (changes.more > 0) text += fmt::format("<p>{} more were not looked at.</p>\n", changes.more);
  return text;
}

std::string outputs(const nlohmann::json& record) {
  std::string rows;
  for (const auto& output : list_of(record, "runOutputs")) {
    rows += fmt::format(
        "<tr><td>{}<td>{}<td class=\"number\">{}\n",
        text_of(output, "/name"),
        text_of(output, "/properties/artifactUri") + text_of(output, "/properties/artifactId"),
        format_bytes(number_of(output, "sizeBytes")));
  }
  if (rows.empty()) return {};
  return "<h2>Outputs</h2>\n<table><tr><th>output<th>where<th>size\n" + rows + "</table>\n";
}

}  // namespace

std::string report_html(const nlohmann::json& record,
                        const Timeline& timeline,
                        const RunChanges* changes) {
  const auto title =
      fmt::format("{}, run {}", text_of(record, "/plan/template"), text_of(record, "/id"));
  auto page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\n"
      "<style>{}</style></head>\n<body>\n<h1>{}</h1>\n<p>{}, from {} to {}; Kiln {}, {}</p>\n",
      title,
      kStyle,
      title,
      text_of(record, "/lastRunStatus/runState"),
      text_of(record, "/lastRunStatus/startTime"),
      text_of(record, "/lastRunStatus/endTime"),
      text_of(record, "/kilnVersion"),
      text_of(record, "/plan/sandbox/reason"));
  if (const auto message = text_of(record, "/lastRunStatus/message"); !message.empty()) {
    page += fmt::format("<p><strong>{}</strong></p>\n", message);
  }
  page += "<h2>Where the time went</h2>\n" + picture(timeline) + sums(timeline);
  page += steps(record) + layers(record);
  if (changes != nullptr) page += changed(*changes);
  return page + outputs(record) + "</body></html>\n";
}

}  // namespace kiln
