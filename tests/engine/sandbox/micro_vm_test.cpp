#include <algorithm>

#include "engine/sandbox/micro/micro_command.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::string value_of(const Command& command, const std::string& option) {
  const auto at = std::find(command.argv.begin(), command.argv.end(), option);
  return at == command.argv.end() || at + 1 == command.argv.end() ? std::string() : *(at + 1);
}

MicroOptions options() {
  MicroOptions options;
  options.disk = "/work/over,lay.qcow2";
  options.console_log = "/work/con,sole.log";
  return options;
}

const MicroFiles kFiles{"/cache/vmlinux", "/cache/initrd"};

TEST(MicroDrives, AreOfTheFormatThatIsGivenAndDiscsCannotBeWritten) {
  const auto disk = micro_disk_node("/work/overlay.qcow2", "disk");
  EXPECT_EQ(disk["driver"], "qcow2");
  EXPECT_EQ(disk["discard"], "unmap");
  EXPECT_EQ(disk["cache"]["no-flush"], true);
  EXPECT_EQ(disk["file"]["filename"], "/work/overlay.qcow2");
  const auto disc = micro_disc_node("/media/packages.iso", "disc0");
  EXPECT_EQ(disc["driver"], "raw");
  EXPECT_EQ(disc["read-only"], true);
  EXPECT_EQ(disc["node-name"], "disc0");
}

TEST(MicroCommand, GivesTheMachineNothingThatIsNotAskedFor) {
  const auto command = micro_command(options(), kFiles, "/work/tools.sock");
  EXPECT_EQ(value_of(command, "-kernel"), "/cache/vmlinux");
  EXPECT_EQ(value_of(command, "-initrd"), "/cache/initrd");
  EXPECT_THAT(command.argv, Contains("-nodefaults"));
  EXPECT_THAT(value_of(command, "-sandbox"), HasSubstr("on,"));
  EXPECT_THAT(command.argv, Contains(HasSubstr("path=/work/con,,sole.log")));  // adds no option
  EXPECT_EQ(value_of(command, "-accel"), "tcg,thread=multi");
  EXPECT_THAT(value_of(command, "-append"), HasSubstr("clearcpuid=cx16"));
  EXPECT_THAT(command.argv, Not(Contains(HasSubstr("net"))));
  EXPECT_THAT(command.argv, Contains("null,id=agent"));
  // They come later, so a machine can start before its disk is free, and be saved without one.
  EXPECT_THAT(command.argv, Not(Contains("-drive")));
  EXPECT_THAT(command.argv, Not(Contains(HasSubstr("over,,lay"))));
}

TEST(MicroCommand, FillsMemoryThatIsAFileOrGoesOnFromIt) {
  const auto saved = micro_command(options(), kFiles, "/work/tools.sock", FileMemory{"/cache/m,1"});
  EXPECT_THAT(value_of(saved, "-object"), HasSubstr("share=on,mem-path=/cache/m,,1"));
  EXPECT_THAT(value_of(saved, "-machine"), HasSubstr("memory-backend=ram"));
  EXPECT_THAT(saved.argv, Not(Contains("-incoming")));

  const auto resumed = micro_command(
      options(), kFiles, "/work/tools.sock", FileMemory{"/cache/m,1", /*resume=*/true});
  // Each machine writes into a copy of its own.
  EXPECT_THAT(value_of(resumed, "-object"), HasSubstr("share=off,"));
  EXPECT_EQ(value_of(resumed, "-incoming"), "defer");
}

TEST(MicroCommand, HasACardAndTheAgentsPortWhereAskedFor) {
  auto asked = options();
  asked.network = true;
  asked.emulate = false;
  asked.port = GuestPort{"/work/agent.sock", "org.kiln.0"};
  const auto command = micro_command(asked, kFiles, "/work/tools.sock");
  EXPECT_THAT(command.argv, Contains(HasSubstr("virtio-net-pci")));
  EXPECT_EQ(value_of(command, "-accel"), "kvm");
  EXPECT_EQ(value_of(command, "-cpu"), "host");
  EXPECT_THAT(value_of(command, "-append"), Not(HasSubstr("lpj")));
  EXPECT_THAT(value_of(command, "-append"), Not(HasSubstr("clearcpuid")));
  // The machine waits for the tools' port, and so for the others before it.
  const auto port = [&](const char* name) {
    return std::find_if(command.argv.begin(), command.argv.end(), [&](const std::string& argument) {
      return argument.find(fmt::format("name={}", name)) != std::string::npos;
    });
  };
  EXPECT_LT(port("org.kiln.0"), port("org.kiln.tools"));
  EXPECT_NE(port("org.kiln.tools"), command.argv.end());
}

}  // namespace
}  // namespace kiln
