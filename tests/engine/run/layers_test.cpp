#include <fstream>

#include "engine/core/digest.h"
#include "engine/core/temp_dir.h"
#include "engine/run/layers/find_layers.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;
namespace fs = std::filesystem;

constexpr const char* kShell = R"({"type":"Shell","name":"one","inline":["echo 1"]})";
constexpr const char* kFile =
    R"({"type":"File","name":"two","sourceUri":"a","destination":"/etc/a"})";

LayerPolicy policy(bool enabled, bool network, const std::string& from = "") {
  LayerPolicy policy;
  policy.enabled = enabled;
  policy.network = network;
  policy.from = from;
  return policy;
}

class LayersTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_.path() / "disk.raw").close();
    fs::resize_file(folder_.path() / "disk.raw", kMiB);
    std::ofstream(folder_.path() / "a") << "a";
  }

  [[nodiscard]] Plan plan(const std::string& customize, PlanOptions options = {}) const {
    options.template_folder = folder_.path();
    options.catalog = folder_.path() / "catalog.json";
    auto text = R"({"type":"Microsoft.VirtualMachineImages/imageTemplates","name":"web",
      "apiVersion":"2023-07-01","properties":{"source":{"type":"KilnLocalImage","path":"disk.raw"},
      "customize":[)" +
                customize + R"(],"distribute":[{"type":"VHD","runOutputName":"vhd"}]}})";
    return *make_plan(*check_template(*parse_template(text, "web.json")), std::move(options));
  }
  [[nodiscard]] std::string both() const { return std::string(kShell) + "," + kFile; }

  [[nodiscard]] InputDigest contents(const std::string& of_all) const {
    return [of_all](const StepInput&) { return std::optional(sha256_hex(of_all)); };
  }

  /// A layer over `below`, published as a build does it.
  /// @param system what ran, if anything did
  Layer make(const std::string& key,
             const Layer* below = nullptr,
             std::size_t bytes = 4096,
             const std::string& system = "") {
    Layer layer;
    if (below != nullptr) layer.files = below->files;
    layer.files.insert(layer.files.begin(), {key, new_layer_id(), {}});
    const auto file = work_ / (layer.files.front().id + ".qcow2");
    fs::create_directories(work_);
    std::ofstream(file) << std::string(bytes, 'x');
    layer.files.front().state = *layer_state(file);
    layer.bytes = layer_bytes(file);
    EXPECT_OK(store_.add_file(file));
    if (!system.empty()) {
      const auto saved = work_ / saved_system_name(layer.files.front().id);
      std::ofstream(saved) << system;
      layer.system = *layer_state(saved);
      EXPECT_OK(store_.add_file(saved));
    }
    EXPECT_OK(store_.publish(layer));
    return layer;
  }
  /// The run that made them is over.
  void end_run() const { fs::remove_all(work_); }
  [[nodiscard]] fs::path file_of(const Layer& layer) const {
    return store_.folder() / (layer.files.front().id + ".qcow2");
  }
  void used(const std::string& key, int hours_ago) const {
    fs::last_write_time(store_.folder() / (key + ".json"),
                        fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }

  TempDir folder_ = *TempDir::create();
  fs::path work_ = folder_.path() / "work";
  LayerStore store_ = LayerStore(folder_.path());
};

TEST_F(LayersTest, KeysTellWhatReachesTheDiskAndNothingElse) {
  const auto base = source_key(plan(both()), "c");
  const auto key = [&](const std::string& customize, const std::string& input) {
    return *steps_key("below", plan(customize), 0, 2, contents(input));
  };
  const auto known = key(both(), "a");
  EXPECT_EQ(
      key(R"({"type":"Shell","name":"other","inline":["echo 1"]},)" + std::string(kFile), "a"),
      known);
  EXPECT_NE(key(R"({"type":"Shell","inline":["echo 2"]},)" + std::string(kFile), "a"), known);
  EXPECT_NE(key(both(), "changed"), known);
  EXPECT_NE(*steps_key("else", plan(both()), 0, 2, contents("a")), known);
  EXPECT_NE(*finished_key("below", plan(both()), 0, contents("a")), known);
  PlanOptions skipping;
  skipping.generalize_skip = {"logs"};
  EXPECT_NE(*finished_key("below", plan(both(), skipping), 0, contents("a")),
            *finished_key("below", plan(both()), 0, contents("a")));

  PlanOptions networked;
  networked.sandbox.network = true;
  EXPECT_NE(source_key(plan(both(), networked), "c"), base);
  PlanOptions booted;
  booted.mode = SandboxMode::kBoot;
  EXPECT_NE(source_key(plan(both(), booted), "c"), base);
  EXPECT_NE(source_key(plan(both()), "d"), base);
  EXPECT_NE(source_key(plan(both()), "c", "m"), base);
}

TEST_F(LayersTest, AnInputThatIsNotKnownHasNoKey) {
  const auto unknown = [](const StepInput&) { return std::optional<std::string>(); };
  EXPECT_TRUE(steps_key("below", plan(both()), 0, 1, unknown).has_value());
  EXPECT_FALSE(steps_key("below", plan(both()), 0, 2, unknown).has_value());
}

TEST_F(LayersTest, WhatMayBeReusedIsTheUsersAndTheStepsChoice) {
  const auto made = plan(both());
  const auto reusable = [&](LayerPolicy policy) { return reusable_steps(made, policy).value(); };
  EXPECT_EQ(reusable({}), 3U);
  EXPECT_EQ(reusable(policy(false, false)), 0U);
  EXPECT_EQ(reusable(policy(true, false, "customize-02")), 1U);
  EXPECT_EQ(reusable(policy(true, false, "2")), 1U);
  EXPECT_EQ(reusable(policy(true, false, "one")), 0U);
  EXPECT_EQ(reusable(policy(true, false, "generalize")), 2U);
  EXPECT_THAT(reusable_steps(made, policy(true, false, "three")), FailsWith("Layer:NoSuchStep"));

  const auto always =
      plan(kShell + std::string(R"(,{"type":"Shell","name":"get [no-cache]","inline":["x"]})"));
  EXPECT_EQ(reusable_steps(always, {}).value(), 1U);
  PlanOptions networked;
  networked.sandbox.network = true;
  EXPECT_EQ(reusable_steps(plan(both(), networked), {}).value(), 0U);
  EXPECT_EQ(reusable_steps(plan(both(), networked), policy(true, true)).value(), 3U);
}

TEST_F(LayersTest, FindsTheDeepestLayerThatFits) {
  const auto made = plan(both());
  const auto find = [&](std::size_t reusable) {
    return find_layers(store_, made, "base", reusable, contents("a"));
  };
  EXPECT_EQ(find(3).deepest(), nullptr);
  const auto one = make(*steps_key("base", made, 0, 1, contents("a")));
  const auto two = make(*steps_key(one.files.front().id, made, 1, 2, contents("a")), &one);
  EXPECT_EQ(find(3).steps_done(), 2U);
  EXPECT_EQ(find(1).steps_done(), 1U);
  EXPECT_EQ(find(0).deepest(), nullptr);
  const auto all = make(*finished_key(two.files.front().id, made, 2, contents("a")), &two);
  EXPECT_EQ(find(3).finished->files.size(), 3U);
  EXPECT_FALSE(find(2).finished.has_value());
  // Made anew, as by --from: what lay over the old one fits no more.
  make(one.key());
  EXPECT_EQ(find(3).steps_done(), 1U);
  EXPECT_FALSE(find(3).finished.has_value());
}

TEST_F(LayersTest, AFileWithoutARecordOrWrittenSinceIsNoLayer) {
  const auto below = make("aa");
  const auto layer = make("bb", &below);
  ASSERT_TRUE(store_.find("bb").has_value());
  std::ofstream(file_of(below), std::ios::app) << "more";
  EXPECT_FALSE(store_.find("bb").has_value());
  EXPECT_FALSE(store_.find("cc").has_value());
  const auto torn = make("dd");
  std::ofstream(store_.folder() / "dd.json") << "{\"formatVersion\":1,\"fil";
  EXPECT_FALSE(store_.find("dd").has_value());
}

TEST_F(LayersTest, ALinkOutlivesTheStore) {
  const auto below = make("aa");
  const auto layer = make("bb", &below);
  end_run();
  const auto run = folder_.path() / "run";
  fs::create_directories(run);
  const auto files = store_.link(*store_.find("bb"), run);
  ASSERT_OK(files);
  EXPECT_THAT(*files, SizeIs(2));
  EXPECT_EQ(files->front().filename(), file_of(layer).filename());
  ASSERT_OK(store_.shrink(0));
  EXPECT_THAT(store_.list(), SizeIs(0));
  EXPECT_EQ(fs::file_size(files->back()), 4096U);
}

TEST_F(LayersTest, TheLeastRecentlyUsedGoesFirstAndNothingUnderAnother) {
  constexpr std::size_t kSize = 64 * kKiB;
  const auto below = make("aa", nullptr, kSize);
  make("bb", &below, kSize);
  const auto other = make("cc", nullptr, kSize);
  end_run();
  used("aa", 9);
  used("cc", 5);
  used("bb", 1);
  const auto told = store_.shrink(2 * kSize, /*dry_run=*/true);
  ASSERT_OK(told);
  EXPECT_THAT(*told, SizeIs(1));
  EXPECT_TRUE(fs::exists(file_of(other)));
  const auto removed = store_.shrink(2 * kSize);
  ASSERT_OK(removed);
  ASSERT_THAT(*removed, SizeIs(1));
  EXPECT_EQ(removed->front().key(), "cc");  // aa is older, but bb lies over it
  EXPECT_FALSE(fs::exists(file_of(other)));
  EXPECT_TRUE(store_.find("bb").has_value());
}

TEST_F(LayersTest, WhatARunIsMakingIsNotRemoved) {
  fs::create_directories(work_);
  const auto file = work_ / (new_layer_id() + ".qcow2");
  std::ofstream(file) << "data";
  ASSERT_OK(store_.add_file(file));
  ASSERT_OK(store_.shrink(0));
  EXPECT_TRUE(fs::exists(store_.folder() / file.filename()));
  end_run();  // as kill -9 and `runs gc` leave it
  ASSERT_OK(store_.shrink(0));
  EXPECT_FALSE(fs::exists(store_.folder() / file.filename()));
}

TEST_F(LayersTest, VerifyRemovesADamagedLayerAndWhatLiesOverIt) {
  const auto below = make("aa");
  make("bb", &below);
  make("cc");
  end_run();
  EXPECT_THAT(*store_.verify({}), SizeIs(0));
  const auto path = file_of(below);
  const auto time = fs::last_write_time(path);
  std::fstream(path, std::ios::in | std::ios::out) << "y";  // of the same length, as decay is
  fs::last_write_time(path, time);
  const auto found = store_.verify({});
  ASSERT_OK(found);
  ASSERT_THAT(*found, SizeIs(2));
  EXPECT_THAT(found->front().what, HasSubstr("other contents"));
  EXPECT_EQ(found->back().key, "bb");
  EXPECT_FALSE(fs::exists(path));
  ASSERT_THAT(store_.list(), SizeIs(1));
  EXPECT_EQ(store_.list().front().key(), "cc");
}

TEST_F(LayersTest, ASavedSystemGoesWithItsLayer) {
  const auto layer = make("aa", nullptr, 4096, "memory");
  const auto system = store_.folder() / saved_system_name(layer.files.front().id);
  end_run();
  const auto run = folder_.path() / "run";
  fs::create_directories(run);
  const auto found = store_.find("aa");
  ASSERT_TRUE(found.has_value());
  ASSERT_OK(store_.link(*found, run));
  EXPECT_TRUE(fs::exists(run / system.filename()));
  EXPECT_THAT(*store_.verify({}), SizeIs(0));

  const auto time = fs::last_write_time(system);
  std::fstream(system, std::ios::in | std::ios::out) << "y";
  EXPECT_FALSE(store_.find("aa").has_value());
  fs::last_write_time(system, time);
  ASSERT_TRUE(store_.find("aa").has_value());
  EXPECT_THAT(*store_.verify({}), SizeIs(1));
  EXPECT_FALSE(store_.find("aa").has_value());
  EXPECT_TRUE(fs::exists(system));  // the run has it
  fs::remove_all(run);
  ASSERT_OK(store_.shrink(0));
  EXPECT_FALSE(fs::exists(system));
}

}  // namespace
}  // namespace kiln
