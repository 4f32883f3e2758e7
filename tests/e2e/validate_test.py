"""In-VM validations: where they run, what they see, what a failed one stops, and that nothing they write stays."""

import json
import os
import signal
import unittest

from harness import KilnTest, guest, sha256


def shell(*lines, **fields):
    return {"type": "Shell", "inline": list(lines), **fields}


class Validate(KilnTest):
    @classmethod
    def setUpClass(cls):
        cls.image = guest("layout-ext4.qcow2")

    def validated(self, *checks, customize=(), errorHandling=None, **fields):
        return self.template(self.image, list(customize), validate={"inVMValidations": list(checks), **fields},
                             errorHandling=errorHandling or {})

    def disk_at(self, process, phase):
        """The digest of the work disk when a phase begins."""
        for line in process.stderr:
            event = json.loads(line)
            if event["type"] == "phase.started" and event["phase"] == phase:
                process.send_signal(signal.SIGSTOP)
                self.assertEqual(self.record()["lastRunStatus"]["runSubState"],
                                 {"validate": "Validating", "distribute": "Distributing"}[phase])
                digest = {file.name: sha256(file) for file in (self.run_folder() / "work").glob("*.qcow2")
                          if file.name != "validation.qcow2"}
                process.send_signal(signal.SIGCONT)
                return digest
        self.fail(f"the build ended before {phase}: {process.wait()}")

    def test_a_failed_validation_with_continue_distributes_what_it_had_no_part_in(self):
        (self.home / "motd").write_text("put there by a validator\n")
        template = self.validated(
            {"type": "File", "sourceUri": "motd", "destination": "/etc/motd"},
            shell("cat /etc/made-by-a-step /etc/motd", "[ ! -e /tmp/DeprovisioningScript.sh ]",
                  "dd if=/dev/urandom of=/etc/made-by-a-validator bs=1M count=8", "sync"),
            shell("echo no good >&2", "exit 3", name="the one that fails"),
            shell("echo never"),
            customize=[shell("echo made by a step | tee /etc/made-by-a-step")],
            continueDistributeOnFailure=True, errorHandling={"onValidationError": "abort"})
        process = self.start("build", "--mode", "mount", template)
        before = self.disk_at(process, "validate")
        self.assertEqual(self.disk_at(process, "distribute"), before)
        self.assertFalse((self.run_folder() / "work/validation.qcow2").exists())
        output, errors = process.communicate(timeout=300)

        self.assertEqual(process.returncode, 1)
        self.assertIn("Shell:ExitCode", errors)
        result = json.loads(output)
        self.assertEqual(result["runState"], "Failed")
        vhd = self.output / "sample.vhd"
        self.assertEqual(result["runOutputs"][0]["artifactUri"], str(vhd))
        record = self.record()
        self.assertEqual(record["lastRunStatus"]["runState"], "Failed")
        self.assertEqual(record["error"]["code"], "Shell:ExitCode")
        self.assertEqual(record["error"]["quoted"], ["no good"])
        self.assertEqual([output["name"] for output in record["runOutputs"]], ["vhd"])
        self.assertEqual(record["kept"]["overlays"][0], "validation.qcow2")
        self.assertEqual({phase["name"]: phase["outcome"] for phase in record["phases"]}["validate"], "failed")
        self.assertFalse(os.path.exists(self.run_folder() / "steps/validate-04.log"))
        paths = self.guest_paths(vhd, "made-by", device="/dev/sda1")
        self.assertEqual(paths, ["etc/made-by-a-step"])

        log = self.kiln("runs", "logs", "latest", "--validation").stdout
        for line in ("==> azure-arm: validate ...", "Starting provisioner file (File: ", "    azure-arm: made by a step",
                     "    azure-arm: put there by a validator", "==> azure-arm: no good",
                     "ending shell (Shell: the one that fails) (failed)"):
            self.assertIn(line, log)
        for line in log.splitlines():
            self.assertRegex(line, r"^\[\S+\] PACKER \d{4}/\d\d/\d\d \d\d:\d\d:\d\d ui: ")
        customization = (self.run_folder() / "customization.log").read_text()
        self.assertIn("azure-arm: made by a step", customization)
        self.assertIn("azure-arm: distribute ...", customization)
        self.assertNotIn("validator", customization)

    def test_the_source_alone(self):
        digest = sha256(self.image)
        checks = [shell("touch /etc/made-by-a-validator", "! ls /tmp/DeprovisioningScript.sh")]
        template = self.template(self.image, [shell("touch /etc/made-by-a-step")], validate={
            "sourceValidationOnly": True, "inVMValidations": checks + [shell("ls /etc/made-by-*")]})
        plan = self.kiln("plan", "--mode", "mount", template).stdout
        self.assertIn("Build       nothing, the source itself is validated (sourceValidationOnly)", plan)
        self.assertNotIn("Target", plan)
        done = self.kiln("build", "--mode", "mount", template)
        self.assertEqual(list(self.output.iterdir()), [])
        self.assertIn("run record", done.stdout)
        record = self.record()
        self.assertEqual(record["lastRunStatus"]["runState"], "Succeeded")
        self.assertTrue(record["plan"]["validate"]["sourceValidationOnly"])
        self.assertEqual([phase["name"] for phase in record["phases"]], ["prepare", "attach", "validate"])
        self.assertEqual((self.run_folder() / "steps/validate-02.log").read_text(), "/etc/made-by-a-validator\n")
        self.assertEqual(sha256(self.image), digest)

    def test_inputs_of_validators_are_pinned_before_anything_starts(self):
        (self.home / "check.sh").write_text("true\n")
        done = self.kiln("build", self.validated({"type": "Shell", "scriptUri": "check.sh",
                                                  "sha256Checksum": "0" * 64}), code=2)
        self.assertIn("/properties/validate/inVMValidations/0", done.stderr)
        self.assertEqual([phase["name"] for phase in self.record()["phases"]], ["prepare"])


if __name__ == "__main__":
    unittest.main()
