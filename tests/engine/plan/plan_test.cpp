#include "engine/plan/plan.h"

#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/temp_dir.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"
#include "uploaders/cloud/cloud_profiles.h"

namespace kiln {
namespace {

class PlanTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_.path() / "disk.raw").close();
    std::filesystem::resize_file(folder_.path() / "disk.raw", kMiB + 512);
    write("a");
    write("b.sh");
  }

  /// @param more properties, each with a comma before it
  static Result<CheckedTemplate> check(const std::string& customize,
                                       const std::string& distribute,
                                       std::vector<Error>* others = nullptr,
                                       const std::string& more = "") {
    KILN_TRY_ASSIGN(auto image_template,
                    parse_template(R"({"type":"Microsoft.VirtualMachineImages/imageTemplates",
      "name":"web","apiVersion":"2023-07-01","properties":{
      "source":{"type":"KilnLocalImage","path":"disk.raw","hyperVGeneration":"V2"},
      "customize":[)" + customize + R"(],"distribute":[)" +
                                       distribute + "]" + more + "}}",
                                   "web.json"));
    return check_template(std::move(image_template), others);
  }

  void write(const std::string& name, const std::string& text = "x") const {
    std::ofstream(folder_.path() / name) << text;
  }

  PlanOptions options() const {
    PlanOptions options;
    options.template_folder = folder_.path();
    options.catalog = folder_.path() / "catalog.json";
    return options;
  }

  Result<Plan> plan() const {
    KILN_TRY_ASSIGN(auto checked,
                    check(R"({"type":"Shell","name":"hello","inline":["echo hi"]},
                             {"type":"File","sourceUri":"a","destination":"/etc/a"})",
                          R"({"type":"VHD","runOutputName":"vhd"})"));
    return make_plan(std::move(checked), options());
  }

  TempDir folder_ = *TempDir::create();
};

TEST_F(PlanTest, NumbersStepsAndTargetsInTheTemplatesOrder) {
  const auto made = plan();
  ASSERT_OK(made);
  ASSERT_EQ(made->checked.steps.size(), 2U);
  EXPECT_EQ(made->checked.steps[0].id, "customize-01");
  EXPECT_EQ(made->checked.steps[1].customizer->type(), "File");
  EXPECT_EQ(made->checked.targets[0].id, "distribute-01");
}

