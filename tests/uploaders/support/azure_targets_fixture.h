#pragma once

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "tests/uploaders/support/arm_service.h"
#include "tests/uploaders/support/upload_fixture.h"
#include "uploaders/arm/azure_access.h"
#include "uploaders/distributor.h"

namespace kiln::test {

using nlohmann::json;

inline std::string managed_image(const std::string& name = "i") {
  return R"({"type": "ManagedImage", "runOutputName": "image", "location": "West Europe",
             "artifactTags": {"team": "a"}, "imageId": ")" +
         ArmService::kCompute + "/images/" + name + "\"}";
}

inline std::string shared_image(const std::string& more = "", const std::string& version = "") {
  return R"({"type": "SharedImage", "runOutputName": "gallery", "galleryImageId": ")" +
         ArmService::kCompute + "/galleries/g/images/d" + version + "\"" + more + "}";
}

class AzureTargetsTest : public ::testing::Test {
 protected:
  void SetUp() override { start({"--polls", "1"}); }

  void start(std::vector<std::string> options) {
    auto service = ArmService::start(std::move(options));
    ASSERT_OK(service);
    service_ = *std::move(service);
    environment_ = std::make_unique<MapEnvironment>(service_->principal());
    connect("");
  }

  void connect(const std::string& container, const std::string& account_id = {}) {
    const auto cloud = service_->cloud();
    ASSERT_OK(cloud);
    TokenContext tokens{*environment_, *runner_, redactor_};
    tokens.transport.http = service_->http();
    ArmOptions options;
    options.http = service_->http();
    options.retry.first_delay = std::chrono::milliseconds(10);
    options.retry.attempts = 4;
    options.poll_interval = std::chrono::milliseconds(20);
    azure_ = std::make_unique<AzureAccess>(
        *cloud, AuthMethod::kAuto, tokens, options, StagingContainer{container, account_id});
  }

  void learn_storage_key() {
    auto variables = service_->principal();
    variables["AZURE_STORAGE_KEY"] = kEmulatorKey;
    environment_ = std::make_unique<MapEnvironment>(std::move(variables));
  }

  DistributeContext context(const std::string& run = "run1") {
    DistributeContext context{events_, "distribute-01", cancel_.token(), redactor_, {}, false, {}};
    context.azure = azure_.get();
    context.run_id = run;
    context.image = {"Linux", generation_, "Standard", version_};
    return context;
  }

  std::unique_ptr<Distributor> target(const std::string& body) {
    const auto document = JsonReader::parse(body, "t.json");
    auto target = document ? parse_distributor(*document)
                           : Result<std::unique_ptr<Distributor>>(document.error());
    if (!target) ADD_FAILURE() << target.error().describe();
    return target ? *std::move(target) : nullptr;
  }

  Result<Artifact> distribute(const std::string& body,
                              const DistributeContext& context,
                              PatternDisk disk = sparse_disk()) {
    FinishedDisk finished{disk, "image"};
    return target(body)->distribute(finished, context);
  }
  Result<Artifact> distribute(const std::string& body) { return distribute(body, context()); }
  Result<void> check(const std::string& body) { return target(body)->check(context(), 40 * kMiB); }

  json state() { return service_->state().value_or(json()); }
  /// The resource, or null where there is none.
  json resource(const std::string& path) {
    auto found = state()["resources"].value(to_lower(ArmService::kCompute + path), json());
    return found.is_object() && found["fake"].value("deleted", false) ? json() : found;
  }
  /// Names of the resources of a type that are there.
  std::vector<std::string> names(const std::string& type) {
    std::vector<std::string> found;
    const auto all = state();
    for (const auto& [id, one] : all["resources"].items()) {
      if (one["type"] == "Microsoft.Compute/" + type && !one["fake"].value("deleted", false)) {
        found.push_back(one["name"]);
      }
    }
    return found;
  }
  long uploads() {
    const auto all = state();
    return std::count_if(all["requests"].begin(), all["requests"].end(), [](const json& one) {
      return one[1].get<std::string>().ends_with("/beginGetAccess");
    });
  }
  /// Bytes of pages that came to the page blob server.
  std::uint64_t page_bytes() {
    const auto statistics = service_->blob_statistics();
    return statistics ? statistics->at("page_bytes").get<std::uint64_t>() : 0;
  }
  /// What the fake says of a disk with these contents.
  std::string content_of_disk(const PatternDisk& disk = sparse_disk()) {
    std::vector<std::byte> bytes(azure_virtual_size(disk.size()) + kVhdFooterSize);
    disk.fill(0, std::span(bytes).first(azure_virtual_size(disk.size())));
    const auto path = service_->folder() / "expected.vhd";
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    EXPECT_OK(write_file_atomic(path, text));
    Command command;
    command.argv = {"python3",
                    std::string(KILN_SOURCE_DIR) + "/fixtures/azure/strict_arm.py",
                    "digest",
                    path.string()};
    const auto output = run_checked(*runner_, command, {});
    return output ? std::string(trim(output->out)) : output.error().describe();
  }
  void expect_clean() {
    EXPECT_EQ(names("disks"), std::vector<std::string>{}) << "what was staged has to go";
    EXPECT_EQ(state()["violations"], json::array());
  }

  std::unique_ptr<ArmService> service_;
  std::unique_ptr<MapEnvironment> environment_;
  std::unique_ptr<ProcessRunner> runner_ = make_process_runner();
  std::unique_ptr<AzureAccess> azure_;
  Redactor redactor_;
  RecordingSink events_;
  CancelSource cancel_;
  std::string generation_ = "V2";
  std::string version_ = "12.0.1";
};

}  // namespace kiln::test
