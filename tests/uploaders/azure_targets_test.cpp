// ManagedImage and SharedImage against the strict fake: what they make, that what is staged goes,
// and that another attempt finishes what a failed one began.
#include <thread>

#include "tests/uploaders/support/azure_targets_fixture.h"

namespace kiln::test {
namespace {

TEST_F(AzureTargetsTest, MakesAManagedImageOfADisk) {
  ASSERT_OK(check(managed_image()));
  const auto made = distribute(managed_image());
  ASSERT_OK(made);
  EXPECT_EQ(made->artifact_id, ArmService::kCompute + "/images/i");
  EXPECT_EQ(made->artifact_uri, "");
  EXPECT_EQ(made->type, "ManagedImage");
  const auto image = resource("/images/i");
  EXPECT_EQ(image["fake"]["content"], content_of_disk());
  EXPECT_EQ(image["location"], "westeurope");
  EXPECT_EQ(image["tags"]["team"], "a");
  EXPECT_EQ(image["tags"]["kiln-run"], "run1");
  EXPECT_EQ(image["properties"]["hyperVGeneration"], "V2");
  expect_clean();
}

TEST_F(AzureTargetsTest, FindsItsOwnManagedImageAgainAndNoOtherOne) {
  ASSERT_OK(distribute(managed_image()));
  EXPECT_OK(distribute(managed_image()));
  EXPECT_EQ(uploads(), 1);
  EXPECT_THAT(distribute(managed_image(), context("run2")), FailsWith("ManagedImage:Exists"));
  auto other = context("run2");
  other.overwrite = true;
  EXPECT_OK(distribute(managed_image(), other));
  EXPECT_EQ(resource("/images/i")["tags"]["kiln-run"], "run2");
  expect_clean();
}

TEST_F(AzureTargetsTest, MakesAManagedImageOfABlob) {
  learn_storage_key();
  connect(service_->blob_endpoint() + "/staging");
  const auto made = distribute(managed_image());
  ASSERT_OK(made);
  const auto image = resource("/images/i");
  EXPECT_EQ(image["fake"]["content"], content_of_disk());
  EXPECT_TRUE(
      image["properties"]["storageProfile"]["osDisk"]["blobUri"].get<std::string>().ends_with(
          "/staging/kiln-run1-distribute-01.vhd"));
  // The blob is gone: the same name is free.
  EXPECT_OK(distribute(managed_image("j")));
  expect_clean();
}

TEST_F(AzureTargetsTest, MakesVersionsOfAPageBlobWhereItsAccountIsKnown) {
  constexpr const char* kAccount =
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/";
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V2"));
  learn_storage_key();
  const auto container = service_->blob_endpoint() + "/staging";
  connect(container, std::string(kAccount) + "another");
  EXPECT_THAT(check(shared_image()), FailsWith("Staging:OtherAccount"));

  connect(container, std::string(kAccount) + "devstoreaccount1");
  ASSERT_OK(check(shared_image()));
  ASSERT_OK(distribute(shared_image()));
  const auto version = resource("/galleries/g/images/d/versions/1.0.0");
  EXPECT_EQ(version["fake"]["content"], content_of_disk());
  const auto& source = version["properties"]["storageProfile"]["osDiskImage"]["source"];
  EXPECT_TRUE(source["uri"].get<std::string>().ends_with("/staging/kiln-run1-distribute-01.vhd"));
  EXPECT_EQ(uploads(), 0);
  // A shallow version goes on to read what it was made of.
  ASSERT_OK(distribute(
      shared_image(R"(, "versioning": {"scheme": "Latest"}, "replicationMode": "Shallow")"),
      context("run2")));
  EXPECT_EQ(uploads(), 1);
  EXPECT_EQ(names("disks").size(), 1U);
}

TEST_F(AzureTargetsTest, GoesOnWithANewAccessWhenTheOldOneEnds) {
  ASSERT_OK(service_->inject_blob(
      {{{"kind", "revoke"}, {"method", "PUT"}, {"comp", "page"}, {"after", 2}}}));
  ASSERT_OK(distribute(managed_image()));
  EXPECT_EQ(uploads(), 2);
  EXPECT_EQ(resource("/images/i")["fake"]["content"], content_of_disk());
  expect_clean();
}

TEST_F(AzureTargetsTest, WritesBlobsOfThisCloudWithATokenAndOfNoOther) {
  const auto credential_for = [&](const std::string& host) {
    const auto location = parse_blob_location("https://" + host + "/c/b.vhd");
    return azure_->storage_credential(*location);
  };
  const auto own = credential_for("store.blob.storage.invalid");
  ASSERT_OK(own);
  ASSERT_TRUE(std::holds_alternative<BearerToken>(own->value));
  EXPECT_EQ(own->origin, "the secret in AZURE_CLIENT_SECRET");
  const auto token = std::get<BearerToken>(own->value).token->value({});
  ASSERT_OK(token);
  EXPECT_EQ(redactor_.redact(token->reveal()), "***");
  for (const auto* host : {"store.blob.other.invalid", "storage.invalid", "blob.storage.invalid"}) {
    EXPECT_THAT(credential_for(host), FailsWith("Auth:NoCredential")) << host;
  }
}

TEST_F(AzureTargetsTest, MakesVersionsByEveryScheme) {
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V2"));
  const std::string regions =
      R"(, "targetRegions": [{"name": "westeurope", "replicaCount": 2},
                             {"name": "North Europe", "storageAccountType": "Standard_ZRS"}],
         "excludeFromLatest": true, "endOfLifeDate": "2096-02-29")";
  ASSERT_OK(check(shared_image(regions)));
  const auto first = distribute(shared_image(regions), context("run1"));
  ASSERT_OK(first);
  EXPECT_EQ(first->artifact_id, ArmService::kCompute + "/galleries/g/images/d/versions/1.0.0");
  const auto version = resource("/galleries/g/images/d/versions/1.0.0");
  EXPECT_EQ(version["fake"]["content"], content_of_disk());
  const auto& publishing = version["properties"]["publishingProfile"];
  EXPECT_EQ(publishing["targetRegions"][0]["regionalReplicaCount"], 2);
  EXPECT_EQ(publishing["targetRegions"][1]["storageAccountType"], "Standard_ZRS");
  EXPECT_EQ(publishing["excludeFromLatest"], true);
  EXPECT_EQ(publishing.value("endOfLifeDate", ""), "2096-02-29T00:00:00Z");
  EXPECT_EQ(publishing["replicationMode"], "Full");
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"", "", "1.0.1"},
      {R"(, "versioning": {"scheme": "Source"})", "", "12.0.1"},
      {R"(, "versioning": {"scheme": "Latest", "major": 1})", "", "1.0.2"},
      {R"(, "versioning": {"scheme": "Latest", "major": 3})", "", "3.0.0"},
      {"", "/versions/5.6.7", "5.6.7"},
      {"", "", "12.0.2"},
  };
  int run = 2;
  for (const auto& [more, explicit_version, number] : cases) {
    const auto made =
        distribute(shared_image(more, explicit_version), context("run" + std::to_string(run++)));
    ASSERT_OK(made);
    EXPECT_TRUE(made->artifact_id.ends_with("/versions/" + number)) << made->artifact_id;
  }
  EXPECT_THAT(distribute(shared_image("", "/versions/5.6.7"), context("another")),
              FailsWith("SharedImage:VersionExists"));
  expect_clean();
}

