#include "engine/sandbox/guest/domain_xml.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

namespace kiln {
namespace {

DomainSpec sample() {
  DomainSpec spec;
  spec.name = "kiln";
  spec.emulator = "/cache/vm-keeper";
  spec.owner = 42;
  spec.disk_node =
      R"(json:{"driver":"qcow2","file":{"driver":"file","filename":"/w/\"a&b\".qcow2"}})";
  spec.console_log = "/w/console.log";
  spec.agent_socket = "/w/agent.sock";
  return spec;
}

class DomainXml : public ::testing::Test {
 protected:
  void parse(const DomainSpec& spec) {
    ASSERT_TRUE(document_.load_string(domain_xml(spec).c_str()));
  }
  std::string value(const char* path) const {
    const auto found = document_.select_node(path);
    return found.attribute() ? found.attribute().value() : found.node().text().get();
  }
  std::size_t count(const char* path) const { return document_.select_nodes(path).size(); }
  std::vector<std::string> arguments() const {
    std::vector<std::string> values;
    for (const auto& found : document_.select_nodes("//qemu:arg/@value")) {
      values.emplace_back(found.attribute().value());
    }
    return values;
  }

  pugi::xml_document document_;
};

TEST_F(DomainXml, ShowsWhatAzureShows) {
  parse(sample());
  EXPECT_EQ(value("//os/type/@machine"), "q35");
  EXPECT_EQ(value("//chassis/entry[@name='asset']"), "7783-7084-3265-9085-8269-3286-77");
  EXPECT_EQ(value("//system/entry[@name='manufacturer']"), "Microsoft Corporation");
  EXPECT_EQ(value("//system/entry[@name='product']"), "Virtual Machine");
  EXPECT_EQ(value("//os/smbios/@mode"), "sysinfo");
}

TEST_F(DomainXml, HasNoNetworkCardUnlessAsked) {
  auto spec = sample();
  parse(spec);
  EXPECT_EQ(count("//interface"), 0U);
  spec.network = true;
  parse(spec);
  EXPECT_EQ(value("//interface/@type"), "user");
}

TEST_F(DomainXml, StartsByBiosOrByUefi) {
  auto spec = sample();
  parse(spec);
  EXPECT_EQ(count("//loader"), 0U);
  spec.uefi = UefiFiles{"/code.fd", "/w/variables.fd"};
  parse(spec);
  EXPECT_EQ(value("//loader"), "/code.fd");
  EXPECT_EQ(value("//loader/@readonly"), "yes");
  EXPECT_EQ(value("//nvram"), "/w/variables.fd");
}

TEST_F(DomainXml, HasSecureBootAndATpmWhereAsked) {
  auto spec = sample();
  spec.uefi = UefiFiles{"/code.fd", "/w/variables.fd"};
  parse(spec);
  EXPECT_EQ(value("//loader/@secure"), "no");
  EXPECT_EQ(count("//smm"), 0U);
  EXPECT_EQ(count("//tpm"), 0U);
  spec.uefi->secure = true;
  spec.tpm_socket = "/w/tpm.sock";
  parse(spec);
  EXPECT_EQ(value("//loader/@secure"), "yes");
  EXPECT_EQ(value("//features/smm/@state"), "on");
  EXPECT_EQ(value("//tpm/backend/@type"), "external");
  EXPECT_EQ(value("//tpm/backend/source/@path"), "/w/tpm.sock");
}

TEST_F(DomainXml, TakesItsProcessorFromTheAccelerator) {
  auto spec = sample();
  parse(spec);
  EXPECT_EQ(value("/domain/@type"), "qemu");
  EXPECT_EQ(value("//cpu/@mode"), "maximum");
  EXPECT_EQ(value("//cpu/feature[@name='la57']/@policy"), "disable");
  EXPECT_EQ(value("//cpu/feature[@name='erms']/@policy"), "disable");
  spec.accelerator = Accelerator::kKvm;
  parse(spec);
  EXPECT_EQ(value("/domain/@type"), "kvm");
  EXPECT_EQ(value("//cpu/@mode"), "host-passthrough");
}

TEST_F(DomainXml, GivesTheDiskAsANodeThatNamesItsFormat) {
  parse(sample());
  const auto given = arguments();
  ASSERT_EQ(given.size(), 4U);
  const auto node = nlohmann::json::parse(given[1]);
  EXPECT_EQ(node.at("driver"), "qcow2");
  EXPECT_EQ(node.at("file").at("filename"), "/w/\"a&b\".qcow2");
  EXPECT_EQ(nlohmann::json::parse(given[3]).at("drive"), node.at("node-name"));
}

TEST_F(DomainXml, TellsTheKeeperWhomItServes) {
  auto spec = sample();
  parse(spec);
  EXPECT_EQ(value("//qemu:env[@name='KILN_OWNER']/@value"), "42");
  spec.owner = 0;
  parse(spec);
  EXPECT_EQ(count("//qemu:env"), 0U);
}

}  // namespace
}  // namespace kiln
