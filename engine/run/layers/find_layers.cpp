#include "engine/run/layers/find_layers.h"

#include <algorithm>

namespace kiln {
namespace {

std::optional<Layer> find(const LayerStore& store, const std::optional<std::string>& key) {
  return key ? store.find(*key) : std::nullopt;
}

}  // namespace

FoundLayers find_layers(const LayerStore& store,
                        const Plan& plan,
                        const std::string& source,
                        std::size_t reusable,
                        const InputDigest& digest) {
  const auto steps = plan.checked.steps.size();
  FoundLayers found;
  auto below = source;
  while (true) {
    const auto first = found.steps_done();
    if (reusable > steps) {
      found.finished = find(store, finished_key(below, plan, first, digest));
      if (found.finished) return found;
    }
    std::optional<Layer> next;
    auto end = std::min(reusable, steps);
    for (; end > first; --end) {
      next = find(store, steps_key(below, plan, first, end, digest));
      if (next) break;
    }
    if (!next) return found;
    below = next->files.front().id;
    found.steps.push_back({*std::move(next), first, end});
  }
}

}  // namespace kiln