TEST_F(PlanTest, ShowsEverythingThatABuildWouldDo) {
  const auto made = plan();
  ASSERT_OK(made);
  const auto text = describe_plan(*made);
  for (const char* expected : {"web (api-version 2023-07-01)",
                               "disk.raw",
                               "generation V2",
                               "appliance",
                               "network off",
                               "Shell \"hello\"",
                               "fetches a",
                               "no sha256Checksum",
                               "2.0 MiB",
                               "VHD \"vhd\"",
                               "240 min"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected << " in\n" << text;
  }
}

TEST_F(PlanTest, BootsOnlyWhereThatIsAskedFor) {
  const auto made_with = [&](SandboxMode mode) {
    auto checked =
        check(R"({"type":"Shell","inline":["a"]})", R"({"type":"VHD","runOutputName":"a"})");
    auto chosen = options();
    chosen.mode = mode;
    return make_plan(*std::move(checked), chosen);
  };
  const auto automatic = made_with(SandboxMode::kAuto);
  ASSERT_OK(automatic);
  EXPECT_EQ(automatic->sandbox, "appliance");
  EXPECT_EQ(made_with(SandboxMode::kMount)->sandbox, "appliance");
  const auto booted = made_with(SandboxMode::kBoot);
  ASSERT_OK(booted);
  EXPECT_EQ(booted->sandbox, "guest");
  EXPECT_EQ(booted->options.sandbox.firmware, Firmware::kUefi);  // generation V2
  const auto text = describe_plan(*booted);
  EXPECT_NE(text.find("guest: --mode boot asks for it"), std::string::npos) << text;
  EXPECT_NE(text.find("in the booted system: all steps"), std::string::npos) << text;
  const auto step = plan_to_json(*booted)["steps"][0];
  EXPECT_EQ(step["runsIn"], "booted system");
  EXPECT_EQ(plan_to_json(*automatic)["steps"][0]["runsIn"], "mounted image");
  EXPECT_EQ(plan_to_json(*automatic)["steps"][0]["because"], "it can run in the mounted image");
}

TEST_F(PlanTest, AStepThatNeedsTheSystemDecides) {
  const auto made_with = [&](SandboxMode mode) {
    auto checked = check(R"({"type":"Shell","inline":["a"]},{"type":"KilnRestart"})",
                         R"({"type":"VHD","runOutputName":"a"})");
    auto chosen = options();
    chosen.mode = mode;
    return make_plan(*std::move(checked), chosen);
  };
  const auto made = made_with(SandboxMode::kAuto);
  ASSERT_OK(made);
  EXPECT_EQ(made->sandbox, "guest");
  EXPECT_EQ(made->sandbox_reason, "step 2 (KilnRestart) needs the image's own system");
  EXPECT_EQ(plan_to_json(*made)["steps"][1]["because"], "only a running system can be restarted");
  const auto refused = made_with(SandboxMode::kMount);
  ASSERT_THAT(refused, test::FailsWith("Plan:NeedsBoot"));
  EXPECT_NE(refused.error().where().find("/customize/1"), std::string::npos);
}

TEST_F(PlanTest, EqualInputsGiveEqualPlans) {
  const auto first = plan();
  const auto second = plan();
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_EQ(plan_to_json(*first), plan_to_json(*second));
  EXPECT_EQ(plan_to_json(*first)["disk"]["virtualSize"], 2 * kMiB);
}

TEST_F(PlanTest, RefusesARepeatedRunOutputName) {
  const auto checked = check("", R"({"type":"VHD","runOutputName":"a"},
                                    {"type":"VHD","runOutputName":"a"})");
  ASSERT_FALSE(checked.has_value());
  EXPECT_NE(checked.error().where().find("/properties/distribute/1"), std::string::npos);
}

TEST_F(PlanTest, PlansInFullWhatCannotBeBuiltYet) {
  auto checked = check(R"({"type":"Shell","name":"sh","inline":["a"]})",
                       R"({"type":"ManagedImage","runOutputName":"m","location":"x","imageId":
                  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i"})",
                       nullptr,
                       R"(,"additionalDataDisks":[{"sizeGB":4}])");
  ASSERT_OK(checked);
  const auto made = make_plan(*std::move(checked), options());
  ASSERT_OK(made);
  ASSERT_EQ(made->blockers.size(), 1U) << "a managed image can be made";
  EXPECT_EQ(made->blockers[0].code(), "Template:NotYetSupported");
  EXPECT_FALSE(made->blockers[0].where().empty());
  const auto text = describe_plan(*made);
  EXPECT_NE(text.find("Shell \"sh\": 1 inline line"), std::string::npos) << text;
  EXPECT_NE(text.find("Not yet     "), std::string::npos) << text;
  EXPECT_EQ(plan_to_json(*made).at("blockers").size(), 1U);
}

TEST_F(PlanTest, RefusesWhatTheCloudLacks) {
  const auto lacking = [&](const Cloud& cloud, bool staging) {
    auto checked = check("",
                         R"({"type":"ManagedImage","runOutputName":"m","location":"x","imageId":
                  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i"},
                            {"type":"SharedImage","runOutputName":"s","galleryImageId":
                  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/g/images/d"})");
    EXPECT_OK(checked);
    auto chosen = options();
    chosen.cloud = cloud;
    chosen.staging_container = staging;
    const auto made = make_plan(*std::move(checked), std::move(chosen));
    std::vector<std::string> codes;
    for (const auto& blocker : made->blockers) codes.push_back(blocker.code());
    return codes;
  };
  auto hub = stack_hub_profile();
  hub.name = "hub";
  using Codes = std::vector<std::string>;
  EXPECT_EQ(lacking(hub, true), (Codes{"Cloud:NoGeneration2", "Cloud:NoGalleries"}));
  hub.generation2 = true;
  EXPECT_EQ(lacking(hub, false), (Codes{"Cloud:NoDiskUpload", "Cloud:NoGalleries"}));
  EXPECT_EQ(lacking(hub, true), Codes{"Cloud:NoGalleries"});
  EXPECT_EQ(lacking(*find_cloud("china"), false), Codes{});
}

TEST_F(PlanTest, NamesTheCloudWhereATargetNeedsOne) {
  const auto planned = [&](const std::string& target) {
    auto checked = check("", target);
    EXPECT_OK(checked);
    auto chosen = options();
    chosen.cloud = *find_cloud("china");
    chosen.cloud_chosen_by = "--cloud";
    return make_plan(*std::move(checked), std::move(chosen)).value();
  };
  const auto image = planned(
      R"({"type":"ManagedImage","runOutputName":"m","location":"x","imageId":
          "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i"})");
  EXPECT_NE(describe_plan(image).find(
                "\nCloud       AzureChinaCloud at https://management.chinacloudapi.cn (--cloud)\n"),
            std::string::npos)
      << describe_plan(image);
  const auto cloud = plan_to_json(image).at("cloud");
  EXPECT_EQ(cloud.at("name"), "AzureChinaCloud");
  EXPECT_EQ(cloud.at("chosenBy"), "--cloud");
  const auto vhd = planned(R"({"type":"VHD","runOutputName":"a"})");
  EXPECT_EQ(describe_plan(vhd).find("Cloud "), std::string::npos);
  EXPECT_FALSE(plan_to_json(vhd).contains("cloud"));
}

TEST_F(PlanTest, ValidatorsRunInASystemUnlessMountingIsAskedFor) {
  const auto plan_in = [&](SandboxMode mode) {
    auto checked = check("",
                         R"({"type":"VHD","runOutputName":"a"})",
                         nullptr,
                         R"(,"validate":{"continueDistributeOnFailure":true,"inVMValidations":
                            [{"type":"Shell","inline":["true"]}]})");
    EXPECT_OK(checked);
    auto chosen = options();
    chosen.mode = mode;
    return make_plan(*std::move(checked), chosen);
  };
  for (const auto mode : {SandboxMode::kAuto, SandboxMode::kBoot}) {
    const auto made = plan_in(mode);
    ASSERT_OK(made);
    EXPECT_TRUE(made->blockers.empty());
    EXPECT_EQ(made->sandbox, mode == SandboxMode::kAuto ? "appliance" : "guest");
    EXPECT_EQ(made->validation_sandbox, "guest");
    const auto text = describe_plan(*made);
    EXPECT_NE(text.find("Validate    guest: validators run in a system booted from the image"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("targets are served even if a check fails"), std::string::npos) << text;
  }
  const auto mounted = plan_in(SandboxMode::kMount);
  ASSERT_OK(mounted);
  EXPECT_EQ(mounted->validation_sandbox, "appliance");
  EXPECT_EQ(plan_to_json(*mounted)["validate"]["sandbox"]["reason"], "--mode mount asks for it");
}

TEST_F(PlanTest, ValidatingTheSourceBuildsNothing) {
  const auto validate = [](const std::string& checks) {
    return R"(,"validate":{"sourceValidationOnly":true,"inVMValidations":[)" + checks + "]}";
  };
  // Neither the step nor the target could be built, and neither is.
  const auto plan_with = [&](const std::string& checks) {
    auto checked = check(R"({"type":"WindowsUpdate"})",
                         R"({"type":"ManagedImage","runOutputName":"m","location":"x","imageId":
                  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i"})",
                         nullptr,
                         validate(checks));
    EXPECT_OK(checked);
    return make_plan(*std::move(checked), options());
  };
  const auto made = plan_with(R"({"type":"Shell","inline":["true"]})");
  ASSERT_OK(made);
  EXPECT_FALSE(made->builds());
  EXPECT_TRUE(made->blockers.empty());
  const auto json = plan_to_json(*made);
  EXPECT_EQ(json["validate"]["sourceValidationOnly"], true);
  EXPECT_EQ(json["validate"]["steps"].size(), 1U);
  EXPECT_TRUE(json["steps"].empty());
  EXPECT_TRUE(json["targets"].empty());
  const auto text = describe_plan(*made);
  EXPECT_NE(text.find("Build       nothing, the source itself is validated"), std::string::npos);
  EXPECT_NE(text.find("in a system booted from the source"), std::string::npos) << text;

  const auto idle = plan_with("");
  ASSERT_OK(idle);
  constexpr const char* kIdle = "sourceValidationOnly without inVMValidations validates nothing";
  EXPECT_THAT(warnings(*idle), testing::Contains(kIdle));
  EXPECT_THAT(warnings(*made), testing::Not(testing::Contains(kIdle)));
}

TEST_F(PlanTest, AMissingSourceLeavesAPlanThatSaysSo) {
  auto checked =
      check(R"({"type":"Shell","inline":["a"]})", R"({"type":"VHD","runOutputName":"a"})");
  ASSERT_OK(checked);
  std::filesystem::remove(folder_.path() / "disk.raw");
  const auto made = make_plan(*std::move(checked), options());
  ASSERT_OK(made);
  EXPECT_FALSE(made->source_found());
  ASSERT_EQ(made->blockers.size(), 1U);
  EXPECT_EQ(made->blockers[0].code(), "Source:FileMissing");
  EXPECT_EQ(plan_to_json(*made).at("source").at("found"), false);
}

TEST_F(PlanTest, OfflineNamesEveryInputThatIsNotHere) {
  auto checked = check(R"({"type":"Shell","scriptUri":"https://h/a.sh"},
                          {"type":"Shell","scriptUri":"b.sh"})",
                       R"({"type":"VHD","runOutputName":"a"})");
  ASSERT_OK(checked);
  auto offline = options();
  offline.offline = true;
  const auto made = make_plan(*std::move(checked), offline);
  ASSERT_OK(made);
  ASSERT_EQ(made->blockers.size(), 1U);
  EXPECT_EQ(made->blockers[0].code(), "Fetch:Offline");
  EXPECT_NE(made->blockers[0].where().find("/customize/0/scriptUri"), std::string::npos);
}

