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

TEST_F(DomainXml, MediaAreReadOnlyAndKnownByTheirDrive) {
  auto spec = sample();
  spec.media = {{"packages", "/m/a.iso"}};
  parse(spec);
  std::vector<nlohmann::json> objects;
  for (const auto& text : arguments()) {
    auto object = nlohmann::json::parse(text, nullptr, false);
    if (object.is_object()) objects.push_back(std::move(object));
  }
  ASSERT_EQ(objects.size(), 4U) << "node and device of the disk, then of the medium";
  EXPECT_EQ(objects[2]["driver"], "raw") << "its format is not probed";
  EXPECT_EQ(objects[2]["read-only"], true);
  EXPECT_EQ(objects[2]["file"]["filename"], "/m/a.iso");
  EXPECT_EQ(objects[3]["drive"], objects[2]["node-name"]);
  EXPECT_EQ(objects[3]["product"], "kiln-media-1");
  EXPECT_EQ(objects[3]["driver"], "scsi-cd") << "a disk could take the work disk's name";
  EXPECT_FALSE(objects[3].contains("bootindex"));
}

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
  EXPECT_EQ(value("//cpu/feature[@name='cx16']/@policy"), "");
  spec.without_cx16 = true;
  parse(spec);
  EXPECT_EQ(value("//cpu/feature[@name='cx16']/@policy"), "disable");
  spec.accelerator = Accelerator::kKvm;
  parse(spec);
  EXPECT_EQ(value("/domain/@type"), "kvm");
  EXPECT_EQ(value("//cpu/@mode"), "host-passthrough");
  EXPECT_EQ(value("//cpu/feature/@name"), "");
}

TEST_F(DomainXml, SparesLibvirtsQuestionsOnTheProcessor) {
  parse(sample());
  EXPECT_EQ(value("//qemu:capabilities/qemu:del/@capability"), "cpu-unavailable-features");
}

TEST_F(DomainXml, HidesNothingThatADistributionNeeds) {
  EXPECT_TRUE(runs_without_cx16("debian"));
  EXPECT_TRUE(runs_without_cx16("ubuntu"));
  for (const auto* id : {"rhel", "almalinux", "sles", "fedora", ""}) {
    EXPECT_FALSE(runs_without_cx16(id)) << id;
  }
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

TEST_F(DomainXml, HasForWindowsWhatWindowsHasDriversFor) {
  auto spec = sample();
  spec.drivers = DeviceDrivers::kWindows;
  spec.network = true;
  spec.media = {{"updates", "/m/a.iso"}};
  parse(spec);
  EXPECT_EQ(domain_xml(spec).find("virtio"), std::string::npos);
  EXPECT_EQ(value("//serial[target/@port='1']/source/@path"), "/w/agent.sock");
  EXPECT_EQ(value("//interface/model/@type"), "e1000e");
  const auto given = arguments();
  ASSERT_EQ(given.size(), 8U);
  EXPECT_EQ(nlohmann::json::parse(given[3]).at("driver"), "ide-hd");
  const auto disc = nlohmann::json::parse(given[7]);
  EXPECT_EQ(disc.at("driver"), "ide-cd");
  EXPECT_NE(disc.at("bus"), nlohmann::json::parse(given[3]).at("bus"));
  EXPECT_EQ(value("//clock/@offset"), "localtime");
  EXPECT_EQ(count("//hyperv"), 0U) << "qemu has them under KVM only";
  spec.accelerator = Accelerator::kKvm;
  parse(spec);
  EXPECT_EQ(value("//hyperv/relaxed/@state"), "on");
  EXPECT_EQ(value("//clock/timer[@name='hypervclock']/@present"), "yes");
}

DomainSpec sample_of_installer() {
  auto spec = sample();
  spec.disk_node.clear();
  spec.agent_socket.clear();
  InstallerDevices devices;
  devices.disk = "/w/base.qcow2";
  devices.cds = {"/isos/a&b.iso", "/w/answers.iso"};
  devices.kernel = "/w/vmlinuz";
  devices.initrd = "/w/initrd";
  devices.arguments = "console=ttyS0 auto=true";
  devices.log_port = "/w/installer.log";
  spec.installer = devices;
  return spec;
}

TEST_F(DomainXml, GivesAnInstallerItsDiscsReadOnly) {
  parse(sample_of_installer());
  EXPECT_EQ(value("//disk[@device='disk']/source/@file"), "/w/base.qcow2");
  EXPECT_EQ(value("//disk[@device='disk']/target/@bus"), "scsi");
  EXPECT_EQ(value("//disk[@device='disk']/target/@dev"), "sda");
  EXPECT_EQ(value("//disk[@device='cdrom'][1]/source/@file"), "/isos/a&b.iso");
  EXPECT_EQ(count("//disk[@device='cdrom']"), 2U);
  EXPECT_EQ(count("//disk[@device='cdrom']/readonly"), 2U);
  EXPECT_EQ(count("//interface"), 0U);
  EXPECT_EQ(count("//channel"), 0U);
  EXPECT_THAT(arguments(), ::testing::IsEmpty());
}

TEST_F(DomainXml, StartsAnInstallersKernelAndEndsWithIt) {
  parse(sample_of_installer());
  EXPECT_EQ(value("//os/kernel"), "/w/vmlinuz");
  EXPECT_EQ(value("//os/initrd"), "/w/initrd");
  EXPECT_EQ(value("//os/cmdline"), "console=ttyS0 auto=true");
  EXPECT_EQ(value("//on_reboot"), "destroy");
  EXPECT_EQ(value("//serial[2]/source/@path"), "/w/installer.log");
  EXPECT_EQ(count("//video/model[@type='vga']"), 0U);
}

TEST_F(DomainXml, StartsADiscByFirmwareAfterAnEmptyDisk) {
  auto spec = sample_of_installer();
  spec.installer->kernel.clear();
  spec.installer->sata_disk = true;
  spec.installer->end_on_restart = false;
  parse(spec);
  EXPECT_EQ(count("//os/kernel"), 0U);
  EXPECT_EQ(value("//disk[@device='disk']/boot/@order"), "1");
  EXPECT_EQ(value("//disk[@device='cdrom'][1]/boot/@order"), "2");
  EXPECT_EQ(value("//disk[@device='disk']/target/@bus"), "sata");
  EXPECT_EQ(value("//on_reboot"), "restart");
  EXPECT_EQ(count("//video/model[@type='vga']"), 1U);
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
