"""Layers in boot mode: the system that ran goes on, and where it does not, the build begins again."""

import os
import unittest

from harness import KilnTest, guest, sha256

STATE = ["mkdir /run/kept", "cat /proc/sys/kernel/random/uuid | tee /run/kept/one", "sleep 1"]
# What only the very system of the first step knows, and what no other that goes on from it may draw.
LOOK = ["cat /run/kept/one", "head -c 16 /dev/urandom | base64"]


class BootLayers(KilnTest):
    @classmethod
    def setUpClass(cls):
        cls.image = guest("debian12.vhd")

    def tearDown(self):
        self.assertEqual(self.sandboxes(), [])

    def build(self, *last, code=0):
        template = self.template(self.image, [{"type": "Shell", "inline": list(step)} for step in (STATE, LOOK + list(last))])
        self.kiln("build", "--mode", "boot", "--overwrite", template, code=code)
        record = self.record()
        self.log = (self.run_folder() / "customization.log").read_text()
        served = [layer["what"] for layer in record["layers"] if layer["served"]]
        return len(served), (self.run_folder() / "steps/customize-02.log").read_text().split()

    def damage_saved_systems(self):
        """As no time tells: with that of the last change put back."""
        for file in (self.state / "layers").glob("*.system"):
            before = file.stat()
            contents = file.read_bytes()
            start = contents.index(b"QEVM")  # how qemu's streams begin
            with file.open("r+b") as stream:
                stream.seek(start)
                stream.write(b"\0\0\0\0")
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    def test_a_system_goes_on_where_the_change_is(self):
        digest = sha256(self.image)
        served, failed = self.build("exit 3", code=1)
        self.assertEqual(served, 0)
        self.assertIn("system saved in", self.log)
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in (self.state / "layers").glob("*.system")}
        self.assertEqual(set(modes.values()), {"0o600"}, modes)

        served, fixed = self.build("cat /etc/hostname > /etc/two", "sleep 1")
        self.assertEqual(served, 1)
        self.assertIn("goes on from where it was saved", self.log)
        self.assertNotIn("booted by", self.log)
        self.assertEqual(fixed[0], failed[0])
        self.assertNotEqual(fixed[1], failed[1])
        # Generalized, too, and not on a layer below.
        self.assertEqual(self.guest_paths(self.output / "sample.vhd", "kiln", "etc/two", "ssh_host_"), ["etc/two"])
        self.assertEqual(sha256(self.image), digest)

        served, changed = self.build("true")
        self.assertEqual(served, 1)
        self.assertEqual(changed[0], failed[0])
        self.assertEqual(len({failed[1], fixed[1], changed[1]}), 3)
        self.assertEqual(self.guest_paths(self.output / "sample.vhd", "kiln", "etc/two"), [])
        self.assertIn("layers are sound", self.kiln("cache", "verify").stdout)

        self.damage_saved_systems()
        served, again = self.build("echo again")
        self.assertEqual(served, 0)  # and the record says so
        outcomes = [step["outcome"] for step in self.record()["steps"] if step["name"].startswith("customize-0")]
        self.assertEqual(outcomes, ["succeeded"] * 2)
        self.assertIn("the build begins with the first step again", self.log)
        self.assertIn("booted by", self.log)
        self.assertNotEqual(again[0], failed[0])
        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Succeeded")


if __name__ == "__main__":
    unittest.main()
