// What every page blob service has to give, asked of Azurite and of our strict fake alike. Neither
// may be absent: a test that cannot start its service fails.
#include "engine/core/file.h"
#include "tests/uploaders/support/map_environment.h"
#include "tests/uploaders/support/upload_fixture.h"
#include "uploaders/auth/blob_signer.h"
#include "uploaders/vhd/vhd_distributor.h"

namespace kiln::test {
namespace {

enum class Peer { kAzurite, kStrict };

/// One of each for the whole program.
AzureService* service(Peer peer) {
  static const auto azurite = AzureService::start_azurite();
  static const auto strict = AzureService::start_strict();
  const auto& chosen = peer == Peer::kAzurite ? azurite : strict;
  EXPECT_OK(chosen);
  return chosen ? chosen->get() : nullptr;
}

class UploadContractTest : public UploadTest, public ::testing::WithParamInterface<Peer> {
 protected:
  void SetUp() override {
    service_ = service(GetParam());
    ASSERT_NE(service_, nullptr);
    const auto container = service_->make_container();
    ASSERT_OK(container);
    container_ = *container;
    blob_ = container_ + "/dir/my%20image.vhd";
  }

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
  Result<UploadReport> upload_into(BlockSource& disk) {
    options_.existing = true;
    return upload(disk, with_key(blob_));
  }

  AzureService* service_ = nullptr;
  std::string container_;
  std::string blob_;
};

TEST_P(UploadContractTest, SharedKey) {
  auto disk = sparse_disk();
  ASSERT_OK(check(with_key(blob_)));
  const auto report = upload(disk, with_key(blob_));
  ASSERT_OK(report);
  expect_uploaded(disk);
  EXPECT_EQ(report->blob_size, 41 * kMiB + 512);
  EXPECT_LT(report->sent_bytes, disk.data_bytes() + 5 * 2 * 64 * kKiB);
  EXPECT_EQ(report->checksum, PageChecksum::kCrc64);
  EXPECT_EQ(report->service_version, "2021-08-06");
  EXPECT_EQ(report->retries, 0U);
}

TEST_P(UploadContractTest, EverySasKind) {
  auto disk = sparse_disk();
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--kind", "service"}, {"--kind", "account"}, {"--kind", "service", "container"}}) {
    const bool for_container = arguments.size() == 3;
    const auto sas = service_->sas(for_container ? container_ : blob_,
                                   {arguments.begin(), arguments.begin() + 2});
    ASSERT_OK(sas);
    options_.overwrite = true;
    ASSERT_OK(check(with_sas(blob_, *sas)));
    ASSERT_OK(upload(disk, with_sas(blob_, *sas)));
    expect_uploaded(disk);
  }
}

TEST_P(UploadContractTest, Md5) {
  auto disk = sparse_disk();
  options_.blob.checksum = PageChecksum::kMd5;
  const auto report = upload(disk, with_key(blob_));
  ASSERT_OK(report);
  EXPECT_EQ(report->checksum, PageChecksum::kMd5);
  expect_uploaded(disk);
}

TEST_P(UploadContractTest, EmptyAndFullDisks) {
  PatternDisk empty(kMiB, {});
  auto report = upload(empty, with_key(blob_));
  ASSERT_OK(report);
  EXPECT_EQ(report->sent_bytes, 512U);
  expect_uploaded(empty);
  PatternDisk full(9 * kMiB, {{0, 9 * kMiB}});
  options_.overwrite = true;
  report = upload(full, with_key(blob_));
  ASSERT_OK(report);
  EXPECT_EQ(report->sent_bytes, 9 * kMiB + 512);
  expect_uploaded(full);
}

TEST_P(UploadContractTest, ReplacesOnlyWhenAsked) {
  auto first = sparse_disk(1);
  ASSERT_OK(upload(first, with_key(blob_)));
  PatternDisk second(2 * kMiB, {{kMiB, kMiB}}, 2);
  const auto checked = check(with_key(blob_));
  ASSERT_THAT(checked, FailsWith("Storage:BlobAlreadyExists"));
  EXPECT_NE(checked.error().cure(), "");
  EXPECT_THAT(upload(second, with_key(blob_)), FailsWith("Storage:BlobAlreadyExists"));
  expect_uploaded(first);
  options_.overwrite = true;
  EXPECT_OK(check(with_key(blob_)));
  ASSERT_OK(upload(second, with_key(blob_)));
  expect_uploaded(second);
}

TEST_P(UploadContractTest, IntoAnExistingBlobWithOldData) {
  options_.existing = true;
  const auto target = with_key(blob_);
  auto disk = sparse_disk(2);
  EXPECT_THAT(check(target, disk.size()), FailsWith("Storage:BlobNotFound"));
  EXPECT_THAT(upload(disk, target), FailsWith("Storage:BlobNotFound"));
  auto blob = PageBlob::open(target, options_.blob);
  ASSERT_OK(blob);
  ASSERT_OK(blob->create(41 * kMiB + 512, {{"owner", "somebody"}}, false, {}));
  const std::vector<std::byte> old(kMiB, std::byte{7});
  for (const auto at : {std::uint64_t{0}, 5 * kMiB, 20 * kMiB, 39 * kMiB}) {
    ASSERT_OK(blob->put_pages(at, old, {}));
  }
  ASSERT_OK(blob->put_pages(41 * kMiB, Bytes(old).first(512), {}));
  ASSERT_OK(check(target, disk.size()));
  ASSERT_OK(upload(disk, target));
  expect_uploaded(disk);
  EXPECT_EQ(blob->properties({}).value()->metadata,
            (std::map<std::string, std::string>{{"owner", "somebody"}}));

  PatternDisk larger(42 * kMiB, {{0, kMiB}});
  EXPECT_THAT(check(target, larger.size()), FailsWith("Storage:OtherSize"));
  EXPECT_THAT(upload(larger, target), FailsWith("Storage:OtherSize"));
  expect_uploaded(disk);
}

TEST_P(UploadContractTest, MissingContainer) {
  const auto target = with_key(service_->endpoint() + "/nowhere/b.vhd");
  const auto checked = check(target);
  ASSERT_THAT(checked, FailsWith("Storage:ContainerNotFound"));
  EXPECT_EQ(checked.error().kind(), ErrorKind::kNotFound);
  EXPECT_NE(checked.error().cure(), "");
}

TEST_P(UploadContractTest, WrongKey) {
  auto target = with_key(blob_);
  const std::string wrong = "d3Jvbmcga2V5IHdyb25nIGtleQ==";
  target.credential.value = SharedKey{"devstoreaccount1", Secret(wrong)};
  const auto checked = check(target);
  ASSERT_FALSE(checked.has_value());
  EXPECT_TRUE(checked.error().code() == "Storage:AuthenticationFailed" ||
              checked.error().code() == "Storage:AuthorizationFailure")
      << checked.error().code();
  EXPECT_NE(checked.error().message().find("the credential from the test"), std::string::npos);
  EXPECT_NE(checked.error().cure(), "");
  expect_no_secret(checked.error(), wrong);
}

TEST_P(UploadContractTest, WrongSas) {
  auto sas = service_->sas(blob_);
  ASSERT_OK(sas);
  const auto signature = sas->substr(sas->find("sig=") + 4);
  *sas = sas->substr(0, sas->find("sig=")) + "sig=AAAA" + signature.substr(4);
  const auto checked = check(with_sas(blob_, *sas));
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().kind(), ErrorKind::kRemote);
  EXPECT_NE(checked.error().cure(), "");
  expect_no_secret(checked.error(), signature.substr(4));
}