TEST_F(AzureTargetsTest, MakesNoSecondVersionWhateverFailed) {
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V2"));
  const std::vector<json> faults = {
      {{"kind", "operation"}, {"method", "PUT"}, {"path", "/disks/"}, {"code", "QuotaExceeded"}},
      {{"kind", "operation"}, {"method", "POST"}, {"path", "beginGetAccess"}, {"code", "Later"}},
      {{"kind", "operation"}, {"method", "POST"}, {"path", "endGetAccess"}, {"code", "Later"}},
      {{"kind", "operation"}, {"method", "PUT"}, {"path", "/versions/"}, {"code", "Later"}},
      {{"kind", "status"}, {"method", "PUT"}, {"path", "/versions/"}, {"status", 403}},
  };
  for (const auto& fault : faults) {
    ASSERT_OK(service_->inject(json::array({fault})));
    EXPECT_FALSE(distribute(shared_image()).has_value()) << fault;
    EXPECT_EQ(names("disks"), std::vector<std::string>{}) << fault;
  }
  // The version is made, but its acknowledgements are lost, and the process gives up.
  ASSERT_OK(service_->inject(
      {{{"kind", "drop"}, {"method", "PUT"}, {"path", "/versions/"}, {"times", 0}}}));
  EXPECT_THAT(distribute(shared_image()), FailsWith("Http:Interrupted"));
  ASSERT_OK(service_->inject(json::array()));
  const auto made = distribute(shared_image());
  ASSERT_OK(made);
  EXPECT_TRUE(made->artifact_id.ends_with("/versions/1.0.0"));
  EXPECT_OK(distribute(shared_image()));
  EXPECT_EQ(names("galleries/images/versions"), std::vector<std::string>{"1.0.0"});
  expect_clean();
}

