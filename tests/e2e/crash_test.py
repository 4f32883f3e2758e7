"""kill -9 and Ctrl-C at every phase: the source stays as it was, nothing runs on, gc cleans up."""

import json
import shutil
import signal
import subprocess
import unittest

from harness import KilnTest, guest, sha256, wait_until

PHASES = ["prepare", "attach", "customize", "generalize", "check", "validate", "distribute"]


class Crash(KilnTest):
    @classmethod
    def setUpClass(cls):
        cls.image = guest("layout-ext4.qcow2")
        cls.digest = sha256(cls.image)

    def build(self, phase="distribute"):
        """A build that comes to `phase` soon."""
        step = {"type": "Shell", "inline": ["echo working", "sleep 1"]}
        validate = {"sourceValidationOnly": phase == "validate",
                    "inVMValidations": [step] if phase == "validate" else []}
        return self.start("build", "--mode", "mount", self.template(self.image, [step], validate=validate))

    def until_phase(self, process, phase):
        for line in process.stderr:
            event = json.loads(line)
            if event.get("phase") != phase:
                continue
            if event["type"] == "step.output" or event["type"] == "phase.started" and phase != "validate":
                return
        self.fail(f"the build ended before {phase}: {process.wait()}")

    def check_nothing_runs(self):
        wait_until(lambda: not self.sandboxes(), 10, "the end of every virtual machine")

    def check_clean(self):
        self.assertEqual(sha256(self.image), self.digest)
        self.assertEqual(list(self.output.iterdir()), [])
        self.assertFalse((self.run_folder() / "work").exists())

    def test_kill_9_in_every_phase(self):
        before = self.leftovers()
        for phase in PHASES:
            with self.subTest(phase=phase):
                process = self.build(phase)
                self.until_phase(process, phase)
                process.kill()
                process.wait()
                self.check_nothing_runs()
                self.assertIn("Interrupted", self.kiln("runs", "list").stdout)
                self.kiln("runs", "gc")
                self.check_clean()
                self.assertEqual(self.record()["lastRunStatus"]["runState"], "Failed")
                self.assertEqual(self.leftovers(), before)
                shutil.rmtree(self.state)

    def test_interrupt_in_every_phase(self):
        before = self.leftovers()
        for phase in PHASES:
            with self.subTest(phase=phase):
                process = self.build(phase)
                self.until_phase(process, phase)
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=20)
                self.assertEqual(process.returncode, 4)
                self.check_nothing_runs()
                self.check_clean()
                self.assertEqual(self.record()["lastRunStatus"]["runState"], "Canceled")
                self.assertEqual(self.leftovers(), before)
                shutil.rmtree(self.state)

    def test_interrupt_in_the_middle_of_a_step(self):
        template = self.template(self.image, [{"type": "Shell", "inline": ["echo begun", "sleep 600"]}])
        process = self.start("build", template)
        for line in process.stderr:
            event = json.loads(line)
            if event["type"] == "step.output" and event["message"] == "begun":
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 4)
        self.check_nothing_runs()
        self.check_clean()

    def test_kill_9_of_every_process_of_kiln(self):
        """`pkill -9 kiln` also takes the process that libguestfs leaves to watch over its VM."""
        template = self.template(self.image, [{"type": "Shell", "inline": ["echo begun", "sleep 600"]}])
        process = self.start("build", template)
        for line in process.stderr:
            if json.loads(line).get("message") == "begun":
                break
        subprocess.run(["pkill", "-9", "-f", f"build {template}"], check=True)
        process.wait()
        self.check_nothing_runs()
        self.kiln("runs", "gc")
        self.check_clean()

    def test_gc_leaves_a_live_run_alone(self):
        process = self.build()
        self.until_phase(process, "customize")
        self.assertNotIn("interrupted", self.kiln("runs", "gc").stdout)
        self.assertTrue((self.run_folder() / "work").exists())
        output, _ = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(json.loads(output)["runState"], "Succeeded")


if __name__ == "__main__":
    unittest.main()
