#include "disk/formats/vhd_footer.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"
#include "tests/uploaders/support/map_environment.h"
#include "tests/uploaders/support/pattern_disk.h"
#include "uploaders/local_folder/local_file.h"
#include "uploaders/vhd/vhd_distributor.h"

namespace kiln::test {
namespace {

Result<std::unique_ptr<Distributor>> parse(const std::string& text) {
  auto body = JsonReader::parse(text, "t.json");
  if (!body) return std::move(body).error();
  return parse_distributor(*body);
}

TEST(VhdParseTest, TheSmallestForm) {
  const auto distributor = parse(R"({"type": "VHD", "runOutputName": "out-1_2.3"})");
  ASSERT_OK(distributor);
  EXPECT_EQ((*distributor)->type(), "VHD");
  EXPECT_EQ((*distributor)->run_output_name(), "out-1_2.3");
  EXPECT_EQ((*distributor)->describe(), "fixed VHD in the output folder");
}

TEST(VhdParseTest, Targets) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "fixed VHD in the output folder"},
      {"/tmp/x.vhd", "fixed VHD /tmp/x.vhd"},
      {"file:///tmp/a%20b.vhd", "fixed VHD /tmp/a b.vhd"},
      {"https://a.blob.example/c/b.vhd?sv=1&sig=topsecret",
       "fixed VHD as the page blob https://a.blob.example/c/b.vhd"},
      {"https://a.blob.example/c",
       "fixed VHD as the page blob https://a.blob.example/c/(name of the image).vhd"},
  };
  for (const auto& [uri, description] : cases) {
    const auto distributor =
        parse(R"({"type": "VHD", "runOutputName": "o", "uri": ")" + uri + "\"}");
    ASSERT_OK(distributor);
    EXPECT_EQ((*distributor)->describe(), description);
  }
}

TEST(VhdParseTest, Errors) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"type": "VHD"})", "Template:MissingField"},
      {R"({"runOutputName": "o"})", "Template:MissingField"},
      {R"({"type": "VHD", "runOutputName": ""})", "Distribute:RunOutputName"},
      {R"({"type": "VHD", "runOutputName": "a b"})", "Distribute:RunOutputName"},
      {R"({"type": "VHD", "runOutputName": 3})", "Json:WrongType"},
      {R"({"type": "VHD", "runOutputName": "o", "artifactTags": {"a": 1}})", "Json:WrongType"},
      {R"({"type": "VHD", "runOutputName": "o", "artifactTags": []})", "Json:WrongType"},
      {R"({"type": "VHD", "runOutputName": "o", "uri": "s3://b/k"})", "Template:UriScheme"},
      {R"({"type": "VHD", "runOutputName": "o", "uri": "https://a.blob.example/"})", "Blob:Url"},
      {R"({"type": "VHD", "runOutputName": "o", "uri": "https://h"})", "Blob:Url"},
      {R"({"type": "vhd", "runOutputName": "o"})", "Template:UnknownType"},
      {R"({"type": "ManagedImage", "runOutputName": "o"})", "Template:MissingField"},
      {R"({"type": "SharedImage", "runOutputName": "o"})", "Template:MissingField"},
  };
  for (const auto& [text, code] : cases) {
    const auto distributor = parse(text);
    EXPECT_THAT(distributor, FailsWith(code)) << text;
    if (!distributor) {
      EXPECT_NE(distributor.error().where(), "") << text;
    }
  }
  EXPECT_THAT(parse(R"({"type": "VHD", "runOutputName": ")" + std::string(65, 'a') + "\"}"),
              FailsWith("Distribute:RunOutputName"));
  EXPECT_OK(parse(R"({"type": "VHD", "runOutputName": ")" + std::string(64, 'a') + "\"}"));
}

TEST(VhdParseTest, MisspellingsHaveCures) {
  const auto field = parse(R"({"type": "VHD", "runOutputName": "o", "aritfactTags": {}})");
  ASSERT_FALSE(field.has_value());
  EXPECT_NE(field.error().describe().find("artifactTags"), std::string::npos);
  const auto type = parse(R"({"type": "VDH", "runOutputName": "o"})");
  ASSERT_FALSE(type.has_value());
  EXPECT_EQ(type.error().cure(), "did you mean \"VHD\"?");
}

class VhdFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_OK(made);
    folder_.emplace(*std::move(made));
    context_.output_folder = folder_->path() / "out";
    context_.suggested_name = "image";
  }

  Result<Artifact> deliver(const std::string& text) {
    KILN_TRY_ASSIGN(const auto distributor, parse(text));
    KILN_TRY(distributor->check(context_, disk_.size()));
    FinishedDisk finished{disk_, "image"};
    return distributor->distribute(finished, context_);
  }

  std::optional<TempDir> folder_;
  RecordingSink events_;
  Redactor redactor_;
  DistributeContext context_{events_, "distribute-01", {}, redactor_, {}, false, {}};
  PatternDisk disk_{3 * kMiB + 4096, {{0, 4096}, {kMiB, 128 * kKiB}}};
};

constexpr const char* kPlain =
    R"({"type": "VHD", "runOutputName": "o", "artifactTags": {"owner": "me"}})";

TEST_F(VhdFileTest, WritesIntoTheOutputFolder) {
  const auto artifact = deliver(kPlain);
  ASSERT_OK(artifact);
  const auto path = context_.output_folder / "image.vhd";
  EXPECT_EQ(artifact->artifact_uri, path.string());
  EXPECT_EQ(artifact->run_output_name, "o");
  EXPECT_EQ(artifact->type, "VHD");
  EXPECT_EQ(artifact->size_bytes, 4 * kMiB + 512) << "whole MiB and a footer";
  EXPECT_EQ(artifact->details.at("tag:owner"), "me");
  EXPECT_EQ(artifact->details.at("contentDigest").size(), 32U);
  const auto file = read_file(path);
  ASSERT_OK(file);
  ASSERT_EQ(file->size(), artifact->size_bytes);
  std::vector<std::byte> expected(4 * kMiB);
  disk_.fill(0, expected);
  const auto contents = std::as_bytes(std::span(*file));
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), contents.begin()));
  const auto footer = parse_vhd_footer(contents.last(512));
  ASSERT_OK(footer);
  EXPECT_EQ(footer->current_size, 4 * kMiB);
  const auto all = events_.events();
  const auto last = std::find_if(all.rbegin(), all.rend(), [](const Event& event) {
    return event.type == EventType::kProgress;
  });
  ASSERT_NE(last, all.rend());
  EXPECT_EQ(last->step_id, "distribute-01");
  EXPECT_EQ(last->progress->done, last->progress->total);
  EXPECT_EQ(last->fields.at("percent"), "100");
}

TEST_F(VhdFileTest, FoldersGetTheNameAppended) {
  const auto artifact = deliver(R"({"type": "VHD", "runOutputName": "o", "uri": ")" +
                                (folder_->path() / "sub/").string() + "\"}");
  ASSERT_OK(artifact);
  EXPECT_EQ(artifact->artifact_uri, (folder_->path() / "sub/image.vhd").string());
}

TEST_F(VhdFileTest, ReplacesOnlyWhenAsked) {
  ASSERT_OK(deliver(kPlain));
  EXPECT_THAT(deliver(kPlain), FailsWith("LocalFile:Exists"));
  const auto distributor = parse(kPlain);
  ASSERT_OK(distributor);
  FinishedDisk finished{disk_, "image"};
  EXPECT_THAT((*distributor)->distribute(finished, context_), FailsWith("LocalFile:Exists"))
      << "also without check()";
  context_.overwrite = true;
  EXPECT_OK(deliver(kPlain));
}

TEST_F(VhdFileTest, UnusableFolders) {
  ASSERT_OK(write_file_atomic(folder_->path() / "file", "x"));
  context_.output_folder = folder_->path() / "file" / "sub";
  EXPECT_THAT(deliver(kPlain), FailsWith("LocalFile:Folder"));
  context_.output_folder = folder_->path();
  std::filesystem::create_directory(folder_->path() / "image.vhd");
  EXPECT_THAT(deliver(kPlain), FailsWith("LocalFile:NotAFile"));
}

TEST(RoomTest, Verdicts) {
  EXPECT_EQ(judge_room(30 * kGiB + 512, 30 * kGiB), RoomVerdict::kEnough);
  EXPECT_EQ(judge_room(30 * kGiB, 30 * kGiB), RoomVerdict::kMaybe);
  EXPECT_EQ(judge_room(2 * kGiB, 30 * kGiB), RoomVerdict::kMaybe);
  EXPECT_EQ(judge_room(10 * kMiB, 30 * kGiB), RoomVerdict::kTooLittle);
  EXPECT_EQ(judge_room(0, kMiB), RoomVerdict::kTooLittle);
  EXPECT_EQ(judge_room(kMiB + 512, kMiB), RoomVerdict::kEnough);
}

}  // namespace
}  // namespace kiln::test