TEST_F(AzureTargetsTest, StartsOverWithWhatAKilledAttemptLeft) {
  // A disk of the same name with an open access, as kill -9 in the middle of an upload leaves it.
  auto killed = azure_->client();
  ASSERT_OK(killed);
  const ArmResource disk{ArmService::kCompute + "/disks/kiln-run1-distribute-01", "2024-03-02"};
  ASSERT_OK(killed->put(
      disk,
      {{"location", "westeurope"},
       {"properties",
        {{"osType", "Linux"},
         {"creationData", {{"createOption", "Upload"}, {"uploadSizeBytes", 31457792}}}}}},
      {}));
  ASSERT_OK(
      killed->post(disk, "beginGetAccess", {{"access", "Write"}, {"durationInSeconds", 600}}, {}));
  ASSERT_OK(distribute(managed_image()));
  EXPECT_EQ(resource("/images/i")["fake"]["content"], content_of_disk());
  expect_clean();
}

TEST_F(AzureTargetsTest, RemovesWhatIsStagedAfterACancellation) {
  ASSERT_OK(service_->inject({{{"kind", "status"},
                               {"method", "PUT"},
                               {"path", "Compute/images/"},
                               {"status", 503},
                               {"retry_after", 60},
                               {"times", 0}}}));
  std::jthread later([&] {
    for (int i = 0; i < 600 && uploads() == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
    cancel_.request();
  });
  EXPECT_THAT(distribute(managed_image()), FailsWith("Run:Cancelled"));
  EXPECT_TRUE(resource("/images/i").is_null());
  expect_clean();
}

TEST_F(AzureTargetsTest, KeepsTheDiskOfAShallowVersion) {
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V2"));
  ASSERT_OK(distribute(shared_image(R"(, "replicationMode": "Shallow")")));
  EXPECT_EQ(names("disks"), std::vector<std::string>{"kiln-run1-distribute-01"});
}

TEST_F(AzureTargetsTest, MakesAVersionOfTheRunsManagedImage) {
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V2"));
  const auto image = distribute(managed_image());
  ASSERT_OK(image);
  auto later = context();
  later.step_id = "distribute-02";
  later.delivered = {ArmService::kCompute + "/disks/other", image->artifact_id};
  // As an attempt leaves it that was killed when the image was not there yet.
  auto killed = azure_->client();
  ASSERT_OK(killed);
  const ArmResource left{ArmService::kCompute + "/disks/kiln-run1-distribute-02", "2024-03-02"};
  ASSERT_OK(killed->put(
      left,
      {{"location", "westeurope"},
       {"tags", {{"kiln-run", "run1"}, {"kiln-step", "distribute-02"}}},
       {"properties",
        {{"osType", "Linux"},
         {"creationData", {{"createOption", "Upload"}, {"uploadSizeBytes", 31457792}}}}}},
      {}));
  const auto made = distribute(shared_image(), later);
  ASSERT_OK(made);
  EXPECT_EQ(made->sent_bytes, 0);
  EXPECT_EQ(uploads(), 1);
  const auto version = resource("/galleries/g/images/d/versions/1.0.0");
  EXPECT_EQ(version["fake"]["content"], content_of_disk());
  EXPECT_EQ(version["properties"]["storageProfile"],
            json({{"source", {{"id", image->artifact_id}}}}));
  expect_clean();
}

TEST_F(AzureTargetsTest, MakesAVersionOfADiskWhereTheManagedImageDoesNotServe) {
  const auto launch = json::array({json::array({"SecurityType", "TrustedLaunchSupported"})});
  ASSERT_OK(distribute(managed_image()));
  ASSERT_OK(distribute(managed_image("of-another-run"), context("run2")));
  const auto id = [](const std::string& name) { return ArmService::kCompute + "/images/" + name; };
  struct Case {
    std::string location;
    json features;
    std::string image;
    std::string more;
  };
  long before = uploads();
  for (const auto& one :
       {Case{"eastus", json::array(), id("i"), ""},
        Case{"westeurope", launch, id("i"), ""},
        Case{"westeurope", json::array(), id("of-another-run"), ""},
        Case{"westeurope", json::array(), id("deleted"), ""},
        Case{"westeurope", json::array(), id("i"), R"(, "replicationMode": "Shallow")"}}) {
    ASSERT_OK(service_->add_definition("/galleries/g/images/d", one.location, "V2", one.features));
    auto later = context();
    later.step_id = fmt::format("distribute-{:02}", before);
    later.delivered = {one.image};
    ASSERT_OK(distribute(shared_image(one.more), later));
    EXPECT_EQ(uploads(), ++before) << one.location << one.features << one.image << one.more;
  }
}

TEST_F(AzureTargetsTest, LooksAtTheDefinitionBeforeAnyUpload) {
  EXPECT_THAT(check(shared_image()), FailsWith("SharedImage:NoDefinition"));
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V1"));
  EXPECT_THAT(check(shared_image()), FailsWith("SharedImage:OtherDefinition"));
  const auto feature = [](const char* value) {
    return json::array({json::array({"SecurityType", value})});
  };
  const auto launch = feature("TrustedLaunch");
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V2", launch));
  EXPECT_THAT(check(shared_image()), FailsWith("SharedImage:OtherDefinition"));
  const auto supported = feature("TrustedLaunchSupported");
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V2", supported));
  EXPECT_OK(check(shared_image()));
  version_ = "";
  EXPECT_THAT(check(shared_image(R"(, "versioning": {"scheme": "Source"})")),
              FailsWith("SharedImage:NoSourceVersion"));
  const auto confidential = feature("ConfidentialVM");
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "westeurope", "V2", confidential));
  EXPECT_THAT(check(shared_image()), FailsWith("SharedImage:Confidential"));
  ASSERT_OK(service_->add_definition("/galleries/g/images/d", "eastus", "V2"));
  EXPECT_THAT(check(shared_image(R"(, "targetRegions": [{"name": "westeurope"}])")),
              FailsWith("SharedImage:NoHomeRegion"));
  EXPECT_EQ(uploads(), 0);
}

