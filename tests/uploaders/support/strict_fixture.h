#pragma once

#include "tests/uploaders/support/upload_fixture.h"

namespace kiln::test {

/// Uploads to a strict fake that a suite's tests share, each from a clean state and into a
/// container of its own.
class StrictTest : public UploadTest {
 protected:
  static void SetUpTestSuite() {
    auto started = AzureService::start_strict();
    ASSERT_OK(started);
    service_ = *std::move(started);
  }
  static void TearDownTestSuite() { service_.reset(); }

  void SetUp() override {
    ASSERT_NE(service_, nullptr);
    ASSERT_OK(service_->reset());
    const auto container = service_->make_container();
    ASSERT_OK(container);
    blob_ = *container + "/image.vhd";
  }

  /// Nothing that a test sent, or was answered, may contradict the service's OpenAPI.
  void TearDown() override { EXPECT_EQ(statistics()["violations"], nlohmann::json::array()); }

  void expect_uploaded(const PatternDisk& disk) {
    const auto blob = service_->download(blob_);
    ASSERT_OK(blob);
    EXPECT_TRUE(is_vhd_of(*blob, disk));
  }
  void expect_absent() {
    const auto status = service_->status_of("HEAD", blob_);
    ASSERT_OK(status);
    EXPECT_EQ(*status, 404);
  }
  nlohmann::json statistics() {
    auto statistics = service_->statistics();
    EXPECT_OK(statistics);
    return statistics ? *statistics : nlohmann::json();
  }

  static inline std::unique_ptr<AzureService> service_;
  std::string blob_;
};

}  // namespace kiln::test