TEST_F(PlanTest, NamesEveryLocalInputThatIsNotHere) {
  auto checked = check(R"({"type":"Shell","scriptUri":"b.sh"},
                          {"type":"Shell","scriptUri":"gone.sh"},
                          {"type":"Shell","scriptUri":"file:///no/such/file"},
                          {"type":"File","sourceUri":"https://h/a/here","destination":"/x"},
                          {"type":"File","sourceUri":"https://h/a/gone","destination":"/y"},
                          {"type":"File","sourceUri":"https://h/elsewhere","destination":"/z"})",
                       R"({"type":"VHD","runOutputName":"a"})");
  ASSERT_OK(checked);
  write("here");
  write("map.json", R"({"https://h/a/": "."})");
  auto mapped = options();
  auto map = UriMap::load(folder_.path() / "map.json");
  ASSERT_OK(map);
  mapped.uri_map = *std::move(map);
  const auto made = make_plan(*std::move(checked), mapped);
  ASSERT_OK(made);
  std::vector<std::string> found;
  for (const auto& one : made->blockers) {
    EXPECT_FALSE(one.cure().empty());
    found.push_back(one.code() + " " + one.where().substr(one.where().find('/')));
  }
  EXPECT_THAT(found,
              testing::ElementsAre("Fetch:LocalFile /properties/customize/1/scriptUri",
                                   "Fetch:LocalFile /properties/customize/2/scriptUri",
                                   "UriMap:FileMissing /properties/customize/4/sourceUri"));
  EXPECT_NE(made->blockers[0].message().find((folder_.path() / "gone.sh").string()),
            std::string::npos);
}

