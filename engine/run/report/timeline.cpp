#include "engine/run/report/timeline.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

#include "engine/core/text.h"

namespace kiln {
namespace {

using std::chrono::milliseconds;

/// The activity of a target that is a file of this host (see DeliveryProgress).
constexpr const char* kToDisk = "writing";

std::string text_of(const nlohmann::json& event, const char* pointer) {
  const auto found = event.value(nlohmann::json::json_pointer(pointer), nlohmann::json());
  return found.is_string() ? found.get<std::string>() : std::string();
}

std::string kind_of_step(const std::string& id, bool sends) {
  if (id.ends_with("-sandbox")) return "vm";
  if (id.ends_with("-inputs")) return "wait";
  if (!id.starts_with("distribute")) return "guest";
  return sends ? "network" : "disk";
}

class Reader {
 public:
  void add(const nlohmann::json& event) {
    const auto time = read_time(text_of(event, "/time"));
    if (!time) return;
    if (!begun_) begun_ = time;
    const auto now = std::chrono::duration_cast<milliseconds>(*time - *begun_);
    timeline_.length = std::max(timeline_.length, now);
    const auto type = text_of(event, "/type");
    const auto id = text_of(event, "/stepId");
    if (type == "progress" && !text_of(event, "/message").starts_with(kToDisk)) sending_.insert(id);
    if (type == "phase.started" || type == "step.started") {
      open_[id] = timeline_.spans.size();
      timeline_.spans.push_back({text_of(event, "/message"),
                                 id.empty() ? "phase" : "",
                                 "interrupted",
                                 now,
                                 {},
                                 id.empty() ? 0 : 1});
    } else if (type == "phase.finished" || type == "step.finished") {
      finish(id, event);
    } else if (const auto kind = text_of(event, "/fields/kind"); !kind.empty()) {
      const auto length = length_of(event);
      timeline_.spans.push_back({text_of(event, "/fields/what"),
                                 kind,
                                 "",
                                 std::max(milliseconds(0), now - length),
                                 length,
                                 2});
    }
  }

  /// What a killed run left open lasted until it was heard of last.
  Timeline take() {
    for (const auto& [id, place] : open_) {
      auto& span = timeline_.spans[place];
      span.length = timeline_.length - span.start;
      if (span.kind.empty()) span.kind = kind_of_step(id, sending_.contains(id));
    }
    return std::move(timeline_);
  }

 private:
  static milliseconds length_of(const nlohmann::json& event) {
    return milliseconds(std::strtoll(text_of(event, "/fields/milliseconds").c_str(), nullptr, 10));
  }

  void finish(const std::string& id, const nlohmann::json& event) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    auto& span = timeline_.spans[found->second];
    span.length = length_of(event);
    span.outcome = text_of(event, "/fields/outcome");
    if (span.kind.empty()) span.kind = kind_of_step(id, sending_.contains(id));
    open_.erase(found);
  }

  std::optional<std::chrono::system_clock::time_point> begun_;
  std::map<std::string, std::size_t> open_;  ///< by the step's id; the phase's is empty
  std::set<std::string> sending_;
  Timeline timeline_;
};

}  // namespace

std::optional<std::chrono::system_clock::time_point> read_time(const std::string& text) {
  std::tm time{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr) return std::nullopt;
  const double fraction = *rest == '.' ? std::strtod(rest, nullptr) : 0;
  constexpr double kThousand = 1000;
  return std::chrono::system_clock::from_time_t(::timegm(&time)) +
         milliseconds(std::lround(fraction * kThousand));
}

std::map<std::string, milliseconds> Timeline::by_kind() const {
  std::map<std::string, milliseconds> sums;
  for (const auto& span : spans) {
    const bool counted_within = span.kind == "vm" && span.depth == 1;
    if (span.kind != "phase" && !counted_within) sums[span.kind] += span.length;
  }
  return sums;
}

Result<Timeline> read_timeline(const std::filesystem::path& run_folder) {
  std::ifstream file(run_folder / "events.jsonl");
  if (!file) {
    return fail(ErrorKind::kNotFound,
                "Run:NoEvents",
                "the run has no events: {} cannot be read",
                (run_folder / "events.jsonl").string());
  }
  Reader reader;
  std::string line;
  while (std::getline(file, line)) {
    const auto event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (event.is_object()) reader.add(event);
  }
  return reader.take();
}

std::string describe_timeline(const Timeline& timeline) {
  constexpr std::int64_t kBar = 40;
  constexpr std::size_t kName = 46;
  const auto total = std::max<std::int64_t>(timeline.length.count(), 1);
  std::string text;
  for (const auto& span : timeline.spans) {
    const auto from = std::min(span.start.count() * kBar / total, kBar - 1);
    const auto until =
        std::clamp(((span.start + span.length).count() * kBar + total - 1) / total, from + 1, kBar);
    auto bar = std::string(static_cast<std::size_t>(from), ' ') +
               std::string(static_cast<std::size_t>(until - from), span.depth == 0 ? '=' : '#');
    bar.resize(static_cast<std::size_t>(kBar), ' ');
    const std::string indent(2 * static_cast<std::size_t>(span.depth), ' ');
    text += fmt::format("{:<{}} {:<8}{:>9}  |{}|\n",
                        indent + printable(span.name, kName - indent.size() - 1),
                        kName,
                        span.outcome == "skipped" ? "layer" : span.kind,
                        format_duration(span.length),
                        bar);
  }
  std::vector<std::string> sums;
  for (const auto& [kind, length] : timeline.by_kind()) {
    sums.push_back(fmt::format("{} {}", kind, format_duration(length)));
  }
  return text +
         fmt::format("{} in all: {}\n", format_duration(timeline.length), fmt::join(sums, ", "));
}

}  // namespace kiln
