"""The disk that a failed build keeps, and `kiln shell` in it: from a pipe, with a command, and on a terminal."""

import errno
import fcntl
import os
import pty
import struct
import subprocess
import termios
import unittest

from harness import KilnTest, guest, sha256, wait_until


class Terminal:
    """A program on a pseudo-terminal of 41 rows and 99 columns, and what it has shown."""

    def __init__(self, command, environment, folder):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 99, 0, 0))
        self.settings = termios.tcgetattr(self.slave)
        self.shown = ""
        self.process = subprocess.Popen(command, env=environment, cwd=folder, start_new_session=True,
                                        stdin=self.slave, stdout=self.slave, stderr=self.slave)
        os.set_blocking(self.master, False)

    def saw(self, text):
        try:
            self.shown += os.read(self.master, 1 << 16).decode("utf-8", "replace")
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EIO):
                raise
        return text in self.shown

    def until(self, text, seconds=120):
        try:
            wait_until(lambda: self.saw(text), seconds, f"{text!r} on the terminal")
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows {self.shown!r}") from None
        self.shown = self.shown[self.shown.index(text) + len(text):]

    def type(self, text):
        os.write(self.master, text.encode())

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ECHO

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class Shell(KilnTest):
    @classmethod
    def setUpClass(cls):
        cls.image = guest("layout-ext4.qcow2")
        cls.digest = sha256(cls.image)

    def fail_a_validation(self):
        step = {"type": "Shell", "inline": ["echo by a step > /etc/step"]}
        check = {"type": "Shell", "inline": ["echo by a validator > /etc/validator", "exit 9"]}
        template = self.template(self.image, [step], validate={"inVMValidations": [check]},
                                 errorHandling={"onValidationError": "abort"})
        done = self.kiln("build", "--mode", "mount", template, code=1)
        run = self.run_folder().name
        self.assertIn(f"kiln shell {run}", done.stdout)
        self.assertIn("Shell:ExitCode", done.stderr)
        self.assertEqual(list(self.output.iterdir()), [])
        self.assertFalse((self.run_folder() / "work").exists())
        self.assertEqual(self.sandboxes(), [])
        kept = self.record()["kept"]
        self.assertEqual((kept["formatVersion"], kept["overlays"][0], kept["clean"]), (1, "validation.qcow2", True))
        self.assertEqual(len(kept["overlays"]), 3)  # over the finished disk's layer, and the step's
        return run

    def run_a_command_that_reads(self, run):
        command = self.command("shell", run, "--", "sh", "-s", "an argument")
        script = "id -u; cat /etc/step /etc/validator; ls /sys/class/net; echo $1 | tee /etc/shell; echo err >&2; exit 7\n"
        done = subprocess.run(command, env=self.environment, input=script, capture_output=True, text=True,
                              timeout=200, cwd=self.home)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertEqual(done.stdout, "0\nby a step\nby a validator\nlo\nan argument\n")
        self.assertIn("\nerr\n", "\n" + done.stderr)

    def use_a_terminal(self, run):
        terminal = Terminal(self.command("shell", run), {**self.environment, "TERM": "vt100"}, self.home)
        self.addCleanup(terminal.close)
        terminal.until("# ")
        self.assertTrue(terminal.is_raw())
        self.assertIn("Run:Alive", self.kiln("shell", run, code=1).stderr)
        self.assertNotIn("removed", self.kiln("runs", "gc", "--kept").stdout)
        terminal.type("stty size; echo $TERM; cat /etc/shell; tty\r")
        for text in ("41 99\r\n", "vt100\r\n", "an argument\r\n", "/dev/pts/"):
            terminal.until(text)
        fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 70, 0, 0))
        terminal.type("until [ \"$(stty size)\" = '20 70' ]; do sleep 0.1; done; echo resized-$?\r")
        terminal.until("resized-0\r\n")
        terminal.type("sh -c 'echo begun-$((1+1)); exec sleep 600'\r")
        terminal.until("begun-2\r\n")
        terminal.type("\x03")
        terminal.until("# ")
        terminal.type("echo ended-$?\r")
        terminal.until("ended-130\r\n")
        terminal.type("exit 5\r")
        wait_until(lambda: terminal.saw("\0") or terminal.process.poll() is not None, 60, "the end of the shell")
        self.assertEqual(terminal.process.returncode, 5, terminal.shown)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.settings)

    def test_what_a_failed_validation_keeps(self):
        run = self.fail_a_validation()
        self.run_a_command_that_reads(run)
        self.use_a_terminal(run)
        self.assertEqual(self.sandboxes(), [])
        self.assertFalse((self.run_folder() / "work").exists())

        self.assertIn("Failed, kept", self.kiln("runs", "list").stdout)
        self.assertIn(f"`kiln shell {run}` opens a shell", self.kiln("runs", "show", run).stdout)
        self.assertIn("--kept removes it", self.kiln("runs", "gc").stdout)
        # A layer that the store forgets stays with the run.
        self.kiln("cache", "gc", "--all")
        self.assertEqual({file.name for file in (self.run_folder() / "kept").iterdir()},
                         set(self.record()["kept"]["overlays"]))
        self.kiln("runs", "gc", "--kept")
        self.assertFalse((self.run_folder() / "kept").exists())
        error = self.kiln("shell", run, code=1).stderr
        self.assertIn("Run:NothingKept", error)
        self.assertIn("--keep-on-failure", error)
        self.assertEqual(sha256(self.image), self.digest)

    def test_a_booted_shell_in_a_system_that_does_not_shut_down(self):
        """Its disks are frozen before its power is cut, so they are as whole as after a shutdown."""
        image = guest("sysvinit.qcow2")
        step = {"type": "Shell", "inline": ["mv /sbin/shutdown /var/shutdown", "echo by a step > /etc/step", "exit 9"]}
        template = self.template(image, [step], errorHandling={"onCustomizerError": "abort"})
        done = self.kiln("build", "--mode", "boot", template, code=1)
        self.assertIn("Shell:ExitCode", done.stderr)
        self.assertIn("its power is cut", done.stderr)
        self.assertEqual(self.record()["kept"]["clean"], True)
        console = (self.run_folder() / "console.log").read_text(errors="replace")
        self.assertIn("INIT: Entering runlevel: 2", console)
        self.assertNotIn("recovery complete", console)

        script = ("cat /etc/step /proc/1/comm; runlevel; ls -d /.kiln-* | wc -l; tail -n 1 /etc/inittab | cut -d: -f1\n"
                  "mv /var/shutdown /sbin/; exit 6\n")
        done = subprocess.run(self.command("shell", self.run_folder().name), env=self.environment, input=script,
                              capture_output=True, text=True, timeout=300, cwd=self.home)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertEqual(done.stdout, "by a step\ninit\nN 2\n1\nkiln\n")
        self.assertIn("shut down in", done.stderr)
        self.assertEqual(self.sandboxes(), [])


if __name__ == "__main__":
    unittest.main()