TEST_F(PlanTest, TwoSpellingsOfAFieldAreRefused) {
  const auto checked = check(R"({"type":"Shell","Inline":["a"],"inline":["b"]})",
                             R"({"type":"VHD","runOutputName":"a"})");
  ASSERT_THAT(checked, test::FailsWith("Template:RepeatedField"));
  EXPECT_EQ(checked.error().message(), R"("Inline" and "inline" are two spellings of one field)");
  EXPECT_EQ(checked.error().cure(), R"(keep one of the two, as "inline")");
}

TEST_F(PlanTest, RefusesASchemeThatNobodyFetches) {
  std::vector<Error> others;
  const auto checked = check(R"({"type":"Shell","scriptUri":"htps://h/a.sh"},
                                {"type":"File","sourceUri":"s3://h/a","destination":"/x"},
                                {"type":"File","sourceUri":"HTTPS://h/a","destination":"/x"})",
                             R"({"type":"VHD","runOutputName":"a"})",
                             &others);
  ASSERT_THAT(checked, test::FailsWith("Template:UriScheme"));
  EXPECT_EQ(checked.error().cure(), "did you mean \"https:\"?");
  EXPECT_EQ(others.size(), 1U);
  EXPECT_NE(checked.error().where().find("/customize/0/scriptUri"), std::string::npos);
}

