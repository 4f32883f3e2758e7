// The machine's disk over a source of each format, as qemu itself takes it.
#include <pugixml.hpp>

#include "disk/image/probe.h"
#include "disk/workspace/work_disk.h"
#include "engine/core/json.h"
#include "engine/core/text.h"
#include "engine/sandbox/guest/domain_xml.h"
#include "tests/disk/support/qemu_tools.h"

namespace kiln {
namespace {

struct SourceCase {
  std::string name;
  std::string format;  ///< as qemu-img calls it
  std::string options;
  std::string driver;  ///< of the base's block node
};

void PrintTo(const SourceCase& source, std::ostream* out) {  // NOLINT: GoogleTest's name
  *out << source.name;
}

class DomainDisk : public test::QemuTest, public ::testing::WithParamInterface<SourceCase> {
 protected:
  /// The domain's `-blockdev`.
  std::string blockdev(const WorkDisk& disk) {
    DomainSpec spec;
    spec.disk_node = disk.node(/*read_only=*/false);
    pugi::xml_document document;
    EXPECT_TRUE(document.load_string(domain_xml(spec).c_str()));
    const auto arguments = document.select_nodes("//qemu:arg/@value");
    EXPECT_EQ(std::string(arguments[0].attribute().value()), "-blockdev");
    return arguments[1].attribute().value();
  }
  std::string ask_qemu(const std::string& node, const nlohmann::json& question);
};

/// What qemu, started with the node and nothing else, says: a greeting, an answer to the first of
/// these, and the one that is wanted.
std::string DomainDisk::ask_qemu(const std::string& node, const nlohmann::json& question) {
  const auto commands = dump_json({{"execute", "qmp_capabilities"}}) + dump_json(question) +
                        dump_json({{"execute", "quit"}});
  EXPECT_OK(write_file_atomic(path("node"), node));
  EXPECT_OK(write_file_atomic(path("commands"), commands));
  return run({"sh",
              "-c",
              "cd \"$0\" && qemu-system-x86_64 -machine none -nodefaults -display none -qmp stdio "
              "-blockdev \"$(cat node)\" < commands",
              folder_.path().string()});
}

TEST_P(DomainDisk, IsTheSourcesContentsToQemu) {
  const auto& source = GetParam();
  const auto base = create("base", source.format, source.options, "16M");
  io(base, source.format, {"write -q -P 7 1M 1M"});
  const auto image = probe_image(base);
  ASSERT_OK(image);
  const auto disk = WorkDisk::create(*runner_, *image, path("overlay"), {}, 32 * kMiB);
  ASSERT_OK(disk);
  const auto node = blockdev(*disk);

  const auto lines = split_lines(ask_qemu(node, {{"execute", "query-named-block-nodes"}}));
  ASSERT_GE(lines.size(), 3U);
  const auto nodes = nlohmann::json::parse(lines[2]).at("return");
  std::vector<std::string> drivers;
  for (const auto& each : nodes) {
    drivers.push_back(each.at("drv"));
    const bool ours = each.at("file").get<std::string>() == disk->overlay().string() ||
                      each.at("node-name") == "work";
    EXPECT_EQ(each.at("ro"), !ours) << each;
    if (each.at("node-name") == "work") {
      EXPECT_EQ(each.at("image").at("virtual-size"), 32 * kMiB);
      EXPECT_EQ(each.at("image").at("backing-image").at("format"), source.driver);
      EXPECT_EQ(each.at("image").at("backing-image").at("virtual-size"), image->virtual_size);
    }
  }
  EXPECT_THAT(drivers, ::testing::Contains(source.driver));

  const auto read =
      ask_qemu(node,
               {{"execute", "human-monitor-command"},
                {"arguments", {{"command-line", "qemu-io work \"read -P 7 1M 1M\""}}}});
  EXPECT_THAT(read, ::testing::HasSubstr("1 MiB, 1 ops"));
  EXPECT_THAT(read, ::testing::Not(::testing::HasSubstr("verification failed")));
}

INSTANTIATE_TEST_SUITE_P(
    Formats,
    DomainDisk,
    ::testing::Values(SourceCase{"raw", "raw", "", "raw"},
                      SourceCase{"qcow2", "qcow2", "", "qcow2"},
                      SourceCase{"vhdx", "vhdx", "subformat=dynamic", "vhdx"},
                      SourceCase{"dynamic_vhd", "vpc", "subformat=dynamic,force_size=on", "vpc"},
                      SourceCase{"fixed_vhd", "vpc", "subformat=fixed,force_size=on", "raw"}),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace kiln
