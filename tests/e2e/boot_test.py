"""Boot mode: the image's own system runs the steps; what it leaves, and what kill -9 leaves."""

import json
import shutil
import signal
import subprocess
import unittest

from harness import SOURCE_DIR, KilnTest, converted, guest, sha256, wait_until


class Boot(KilnTest):
    @classmethod
    def setUpClass(cls):
        cls.image = guest("debian12.vhd")
        cls.digest = sha256(cls.image)

    def source_of(self, generation, image=None):
        return {"type": "KilnLocalImage", "path": str(image or self.image), "hyperVGeneration": generation}

    def test_a_build_that_restarts(self):
        image = converted(self.image, "qcow2", self.home)
        digest = sha256(image)
        template = self.template(image, [
            {"type": "Shell", "name": "before", "inline": [
                "systemctl is-system-running", "cat /proc/sys/kernel/random/boot_id > /etc/first-boot",
                "ls /sys/class/net"]},
            {"type": "KilnRestart"},
            {"type": "Shell", "name": "after", "inline": [
                "[ $(cat /etc/first-boot) != $(cat /proc/sys/kernel/random/boot_id) ]",
                "echo KILN-BOOTED >> /etc/issue"]},
        ], source=self.source_of("V2", image), validate={"inVMValidations": [
            # Not is-system-running: sshd has no host keys here, and how soon it gives up depends on the machine's speed.
            {"type": "Shell", "inline": [
                "systemctl is-active multi-user.target", "[ -s /etc/machine-id ]", "grep KILN-BOOTED /etc/issue",
                "echo left by a validator > /etc/first-boot-of-kiln-validator", "sync"]}]})
        plan = self.kiln("plan", template).stdout
        self.assertIn("guest: step 2 (KilnRestart) needs the image's own system", plan)
        self.assertIn("only a running system can be restarted", plan)
        self.assertIn("Validate    guest: validators run in a system booted from the image", plan)

        self.kiln("build", template)

        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Succeeded")
        log = (self.run_folder() / "customization.log").read_text()
        self.assertIn("booted by UEFI", log)
        self.assertIn("early micro-appliance launched", log)
        self.assertEqual((self.run_folder() / "steps/customize-01.log").read_text().split(), ["running", "lo"])
        self.assertIn("active", (self.run_folder() / "steps/validate-01.log").read_text().split())
        self.assertIn("booted by UEFI", (self.run_folder() / "validation.log").read_text())
        self.assertIn("login:", (self.run_folder() / "console.log").read_text(errors="replace"))
        self.assertEqual(self.sandboxes(), [])
        self.assertEqual(sha256(image), digest)
        vhd = self.output / "sample.vhd"
        self.assertEqual(self.guest_paths(vhd, "kiln", "etc/first-boot"), ["etc/first-boot"])
        subprocess.run([SOURCE_DIR / "fixtures/guests/boot-check.sh", vhd, "uefi",
                        "--expect", "KILN-BOOTED"], check=True)

    def until_it_boots(self, process):
        for line in process.stderr:
            if " mounted in " in json.loads(line)["message"]:
                break
        machines = wait_until(lambda: [pid for pid in self.sandboxes() if b"guest=kiln" in self.command_line(pid)],
                              30, "the start of the virtual machine")
        return [self.command_line(pid) for pid in machines]

    def test_interrupt_while_the_system_boots(self):
        source = {**self.source_of("V2"), "securityType": "TrustedLaunch"}
        process = self.start("build", "--mode", "boot", self.template(self.image, [], source=source))
        for command in self.until_it_boots(process):
            self.assertIn(b"\0-sandbox\0on,", command)
            self.assertNotIn(b"netdev", command)
        self.assertTrue(any(b"swtpm" in self.command_line(pid) for pid in self.sandboxes()))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 4)
        self.assertEqual(self.sandboxes(), [])
        self.assertFalse((self.run_folder() / "work").exists())
        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Canceled")
        self.assertEqual(sha256(self.image), self.digest)

    def test_a_disk_that_does_not_boot(self):
        """Its EFI system partition, which begins at 2 MiB, has a file system but no files."""
        image = self.home / "no-loader.vhd"
        subprocess.run(["cp", "--sparse=always", self.image, image], check=True)
        with open(image, "r+b") as file:
            file.seek((2 << 20) + (256 << 10))
            file.write(bytes(60 << 20))
        template = self.template(image, [], source=self.source_of("V2", image))
        done = self.kiln("build", "--mode", "boot", template, code=1)
        self.assertIn("Sandbox:NoBootLoader", done.stderr)
        self.assertIn("BdsDxe", done.stderr)  # the firmware's last words
        self.assertEqual(self.sandboxes(), [])
        self.assertIn("BdsDxe", (self.run_folder() / "console.log").read_text(errors="replace"))

    def test_a_loader_that_secure_boot_refuses(self):
        source = {**self.source_of("V2"), "securityType": "TrustedLaunch"}
        done = self.kiln("build", "--mode", "boot", self.template(self.image, [], source=source), code=1)
        self.assertIn("Sandbox:SecureBootRefused", done.stderr)
        self.assertIn("shim-signed", done.stderr)
        self.assertIn("Access Denied", done.stderr)
        self.assertEqual(self.sandboxes(), [])

    def test_images_that_cannot_be_booted_are_refused(self):
        """One launch of the appliance tells, before anything is booted."""
        for name, code, cure in (("layout-ext4.qcow2", "Sandbox:NoEfiPartition", "hyperVGeneration"),
                                 ("layout-lvm.raw", "Sandbox:UnknownInit", "--mode mount"),
                                 ("layout-xfs.vhd", "Sandbox:NoBootCode", "generation V2")):
            with self.subTest(image=name):
                image = guest(name)
                generation = "V1" if code == "Sandbox:NoBootCode" else "V2"
                template = self.template(image, [], source=self.source_of(generation, image))
                error = self.kiln("build", "--mode", "boot", template, code=1).stderr
                self.assertIn(code, error)
                self.assertIn(cure, error)
                self.assertEqual(self.sandboxes(), [])

    def kill_when(self, process, what):
        for line in process.stderr:
            if what(json.loads(line)):
                process.kill()
                process.wait()
                return
        self.fail(f"the build ended before that: {process.wait()}")

    def check_killed(self):
        wait_until(lambda: not self.sandboxes(), 10, "the end of every virtual machine")
        self.kiln("runs", "gc")
        self.assertEqual(sha256(self.image), self.digest)
        self.assertEqual(list(self.output.iterdir()), [])
        self.assertFalse((self.run_folder() / "work").exists())
        shutil.rmtree(self.state)

    def test_kill_9_leaves_nothing(self):
        def template_of(image):
            return self.template(image, [{"type": "Shell", "inline": ["echo begun", "sleep 5"]},
                                         {"type": "KilnRestart"}], source=self.source_of("V1", image))

        template = template_of(self.image)

        with self.subTest(when="the system boots"):
            process = self.start("build", template)
            self.until_it_boots(process)
            process.kill()
            process.wait()
            self.check_killed()

        with self.subTest(when="a step runs, with every process that is named after Kiln"):
            process = self.start("build", template)
            for line in process.stderr:
                if json.loads(line)["message"] == "begun":
                    break
            subprocess.run(["pkill", "-9", "-f", f"build {template}"], check=True)
            process.wait()
            self.check_killed()

        with self.subTest(when="the system restarts, which boots a raw source"):
            template = template_of(converted(self.image, "raw", self.home))
            process = self.start("build", template)
            self.kill_when(process, lambda event: event["type"] == "step.started"
                           and event["stepId"] == "customize-02")
            self.check_killed()


if __name__ == "__main__":
    unittest.main()