TEST_F(AzureTargetsTest, RefusesDisksThatAreTooLarge) {
  start({"--stack-hub", "--adfs"});
  connect(service_->blob_endpoint() + "/staging");
  generation_ = "V1";
  const auto image = target(managed_image());
  EXPECT_THAT(image->check(context(), 1024 * kGiB), FailsWith("Cloud:DiskTooLarge"));
  EXPECT_OK(image->check(context(), 1023 * kGiB));
}

TEST_F(AzureTargetsTest, TellsWhatACloudLacks) {
  start({"--stack-hub", "--adfs"});
  const auto& cloud = azure_->cloud();
  const ImageTraits first{"Linux", "V1", "Standard", ""};
  const ImageTraits second{"Linux", "V2", "Standard", ""};
  const auto code = [](const std::optional<Error>& error) { return error ? error->code() : ""; };
  EXPECT_EQ(code(target(shared_image())->lacking(cloud, first, true)), "Cloud:NoGalleries");
  EXPECT_EQ(code(target(managed_image())->lacking(cloud, second, true)), "Cloud:NoGeneration2");
  EXPECT_EQ(code(target(managed_image())->lacking(cloud, first, false)), "Cloud:NoDiskUpload");
  EXPECT_EQ(code(target(managed_image())->lacking(cloud, first, true)), "");
}

}  // namespace
}  // namespace kiln::test
