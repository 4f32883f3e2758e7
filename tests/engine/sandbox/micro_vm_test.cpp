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
  options.console_log = "/work/console.log";
  return options;
}

const MicroFiles kFiles{"/cache/vmlinux", "/cache/initrd"};

TEST(MicroCommand, DiscsCannotBeWritten) {
  auto with = options();
  with.discs = {{"/media/pack,ages.iso", "kiln-media-1"}};
  const auto argv = micro_command(with, kFiles, "/work/tools.sock").argv;
  EXPECT_THAT(argv, Contains("if=none,id=disc0,format=raw,readonly=on,file=/media/pack,,ages.iso"));
  EXPECT_THAT(argv, Contains("scsi-cd,drive=disc0,product=kiln-media-1"));
}

TEST(MicroCommand, GivesTheMachineTheDiskAndNothingElse) {
  const auto command = micro_command(options(), kFiles, "/work/tools.sock");
  EXPECT_EQ(value_of(command, "-kernel"), "/cache/vmlinux");
  EXPECT_EQ(value_of(command, "-initrd"), "/cache/initrd");
  EXPECT_THAT(command.argv, Contains("-nodefaults"));
  EXPECT_THAT(value_of(command, "-sandbox"), HasSubstr("on,"));
  // The format is given, and a comma cannot add options.
  EXPECT_THAT(value_of(command, "-drive"), HasSubstr("format=qcow2"));
  EXPECT_THAT(value_of(command, "-drive"), HasSubstr("file=/work/over,,lay.qcow2"));
  EXPECT_EQ(value_of(command, "-accel"), "tcg,thread=multi");
  EXPECT_THAT(value_of(command, "-append"), HasSubstr("clearcpuid=cx16"));
  EXPECT_THAT(command.argv, Not(Contains(HasSubstr("net"))));
  EXPECT_THAT(command.argv, Contains("null,id=agent"));
  EXPECT_EQ(std::count(command.argv.begin(), command.argv.end(), "-drive"), 1);
}

TEST(MicroCommand, WaitsForItsDiskWhereItsMemoryIsAFile) {
  auto with = options();
  with.discs = {{"/media/packages.iso", "kiln-media-1"}};
  const auto saved = micro_command(with, kFiles, "/work/tools.sock", FileMemory{"/cache/m,1"});
  EXPECT_THAT(value_of(saved, "-object"), HasSubstr("share=on,mem-path=/cache/m,,1"));
  EXPECT_THAT(value_of(saved, "-machine"), HasSubstr("memory-backend=ram"));
  EXPECT_THAT(value_of(saved, "-append"), HasSubstr("--wait-for-disk"));
  EXPECT_THAT(saved.argv, Not(Contains("-drive")));  // it must not see an image
  EXPECT_THAT(saved.argv, Not(Contains("-incoming")));

  const auto resumed =
      micro_command(with, kFiles, "/work/tools.sock", FileMemory{"/cache/m,1", /*resume=*/true});
  // Each machine writes into a copy of its own.
  EXPECT_THAT(value_of(resumed, "-object"), HasSubstr("share=off,"));
  EXPECT_EQ(value_of(resumed, "-incoming"), "defer");
  EXPECT_EQ(std::count(resumed.argv.begin(), resumed.argv.end(), "-drive"), 2);
  EXPECT_THAT(resumed.argv, Not(Contains(HasSubstr("scsi-hd"))));
  EXPECT_THAT(resumed.argv, Not(Contains(HasSubstr("scsi-cd"))));
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