TEST_F(PlanTest, RefusesAUriThatNamesNothing) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"https://", "Template:BadUri"},
      {"https:///x", "Template:BadUri"},
      {"http:/x", "Template:BadUri"},
      {"https://h/a b", "Template:BadUri"},
      {"file://host/x", "Template:BadUri"},
      {"file://", "Template:BadUri"},
      {"ftp://h/x", "Template:UriScheme"}};
  for (const auto& [uri, code] : refused) {
    const auto as_json = nlohmann::json(uri).dump();
    const auto target = fmt::format(R"({{"type":"VHD","runOutputName":"a","uri":{}}})", as_json);
    const auto step = fmt::format(R"({{"type":"Shell","scriptUri":{}}})", as_json);
    for (const auto& checked :
         {check("", target), check(step, R"({"type":"VHD","runOutputName":"a"})")}) {
      ASSERT_THAT(checked, test::FailsWith(code)) << uri;
      EXPECT_NE(checked.error().cure(), "");
      EXPECT_NE(checked.error().expected(), "");
      EXPECT_NE(checked.error().value(), "");
    }
  }
  for (const std::string uri :
       {"file:///x", "file:x", "FILE://localhost/x", "/x", "x y", "C:\\\\x"}) {
    EXPECT_OK(check(fmt::format(R"({{"type":"Shell","scriptUri":"{}"}})", uri),
                    R"({"type":"VHD","runOutputName":"a"})"));
  }
}

TEST_F(PlanTest, TwoTargetsOfOneFileAreRefused) {
  const auto checked = check("", R"({"type":"VHD","runOutputName":"a","uri":"/out/x.vhd"},
                                    {"type":"VHD","runOutputName":"b","uri":"/out/./x.vhd"})");
  ASSERT_THAT(checked, test::FailsWith("Template:SameTarget"));
  EXPECT_NE(checked.error().where().find("/properties/distribute/1"), std::string::npos);
  EXPECT_THAT(check("", R"({"type":"VHD","runOutputName":"a","uri":"https://h.x/c/x.vhd?sig=1"},
                           {"type":"VHD","runOutputName":"b","uri":"https://h.x/c/x.vhd?sig=2"})"),
              test::FailsWith("Template:SameTarget"));
  EXPECT_OK(check("", R"({"type":"VHD","runOutputName":"a"},{"type":"VHD","runOutputName":"b"})"));
}

TEST_F(PlanTest, StepsOfTwoSystemsGiveAWarning) {
  const auto checked = check(R"({"type":"Shell","inline":["a"]},{"type":"WindowsRestart"})",
                             R"({"type":"VHD","runOutputName":"a"})");
  ASSERT_OK(checked);
  const auto lines = checked->image_template.found.lines(Severity::kWarning);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("/properties/customize/1"), std::string::npos);
}