/// Cancels once the upload is well under way.
class CancellingDisk : public BlockSource {
 public:
  CancellingDisk(PatternDisk& disk, CancelSource& cancel) : disk_(disk), cancel_(cancel) {}
  [[nodiscard]] std::uint64_t size() const override { return disk_.size(); }
  Result<std::vector<Extent>> extents() override { return disk_.extents(); }
  Result<void> read(std::uint64_t offset, MutableBytes buffer) override {
    if (offset >= disk_.size() / 2) cancel_.request();
    return disk_.read(offset, buffer);
  }

 private:
  PatternDisk& disk_;
  CancelSource& cancel_;
};

TEST_P(UploadContractTest, CancellingDeletesTheHalfBlob) {
  PatternDisk disk(64 * kMiB, {{0, 64 * kMiB}});
  CancellingDisk cancelling(disk, cancel_);
  const auto report = upload(cancelling, with_key(blob_));
  ASSERT_THAT(report, FailsWith("Run:Cancelled"));
  EXPECT_TRUE(report.error().also().empty());
  EXPECT_TRUE(was_told("was deleted"));
  expect_absent();
}

TEST_P(UploadContractTest, AnExistingBlobOutlivesAFailure) {
  PatternDisk disk(64 * kMiB, {{0, 64 * kMiB}});
  auto blob = PageBlob::open(with_key(blob_), options_.blob);
  ASSERT_OK(blob);
  ASSERT_OK(blob->create(64 * kMiB + 512, {}, false, {}));
  ASSERT_OK(upload_into(disk));
  CancellingDisk cancelling(disk, cancel_);
  EXPECT_THAT(upload_into(cancelling), FailsWith("Run:Cancelled"));
  const auto footer = blob->page_ranges(64 * kMiB, 64 * kMiB + 512, {});
  ASSERT_OK(footer);
  EXPECT_TRUE(footer->ranges().empty()) << "the footer of the upload before has to go first";
}

