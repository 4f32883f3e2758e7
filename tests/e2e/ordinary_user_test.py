"""A build as an ordinary user, who owns a home and nothing else. Run by root, it becomes `nobody` for the build."""

import json
import os
import pwd
import shutil
import subprocess
import unittest
from pathlib import Path

from harness import KILN, KilnTest, guest, wait_until


class OrdinaryUser(KilnTest):
    def setUp(self):
        super().setUp()
        self.user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
        # What root keeps may not be readable: the program and the guest move into the home.
        shutil.copy2(KILN, self.home / "kiln")
        self.environment |= {"LIBGUESTFS_CACHEDIR": str(self.temporary), "KILN_CACHE_DIR": str(self.home / "cache")}

    def copy_of(self, name):
        image = self.home / name
        subprocess.run(["cp", "--sparse=always", guest(name), image], check=True)
        return image

    def own_home(self):
        if os.geteuid() == 0:
            for path in [self.home, *self.home.rglob("*")]:
                os.chown(path, self.user, self.user, follow_symlinks=False)

    def identity(self):
        return {} if os.geteuid() else {"user": self.user, "group": self.user, "extra_groups": []}

    def as_user(self, *arguments):
        self.own_home()
        return subprocess.run([self.home / "kiln", *map(str, arguments)], env=self.environment, cwd=self.home,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, **self.identity())

    def processes(self):
        """What still runs as the user and has to do with this test."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and entry.stat().st_uid == self.user:
                    command = (entry / "cmdline").read_bytes()
                    if str(self.home).encode() in command:
                        found.append(command)
            except OSError:
                pass
        return found

    def test_builds_and_leaves_nothing(self):
        doctor = self.as_user("--log-format", "json", "doctor")
        self.assertEqual(doctor.returncode, 0, doctor.stdout + doctor.stderr)
        rows = {row["what"]: row for row in json.loads(doctor.stdout)}
        self.assertEqual(rows["libvirt"]["level"], "ok")
        if os.geteuid() == 0 and os.path.exists("/dev/kvm"):
            self.assertIn("usermod -aG kvm", rows["acceleration"]["detail"])

        template = self.template(self.copy_of("layout-ext4.qcow2"), [
            {"type": "Shell", "inline": ["id -u", "chown 12345 /etc/hostname", "echo made > /etc/made"]}])
        build = self.as_user("build", template)
        self.assertEqual(build.returncode, 0, build.stderr[-4000:])

        self.assertEqual((self.run_folder() / "steps/customize-01.log").read_text().split(), ["0"])
        vhd = self.output / "sample.vhd"
        self.assertEqual(vhd.stat().st_uid, self.user)
        self.assertEqual(vhd.stat().st_size, (1 << 30) + 512)
        self.check_nothing_is_left()

    def check_nothing_is_left(self):
        self.assertFalse((self.run_folder() / "work").exists())
        self.assertEqual(self.processes(), [])
        # Where libguestfs was asked for something it keeps its appliance, and nothing else stays.
        self.assertLessEqual({path.name for path in self.leftovers()}, {f".guestfs-{self.user}"})

    def start_libvirt(self):
        """A session daemon in the home, which writes consoles itself instead of starting another daemon for them."""
        for name, variable in (("run", "XDG_RUNTIME_DIR"), ("config", "XDG_CONFIG_HOME"), ("cache-home", "XDG_CACHE_HOME")):
            self.environment[variable] = str(self.home / name)
            (self.home / name).mkdir(mode=0o700)
        (self.home / "config/libvirt").mkdir()
        (self.home / "config/libvirt/qemu.conf").write_text('stdio_handler = "file"\n')
        self.own_home()
        daemon = subprocess.Popen(["/usr/sbin/libvirtd"], env=self.environment, cwd=self.home, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.identity())
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        wait_until((self.home / "run/libvirt/libvirt-sock").exists, 30, "the daemon's socket")

    def test_boots_by_another_libvirt(self):
        template = self.template(self.copy_of("sysvinit.qcow2"), [{"type": "Shell", "inline": ["runlevel"]}])
        refused = self.as_user("build", "--mode", "boot", "--connect", "qemu+unix:///session?socket=/nowhere", template)
        self.assertEqual(refused.returncode, 3)
        self.assertIn("Sandbox:Connect", refused.stderr)
        shutil.rmtree(self.run_folder())  # of two runs within one second none is the last

        self.start_libvirt()
        build = self.as_user("build", "--mode", "boot", "--connect", "qemu:///session", template)
        self.assertEqual(build.returncode, 0, build.stderr[-4000:])
        self.assertEqual((self.run_folder() / "steps/customize-01.log").read_text().split(), ["N", "2"])
        logs = list((self.home / "cache-home/libvirt/qemu/log").iterdir())
        self.assertEqual(len(logs), 1)
        self.assertIn("vm-keeper", logs[0].read_text())
        self.assertEqual([command for command in self.processes() if b"qemu-system" in command], [])

    def test_boots_and_leaves_nothing(self):
        template = self.template(self.copy_of("sysvinit.qcow2"), [
            {"type": "Shell", "inline": ["id -u", "runlevel", "echo made > /etc/made-by-a-step"]}])
        build = self.as_user("build", "--mode", "boot", template)
        self.assertEqual(build.returncode, 0, build.stderr[-4000:])
        self.assertEqual((self.run_folder() / "steps/customize-01.log").read_text().split(), ["0", "N", "2"])
        vhd = self.output / "sample.vhd"
        self.check_nothing_is_left()
        self.assertEqual(self.guest_paths(vhd, ".kiln", "kiln-agent", "made-by-a-step", device="/dev/sda1"),
                         ["etc/made-by-a-step"])
        self.assertNotIn("kiln", self.guest_file(vhd, "/etc/inittab", device="/dev/sda1"))


if __name__ == "__main__":
    unittest.main()