TEST_F(PlanTest, AnImageOfWindowsIsBootedWhateverItsStepsAre) {
  write("a");
  const auto plan_of = [&](
                           const std::string& system,
                           const std::function<void(PlanOptions&)>& change = [](auto&) {}) {
    auto chosen = options();
    change(chosen);
    auto image_template = parse_template(R"({"properties": {
        "source": {"type": "KilnLocalImage", "path": "disk.raw", "osType": ")" +
                                             system + R"("},
        "customize": [{"type": "File", "sourceUri": "a", "destination": "/Temp/a"}],
        "distribute": [{"type": "VHD", "runOutputName": "a"}]}})",
                                         "t.json");
    return make_plan(*check_template(*std::move(image_template)), std::move(chosen));
  };
  const auto windows = plan_of("Windows");
  ASSERT_OK(windows);
  EXPECT_TRUE(windows->blockers.empty());
  EXPECT_EQ(windows->sandbox, "windows");
  EXPECT_TRUE(windows->boots());
  EXPECT_EQ(windows->options.sandbox.memory_mib, 4096U);
  const auto text = describe_plan(*windows);
  EXPECT_THAT(text, testing::HasSubstr("windows: programs of Windows run only in a Windows"));
  EXPECT_THAT(text, testing::HasSubstr("4096 MiB"));
  EXPECT_THAT(text, testing::HasSubstr(R"(c:\DeprovisioningScript.ps1 with sysprep)"));
  const auto linux_image = plan_of("Linux");
  ASSERT_OK(linux_image);
  EXPECT_TRUE(linux_image->blockers.empty());
  EXPECT_EQ(linux_image->sandbox, "appliance");
  EXPECT_EQ(linux_image->options.sandbox.memory_mib, 1024U);
  const auto frugal = plan_of("Windows", [](auto& chosen) { chosen.memory_mib = 2048; });
  ASSERT_OK(frugal);
  EXPECT_EQ(frugal->options.sandbox.memory_mib, 2048U);
  EXPECT_THAT(plan_of("Windows", [](auto& chosen) { chosen.mode = SandboxMode::kMount; }),
              test::FailsWith("Plan:WindowsNeedsBoot"));
  EXPECT_THAT(
      plan_of("Windows", [](auto& chosen) { chosen.sandbox.appliance = ApplianceChoice::kMicro; }),
      test::FailsWith("Plan:WindowsNeedsLibguestfs"));
  EXPECT_THAT(plan_of("Windows",
                      [](auto& chosen) {
                        chosen.sandbox.destinations = {{"host.example", 443}};
                      }),
              test::FailsWith("Plan:NoDestinations"));
}

TEST_F(PlanTest, AnImageOfWindowsHasNoOperationsToLeaveOut) {
  const auto plan_of = [&](PlanOptions chosen) {
    auto checked =
        check(R"({"type":"PowerShell","inline":["a"]})", R"({"type":"VHD","runOutputName":"a"})");
    return make_plan(*std::move(checked), std::move(chosen));
  };
  EXPECT_OK(plan_of(options()));
  auto skipping = options();
  skipping.generalize_skip = {"logs"};
  const auto skipped = plan_of(skipping);
  EXPECT_THAT(skipped, test::FailsWith("Plan:WindowsGeneralizes"));
  EXPECT_EQ(skipped.error().where(), "--generalize-skip");
  auto adding = options();
  adding.generalize_also = {"temporary-files"};
  const auto added = plan_of(adding);
  EXPECT_THAT(added, test::FailsWith("Plan:WindowsGeneralizes"));
  EXPECT_EQ(added.error().where(), "--generalize-also");
}

TEST_F(PlanTest, StepsTellTheSystemOfASourceThatDoesNot) {
  const auto system_of = [&](const std::string& steps) {
    auto checked = check(steps, R"({"type":"VHD","runOutputName":"a"})");
    const auto made = make_plan(*std::move(checked), options());
    EXPECT_OK(made);
    return made->sandbox;
  };
  EXPECT_EQ(system_of(R"({"type":"WindowsRestart"})"), "windows");
  EXPECT_EQ(system_of(R"({"type":"PowerShell","inline":["a"]})"), "windows");
  EXPECT_EQ(system_of(R"({"type":"Shell","inline":["a"]})"), "appliance");
}

