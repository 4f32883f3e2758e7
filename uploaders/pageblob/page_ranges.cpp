#include "uploaders/pageblob/page_ranges.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string_view>

#include <pugixml.hpp>

namespace kiln {
namespace {

constexpr std::uint64_t kHighestOffset = std::uint64_t{1} << 62U;  // keeps sums from overflowing

bool parse_number(const char* text, std::uint64_t& value) {
  const std::string_view digits(text);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
}

}  // namespace

void PageRangeSet::add(PageRange range) {
  if (range.length == 0) return;
  if (!ranges_.empty()) {
    auto& last = ranges_.back();
    KILN_CHECK(last.offset + last.length <= range.offset);
    if (last.offset + last.length == range.offset) {
      last.length += range.length;
      return;
    }
  }
  ranges_.push_back(range);
}

std::uint64_t PageRangeSet::bytes() const {
  return std::accumulate(
      ranges_.begin(),
      ranges_.end(),
      std::uint64_t{0},
      [](std::uint64_t sum, const PageRange& range) { return sum + range.length; });
}

PageRangeSet PageRangeSet::within(std::uint64_t begin, std::uint64_t end) const {
  PageRangeSet part;
  auto range =
      std::partition_point(ranges_.begin(), ranges_.end(), [&](const PageRange& candidate) {
        return candidate.offset + candidate.length <= begin;
      });
  for (; range != ranges_.end() && range->offset < end; ++range) {
    const auto from = std::max(range->offset, begin);
    part.add({from, std::min(range->offset + range->length, end) - from});
  }
  return part;
}

PageRangeSet PageRangeSet::without(const PageRangeSet& other) const {
  PageRangeSet rest;
  auto cut = other.ranges_.begin();
  for (const auto& range : ranges_) {
    auto begin = range.offset;
    const auto end = range.offset + range.length;
    while (cut != other.ranges_.end() && cut->offset + cut->length <= begin) ++cut;
    for (auto next = cut; next != other.ranges_.end() && next->offset < end; ++next) {
      if (next->offset > begin) rest.add({begin, next->offset - begin});
      begin = std::max(begin, std::min(end, next->offset + next->length));
    }
    rest.add({begin, end - begin});
  }
  return rest;
}

Result<PageList> parse_page_list(const std::string& xml) {
  const auto bad = [](std::string_view why) {
    return fail(ErrorKind::kRemote, "Storage:BadPageList", "the list of page ranges {}", why);
  };
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return bad("is not XML");
  const auto root = document.child("PageList");
  if (!root) return bad("has no PageList element");
  PageList list;
  for (const auto node : root.children("PageRange")) {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    if (!parse_number(node.child_value("Start"), start) ||
        !parse_number(node.child_value("End"), end) || end < start || end > kHighestOffset) {
      return bad("has a range that is not a pair of numbers");
    }
    list.ranges.push_back({start, end - start + 1});
  }
  std::sort(list.ranges.begin(), list.ranges.end(), [](const PageRange& a, const PageRange& b) {
    return a.offset < b.offset;
  });
  list.next_marker = root.child_value("NextMarker");
  return list;
}

}  // namespace kiln
