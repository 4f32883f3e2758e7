#include "disk/sources/platform_image/platform_image.h"

#include "disk/sources/catalog_source.h"

namespace kiln {
namespace {

/// The purchase plan of a marketplace image: all three fields or none.
Result<void> check_plan(const JsonReader& plan) {
  KILN_TRY(plan.refuse_unknown({"planName", "planProduct", "planPublisher"}));
  for (const std::string_view name : {"planName", "planProduct", "planPublisher"}) {
    KILN_TRY(plan.string(name));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Source>> parse_platform_image(const JsonReader& body) {
  KILN_TRY(body.refuse_unknown(
      {"type", "publisher", "offer", "sku", "version", "planInfo", "exactVersion"}));
  KILN_TRY_ASSIGN(const auto publisher, body.string("publisher"));
  KILN_TRY_ASSIGN(const auto offer, body.string("offer"));
  KILN_TRY_ASSIGN(const auto sku, body.string("sku"));
  KILN_TRY_ASSIGN(const auto version, body.string("version"));
  std::vector<std::string> notices;
  if (const auto plan = body.find("planInfo")) {
    KILN_TRY(check_plan(*plan));
    notices.push_back(fmt::format(
        "planInfo has no meaning offline: nothing is bought for the build ({})", plan->where()));
  }
  note_exact_version(body, notices);
  auto key = parse_image_key(fmt::format("{}:{}:{}:{}", publisher, offer, sku, version));
  if (!key) return std::move(key).error().at(body.where());
  return make_catalog_source(*std::move(key), body.where(), std::move(notices));
}

}  // namespace kiln