TEST_F(PlanTest, StepsOfTheOtherSystemAreRefused) {
  const auto plan_of = [&](const std::string& system, const std::string& step) {
    auto image_template = parse_template(R"({"properties": {
        "source": {"type": "KilnLocalImage", "path": "disk.raw", "osType": ")" +
                                             system + R"("}, "customize": [)" + step + R"(],
        "distribute": [{"type": "VHD", "runOutputName": "a"}]}})",
                                         "t.json");
    return make_plan(*check_template(*std::move(image_template)), options());
  };
  const std::string shell = R"({"type": "Shell", "inline": ["a"]})";
  const std::string powershell = R"({"type": "PowerShell", "inline": ["a"]})";
  EXPECT_OK(plan_of("Linux", shell));
  EXPECT_OK(plan_of("Windows", powershell));
  EXPECT_THAT(plan_of("Windows", shell), test::FailsWith("Template:WrongSystem"));
  EXPECT_THAT(plan_of("Linux", powershell), test::FailsWith("Template:WrongSystem"));
}

TEST_F(PlanTest, AValidatorForAnotherSystemGivesAWarning) {
  auto image_template = parse_template(R"({"properties": {
      "source": {"type": "KilnLocalImage", "path": "disk.raw"},
      "customize": [{"type": "PowerShell", "inline": ["a"]}],
      "validate": {"inVMValidations": [{"type": "PowerShell", "inline": ["a"]},
                                       {"type": "Shell", "inline": ["a"]}]},
      "distribute": [{"type": "VHD", "runOutputName": "a"}]}})",
                                       "t.json");
  ASSERT_OK(image_template);
  const auto checked = check_template(*std::move(image_template));
  ASSERT_OK(checked);
  const auto lines = checked->image_template.found.lines(Severity::kWarning);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("/properties/validate/inVMValidations/1"), std::string::npos);
}

TEST_F(PlanTest, ErrorsOfSeveralPartsAreToldAtOnce) {
  std::vector<Error> others;
  const auto checked = check(R"({"type":"Shell"},{"type":"Shel"})", R"({"type":"VHD"})", &others);
  ASSERT_THAT(checked, test::FailsWith("Shell:OneScript"));
  ASSERT_EQ(others.size(), 3U);  // what "Shel" stands for has no script either
}

TEST_F(PlanTest, RefusesAnUnknownGeneralizeOperation) {
  auto checked = check("", R"({"type":"VHD","runOutputName":"a"})");
  ASSERT_OK(checked);
  auto with_typo = options();
  with_typo.generalize_skip = {"machin-id"};
  const auto made = make_plan(*std::move(checked), with_typo);
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().describe().find("machine-id"), std::string::npos);
}

TEST_F(PlanTest, RefusesAGeneration1DiskThatAzureCannotStart) {
  auto image_template = parse_template(
      R"({"type":"Microsoft.VirtualMachineImages/imageTemplates","properties":{
          "source":{"type":"KilnLocalImage","path":"disk.raw","hyperVGeneration":"V1"},
          "distribute":[{"type":"VHD","runOutputName":"vhd"}]}})",
      "web.json");
  ASSERT_OK(image_template);
  std::filesystem::resize_file(folder_.path() / "disk.raw", 2 * kTiB + kMiB);
  auto checked = check_template(*std::move(image_template));
  ASSERT_OK(checked);
  EXPECT_THAT(make_plan(*std::move(checked), options()),
              test::FailsWith("Plan:TooLargeForGeneration1"));
}

