"""Boot mode under a clock and under Ctrl-C: what is cut short, what is told, and that nothing runs on."""

import signal
import subprocess
import unittest

from harness import KilnTest, guest, sha256, wait_until

WORDS = "KILN-HANGS"
# Boot code for BIOS: each letter to the first serial port, then a jump to itself.
LOADER = b"\xba\xf8\x03" + b"".join(b"\xb0%c\xee" % byte for byte in WORDS.encode() + b"\r\n") + b"\xeb\xfe"


class BootTime(KilnTest):
    @classmethod
    def setUpClass(cls):
        cls.image = guest("sysvinit.qcow2")
        cls.digest = sha256(cls.image)

    def hanging(self):
        """A copy of the guest with that boot code, whose partition table stays."""
        image, sector = self.home / "hangs.qcow2", self.home / "sector"
        subprocess.run(["cp", self.image, image], check=True)
        subprocess.run(["qemu-img", "dd", "-f", "qcow2", "-O", "raw", f"if={image}", f"of={sector}",
                        "bs=512", "count=1"], check=True)
        code = sector.read_bytes()
        sector.write_bytes(LOADER + code[len(LOADER):])
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", f"write -q -s {sector} 0 512", image], check=True)
        return image

    def restart_that_hangs(self, **properties):
        (self.home / "loader").write_bytes(LOADER)
        return self.template(self.image, [
            {"type": "File", "sourceUri": "loader", "destination": "/var/loader"},
            {"type": "Shell", "inline": ["dd if=/var/loader of=/dev/sda conv=notrunc,fsync"]},
            {"type": "KilnRestart"}], **properties)

    def until_console_says(self, words):
        def said():
            logs = self.state.glob("runs/*/work/console.log")
            return any(words in log.read_text(errors="replace") for log in logs)

        wait_until(said, 300, f"{words!r} on the console")

    def interrupt(self, process):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 4)
        self.check_ended("Canceled")

    def check_ended(self, state):
        self.assertEqual(self.sandboxes(), [])
        self.assertFalse((self.run_folder() / "work").exists())
        self.assertEqual(self.record()["lastRunStatus"]["runState"], state)
        self.assertEqual(list(self.output.iterdir()), [])
        self.assertEqual(sha256(self.image), self.digest)

    def test_a_build_timeout_in_a_boot(self):
        error = self.kiln("build", "--mode", "boot", self.template(self.hanging(), [], buildTimeoutInMinutes=1),
                          code=1).stderr
        for text in ("Run:BuildTimeout", "buildTimeoutInMinutes", f"| {WORDS}", "while: booting Debian"):
            self.assertIn(text, error)
        self.check_ended("Failed")

    def test_a_build_timeout_in_a_restart(self):
        template = self.restart_that_hangs(buildTimeoutInMinutes=3, errorHandling={"onCustomizerError": "abort"})
        done = self.kiln("build", template, code=1)
        for text in ("Run:BuildTimeout", f"| {WORDS}", "while: restarting Debian", "while: running step customize-03"):
            self.assertIn(text, done.stderr)
        self.assertIn(f"kiln shell {self.run_folder().name}", done.stdout)
        self.assertEqual(self.record()["kept"]["clean"], False)
        self.check_ended("Failed")

    def test_an_interrupt_in_a_restart(self):
        process = self.start("build", self.restart_that_hangs())
        self.until_console_says(WORDS)
        self.interrupt(process)
        self.assertIn(WORDS, (self.run_folder() / "console.log").read_text(errors="replace"))

    def test_an_interrupt_in_a_shutdown_that_hangs(self):
        process = self.start("build", "--mode", "boot", self.template(self.image, [
            {"type": "Shell", "inline": ["printf '#!/bin/sh\\nsleep 1000\\n' >/etc/init.d/rc"]}]))
        self.until_console_says("Switching to runlevel: 0")
        self.interrupt(process)


if __name__ == "__main__":
    unittest.main()
