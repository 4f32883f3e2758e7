"""Offline media: a folder of packages and a disc, read by steps in each kind of sandbox; nothing of them is left."""

import hashlib
import subprocess
import unittest

from harness import KilnTest, guest

INSTALL = [
    "echo 'deb [trusted=yes] file:/run/kiln/media/packages ./' > /tmp/media.list",
    "apt='apt-get -o Dir::Etc::SourceList=/tmp/media.list -o Dir::Etc::SourceParts=- -o APT::Sandbox::User=root'",
    "$apt update", "$apt install --yes kiln-sample", "rm /tmp/media.list", "cat /etc/kiln-sample"]
READ = ["cat '/run/kiln/media/tools-1.0/Read Me'", "! touch /run/kiln/media/tools-1.0/x 2>/dev/null",
        # The media take no disk's name.
        "readlink -f /sys/dev/block/$(mountpoint -d /run/kiln/media/tools-1.0) | grep -q '/sr[0-9]$'"]
READ_ON_SDA = [*READ, "readlink -f /sys/dev/block/$(mountpoint -d /) | grep -q '/sda/'"]


class Media(KilnTest):
    def setUp(self):
        super().setUp()
        package = self.home / "package"
        (package / "DEBIAN").mkdir(parents=True)
        (package / "etc").mkdir()
        (package / "etc/kiln-sample").write_text("from the medium\n")
        control = ("Package: kiln-sample\nVersion: 1\nArchitecture: all\nMaintainer: Kiln <kiln@localhost>\n"
                   "Description: a sample\n")
        (package / "DEBIAN/control").write_text(control)
        self.packages = self.home / "packages"
        self.packages.mkdir()
        deb = self.packages / "kiln-sample_1_all.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", package, deb], check=True, capture_output=True)
        (self.packages / "Packages").write_text(
            f"{control}Filename: ./{deb.name}\nSize: {deb.stat().st_size}\n"
            f"SHA256: {hashlib.sha256(deb.read_bytes()).hexdigest()}\n")
        tools = self.home / "tools"
        tools.mkdir()
        (tools / "Read Me").write_text("tools are here\n")
        self.disc = self.home / "tools-1.0.iso"
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-o", self.disc, tools],
                       check=True, capture_output=True)

    def build(self, image, customize, *flags, **properties):
        template = self.template(image, customize, **properties)
        media = [] if "media" in properties else ["--media", self.packages, "--media", self.disc]
        self.assertIn(f"Medium      /run/kiln/media/packages is {self.packages}",
                      self.kiln("plan", *media, *flags, template).stdout)
        self.kiln("build", *media, *flags, template)
        logs = [(self.run_folder() / "steps" / f"customize-0{i + 1}.log").read_text() for i in range(len(customize))]
        self.assertEqual(self.sandboxes(), [])
        return logs

    def test_mounted(self):
        steps = [{"type": "Shell", "inline": INSTALL}, {"type": "Shell", "inline": READ_ON_SDA}]
        logs = self.build(guest("layout-ext4.qcow2"), steps, "--sandbox", "micro")
        self.assertIn("from the medium", logs[0])
        self.assertEqual(logs[1], "tools are here\n")
        paths = self.guest_paths(self.output / "sample.vhd", "kiln", device="/dev/sda1")
        self.assertEqual([path for path in paths if not path.startswith("var/lib/")], ["etc/kiln-sample"])
        plan = ("plan", "--media", self.packages, "--media", self.disc, "--sandbox", "micro", self.home / "sample.json")
        self.assertIn("Layers      all of it", self.kiln(*plan).stdout)
        (self.packages / "more").write_text("another content is another layer")
        self.assertIn("Layers      0 of 2 steps", self.kiln(*plan).stdout)

    def test_declared_in_the_template(self):
        logs = self.build(guest("layout-ext4.qcow2"), [{"type": "Shell", "inline": READ_ON_SDA}], "--sandbox", "micro",
                          media=[str(self.packages), "tools-1.0.iso"])
        self.assertEqual(logs[0], "tools are here\n")

    def test_mounted_by_libguestfs(self):
        # Linux names disks as it finds them, and libguestfs has a second one of its own.
        logs = self.build(guest("layout-ext4.qcow2"), [{"type": "Shell", "inline": READ}], "--sandbox", "appliance")
        self.assertEqual(logs[0], "tools are here\n")

    def test_booted_and_restarted(self):
        image = guest("debian12.vhd")
        logs = self.build(image, [{"type": "Shell", "inline": READ_ON_SDA}, {"type": "KilnRestart"},
                                  {"type": "Shell", "inline": READ_ON_SDA}],
                          source={"type": "KilnLocalImage", "path": str(image), "hyperVGeneration": "V1"})
        self.assertEqual((logs[0], logs[2]), ("tools are here\n", "tools are here\n"))
        self.assertEqual(self.guest_paths(self.output / "sample.vhd", "kiln"), [])

    def test_what_is_refused(self):
        template = self.template(guest("layout-ext4.qcow2"), [])
        (self.home / "b").mkdir()
        (self.home / "b/packages").mkdir()
        (self.home / "odd name").mkdir()
        for paths, code in ((["missing.iso"], "Media:Open"), ([template], "Media:NoDisc"),
                            (["packages", "b/packages/"], "Media:SameName"), (["odd name"], "Media:Name")):
            flags = [flag for path in paths for flag in ("--media", path)]
            done = subprocess.run(self.command("plan", *flags, template), env=self.environment, cwd=self.home,
                                  capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(code, done.stderr)


if __name__ == "__main__":
    unittest.main()