TEST_F(PlanTest, TrustedLaunchBootsByUefi) {
  const auto plan_of = [&](const std::string& generation) -> Result<Plan> {
    KILN_TRY_ASSIGN(
        auto image_template,
        parse_template(R"({"type":"Microsoft.VirtualMachineImages/imageTemplates","properties":{
          "source":{"type":"KilnLocalImage","path":"disk.raw","securityType":"TrustedLaunch")" +
                           generation + R"(},
          "distribute":[{"type":"VHD","runOutputName":"vhd"}]}})",
                       "web.json"));
    KILN_TRY_ASSIGN(auto checked, check_template(std::move(image_template)));
    return make_plan(std::move(checked), options());
  };
  const auto made = plan_of("");
  ASSERT_OK(made);
  EXPECT_TRUE(made->options.sandbox.trusted_launch);
  EXPECT_EQ(made->options.sandbox.firmware, Firmware::kUefi);
  EXPECT_NE(describe_plan(*made).find(", TrustedLaunch)"), std::string::npos);
  EXPECT_EQ(plan_to_json(*made)["source"]["securityType"], "TrustedLaunch");
  EXPECT_THAT(plan_of(R"(,"hyperVGeneration":"V1")"), test::FailsWith("Plan:TrustedLaunchNeedsV2"));
  const auto standard = plan();
  ASSERT_OK(standard);
  EXPECT_FALSE(standard->options.sandbox.trusted_launch);
}

class DiskSizePlan : public PlanTest {
 protected:
  Result<Plan> plan_with(std::int64_t gib,
                         const std::string& generation = "V2",
                         std::uint64_t source_bytes = kGiB + kMiB) {
    std::filesystem::resize_file(folder_.path() / "disk.raw", source_bytes);
    KILN_TRY_ASSIGN(
        auto image_template,
        parse_template(
            fmt::format(R"({{"type":"Microsoft.VirtualMachineImages/imageTemplates","properties":{{
          "source":{{"type":"KilnLocalImage","path":"disk.raw","hyperVGeneration":"{}"}},
          "vmProfile":{{"osDiskSizeGB":{}}},
          "distribute":[{{"type":"VHD","runOutputName":"vhd"}}]}}}})",
                        generation,
                        gib),
            "web.json"));
    KILN_TRY_ASSIGN(auto checked, check_template(std::move(image_template)));
    return make_plan(std::move(checked), options());
  }
};

TEST_F(DiskSizePlan, Grows) {
  const auto made = plan_with(3);
  ASSERT_OK(made);
  EXPECT_TRUE(made->blockers.empty());
  EXPECT_EQ(made->disk_size(), 3 * kGiB);
  EXPECT_EQ(made->grown_size(), 3 * kGiB);
  EXPECT_NE(describe_plan(*made).find(
                "Disk        fixed VHD of 3.0 GiB, grown from 1.0 GiB (osDiskSizeGB)"),
            std::string::npos)
      << describe_plan(*made);
}

TEST_F(DiskSizePlan, GrowsNothingWhereTheSizeIsTheSame) {
  for (const std::uint64_t source : {2 * kGiB, 2 * kGiB - 512}) {
    const auto made = plan_with(2, "V2", source);
    ASSERT_OK(made);
    EXPECT_EQ(made->grown_size(), std::nullopt);
    EXPECT_EQ(describe_plan(*made).find("grown"), std::string::npos);
  }
  const auto unasked = plan_with(0);
  ASSERT_OK(unasked);
  EXPECT_EQ(unasked->grown_size(), std::nullopt);
}

TEST_F(DiskSizePlan, NeverShrinks) {
  const auto made = plan_with(1);
  ASSERT_THAT(made, test::FailsWith("Template:DiskTooSmall"));
  EXPECT_NE(made.error().cure().find("write 2 or more"), std::string::npos);
  EXPECT_NE(made.error().where().find("/properties/vmProfile/osDiskSizeGB"), std::string::npos);
}

TEST_F(DiskSizePlan, StaysWithinWhatAzureStarts) {
  EXPECT_OK(plan_with(2048, "V1"));
  EXPECT_THAT(plan_with(2049, "V1"), test::FailsWith("Plan:TooLargeForGeneration1"));
  EXPECT_OK(plan_with(4096));
  EXPECT_THAT(plan_with(4097), test::FailsWith("Template:DiskTooLarge"));
}

}  // namespace
}  // namespace kiln
