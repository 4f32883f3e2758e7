"""Layers on a real guest: what a build did is there for the next one, and nothing else is."""

import json
import unittest

from harness import KilnTest, guest, sha256, wait_until

UUID = "cat /proc/sys/kernel/random/uuid | tee /etc/one"


def shell(*lines, **fields):
    return {"type": "Shell", "inline": list(lines), **fields}


class Layers(KilnTest):
    @classmethod
    def setUpClass(cls):
        cls.image = guest("layout-ext4.qcow2")
        cls.digest = sha256(cls.image)

    def setUp(self):
        super().setUp()
        (self.home / "motd").write_text("first\n")

    def tearDown(self):
        self.assertEqual(sha256(self.image), self.digest)
        self.assertEqual(self.sandboxes(), [])

    def steps(self, last, first=UUID):
        return self.template(self.image, [
            shell(first), {"type": "File", "sourceUri": "motd", "destination": "/etc/motd"}, shell(*last)])

    def build(self, template, *flags):
        self.kiln("build", "--overwrite", *flags, template)
        return self.record()

    def served(self, record=None):
        return [layer["what"] for layer in (record or self.record())["layers"] if layer["served"]]

    def skipped(self):
        return [step["name"] for step in self.record()["steps"] if step["outcome"] == "skipped"]

    def log(self, step):
        return (self.run_folder() / f"steps/{step}.log").read_text().strip()

    def layers(self):
        return json.loads(self.kiln("--log-format", "json", "cache", "list").stdout)

    def test_a_rebuild_goes_on_where_the_change_is(self):
        template = self.steps(["echo two > /etc/two"])
        self.assertIn("no build from this source yet", self.kiln("plan", template, KILN_CACHE_DIR=str(self.home / "new")).stdout)
        record = self.build(template)
        self.assertEqual(self.served(), [])
        self.assertEqual(len(record["layers"]), 4)
        self.assertFalse((self.run_folder() / "work").exists())
        first, disk = self.log("customize-01"), sha256(self.output / "sample.vhd")

        with self.subTest("nothing changed"):
            plan = self.kiln("plan", template).stdout
            self.assertRegex(plan, rf"Layers      all of it, from run {record['id']}\nTakes       about ")
            again = self.build(template)
            self.assertEqual([phase["name"] for phase in again["phases"]], ["prepare", "attach", "check", "distribute"])
            self.assertEqual([layer["run"] for layer in again["layers"]], [record["id"]] * 4)
            self.assertEqual(self.skipped(), [f"customize-0{n}" for n in (1, 2, 3)])
            self.assertEqual(sha256(self.output / "sample.vhd"), disk)
            self.assertFalse((self.run_folder() / "console.log").exists())  # no machine was started

        with self.subTest("the last step changed"):
            template = self.steps(["cat /etc/one", "[ ! -e /etc/two ]", "[ -e /tmp/DeprovisioningScript.sh ]",
                                   "[ -z \"$(ls /tmp/script_*.sh | grep -v $0)\" ]"])
            self.assertIn("Layers      2 of 3 steps", self.kiln("plan", template).stdout)
            self.build(template)
            self.assertEqual(len(self.served()), 2)
            self.assertEqual(self.log("customize-03"), first)

        with self.subTest("a file changed"):
            (self.home / "motd").write_text("second\n")
            template = self.steps(["cat /etc/one /etc/motd"])
            self.build(template)
            self.assertEqual(self.skipped(), ["customize-01"])
            self.assertEqual(self.log("customize-03"), f"{first}\nsecond")

        with self.subTest("what changed, and where the time went"):
            self.kiln("runs", "report", "latest", "--files")
            page = (self.run_folder() / "report.html").read_text()
            _, first_step, second_step, last_step, finished = page.split("<details>")
            self.assertIn("/etc/one<", first_step)
            self.assertIn("/etc/motd<", second_step)
            self.assertNotIn("/etc/", last_step)
            self.assertIn("/etc/machine-id<", finished)
            self.assertRegex(self.kiln("runs", "show", "latest").stdout, r"micro-appliance launched +vm ")
            self.assertFalse((self.run_folder() / "work").exists())

        with self.subTest("--from and --no-cache"):
            self.build(template, "--from", "customize-01")
            self.assertEqual(self.served(), [])
            second = self.log("customize-01")
            self.assertNotEqual(second, first)
            # What lay over the first one does not fit over the second.
            self.build(self.steps(["cat /etc/one"]))
            self.assertEqual((len(self.served()), self.log("customize-03")), (2, second))
            before = self.layers()
            self.assertEqual(self.build(self.steps(["true"]), "--no-cache")["layers"], [])
            self.assertEqual(self.layers(), before)
            self.assertIn("Layer:NoSuchStep", self.kiln("build", "--from", "four", template, code=2).stderr)

    def test_layers_outlive_a_kill_and_serve_two_builds_at_once(self):
        process = self.start("build", self.steps(["sleep 600"]))
        wait_until(lambda: len(self.layers()) == 2, 120, "the second layer")
        process.kill()
        process.wait()
        first = self.log("customize-01")
        self.kiln("runs", "gc")
        self.assertIn("2 of 2 layers are sound", self.kiln("cache", "verify").stdout)

        builds = []
        for number in (1, 2):
            self.output = self.home / f"output{number}"
            self.output.mkdir()
            template = self.template(self.image, json.loads(self.steps(["cat /etc/one", f": {number}"]).read_text())
                                     ["properties"]["customize"], name=f"build{number}")
            builds.append(self.start("build", template, KILN_OUTPUT_DIR=str(self.output)))
        for process in builds:
            _, errors = process.communicate(timeout=300)
            self.assertEqual(process.returncode, 0, errors[-4000:])
        for run in sorted((self.state / "runs").iterdir())[-2:]:
            self.assertEqual((run / "steps/customize-03.log").read_text().strip(), first)
            self.assertEqual(len(self.served(json.loads((run / "run.json").read_text()))), 2)

        total = sum(layer["bytes"] for layer in self.layers())
        self.assertIn("would remove", self.kiln("cache", "gc", "--cache-limit", "0", "--dry-run").stdout)
        self.assertEqual(sum(layer["bytes"] for layer in self.layers()), total)
        self.kiln("cache", "gc", "--all")
        self.assertEqual(self.layers(), [])
        self.assertEqual([file.name for file in (self.state / "layers").iterdir()], ["lock"])


if __name__ == "__main__":
    unittest.main()