TEST_P(UploadContractTest, APrivateBlobIsReadWithTheUploadsCredential) {
  auto disk = PatternDisk(kMiB, {{0, 64 * kKiB}});
  ASSERT_OK(upload(disk, with_key(blob_)));
  const auto expected = service_->download(blob_);
  ASSERT_OK(expected);
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto path = folder->path() / "fetched";
  RetryPolicy once;
  once.attempts = 1;
  EXPECT_FALSE(make_fetcher("/", once)->fetch(blob_, path, {}).has_value());
  const auto sas = service_->sas(blob_);
  ASSERT_OK(sas);
  Redactor redactor;
  for (const auto& [name, value] :
       {std::pair<std::string, std::string>{"AZURE_STORAGE_KEY", kEmulatorKey},
        {"AZURE_STORAGE_SAS_TOKEN", *sas}}) {
    SCOPED_TRACE(name);
    const MapEnvironment environment(std::map<std::string, std::string>{{name, value}});
    const auto fetcher = make_fetcher("/", once, {}, make_blob_signer(environment, redactor));
    ASSERT_OK(fetcher->check(blob_, {}));
    ASSERT_OK(fetcher->fetch(blob_, path, {}));
    EXPECT_TRUE(read_file(path).value() == *expected);
    EXPECT_FALSE(fetcher->fetch(blob_ + "x", path, {}).has_value());
  }
}

TEST_P(UploadContractTest, ProgressIsOfTheDisk) {
  auto disk = sparse_disk();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_OK(report);
  std::uint64_t before = 0;
  std::uint64_t last = 0;
  std::map<std::string, std::string> fields;
  for (const auto& event : events_.events()) {
    if (event.type != EventType::kProgress) continue;
    EXPECT_EQ(event.step_id, "distribute-01");
    EXPECT_EQ(event.progress->total, disk.size());
    EXPECT_EQ(event.progress->unit, "bytes");
    EXPECT_GE(event.progress->done, before);
    before = last = event.progress->done;
    fields = event.fields;
  }
  EXPECT_EQ(last, disk.size());
  EXPECT_EQ(fields["sentBytes"], std::to_string(report->sent_bytes - kVhdFooterSize));
  EXPECT_EQ(fields["keptBytes"], "0");
  EXPECT_EQ(report->zero_bytes + report->sent_bytes, report->blob_size);
  EXPECT_TRUE(was_told("not sent because they are zero"));
}

TEST_P(UploadContractTest, ThroughTheDistributor) {
  const auto sas = service_->sas(container_);
  ASSERT_OK(sas);
  const auto body = JsonReader::of(
      {{"type", "VHD"},
       {"runOutputName", "blob"},
       {"uri", container_ + "?" + *sas},
       {"artifactTags", {{"owner", "me"}, {"cost-center", "42"}, {"Stage2", "a b"}}}},
      "t.json");
  const MapEnvironment environment;
  Diagnostics found;
  const ContractContext contract{kNewestVersion, found};
  const auto record = check_record(body, kVhdType, contract);
  ASSERT_TRUE(record.has_value());
  const auto distributor = parse_vhd_distributor(*record, contract, environment, options_.blob);
  ASSERT_OK(distributor);
  Redactor redactor;
  DistributeContext context{events_, "distribute-02", {}, redactor, {}, false, "image"};
  auto disk = sparse_disk();
  ASSERT_OK((*distributor)->check(context, disk.size()));
  EXPECT_TRUE(was_told("cost-center"));
  FinishedDisk finished{disk, "image"};
  const auto artifact = (*distributor)->distribute(finished, context);
  ASSERT_OK(artifact);
  blob_ = container_ + "/image.vhd";
  EXPECT_EQ(artifact->artifact_uri, blob_) << "without any signature";
  EXPECT_EQ(artifact->size_bytes, 41 * kMiB + 512);
  EXPECT_EQ(artifact->details.at("tag:cost-center"), "42");
  EXPECT_EQ(artifact->details.at("contentDigest").size(), 32U);
  expect_uploaded(disk);
  auto opened = PageBlob::open(with_key(blob_), options_.blob);
  ASSERT_OK(opened);
  const auto properties = opened->properties({});
  ASSERT_OK(properties);
  EXPECT_EQ((*properties)->metadata.at("owner"), "me");
  EXPECT_EQ((*properties)->metadata.at("stage2"), "a b");
  EXPECT_FALSE((*properties)->metadata.contains("cost-center"));
  const auto signature = sas->substr(sas->find("sig=") + 4);
  EXPECT_EQ(redactor.redact(signature), "***");
  // Idempotent: the second delivery finds the first.
  EXPECT_THAT((*distributor)->check(context, disk.size()), FailsWith("Storage:BlobAlreadyExists"));
}

INSTANTIATE_TEST_SUITE_P(Peers,
                         UploadContractTest,
                         ::testing::Values(Peer::kAzurite, Peer::kStrict),
                         [](const auto& parameter) {
                           return parameter.param == Peer::kAzurite ? "Azurite" : "Strict";
                         });

}  // namespace
}  // namespace kiln::test
