"""What the end-to-end tests share: the installed program in a private home, real guests, templates."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

KILN = os.environ["KILN"]
SOURCE_DIR = Path(os.environ["KILN_SOURCE_DIR"])
FIXTURES = Path(os.environ.get("KILN_FIXTURES_CACHE", Path.home() / ".cache/kiln-fixtures"))


def guest(name):
    """A cached guest; its absence fails the test and says how to make it."""
    path = FIXTURES / name
    if not path.exists():
        raise AssertionError(f"{path} is missing: run fixtures/guests/make-guests.sh")
    return path


def converted(image, format, folder):
    """The guest, which is a fixed VHD, in another format."""
    path = folder / f"{image.stem}.{format}"
    size = image.stat().st_size - 512
    subprocess.run(["qemu-img", "convert", "-O", format,
                    "json:" + json.dumps({"driver": "raw", "size": size,
                                          "file": {"driver": "file", "filename": str(image)}}), path], check=True)
    return path


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class KilnTest(unittest.TestCase):
    """Gives each test its own state, cache of settings and output folder."""

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="kiln-e2e-"))
        self.addCleanup(shutil.rmtree, self.home, True)
        self.state = self.home / "state"
        self.output = self.home / "output"
        self.output.mkdir()
        self.temporary = self.home / "tmp"
        self.temporary.mkdir()
        # The proof of acceleration is shared: it says something about the host, not about a test.
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "LIBGUESTFS_CACHEDIR": "/var/tmp",  # its default: the appliance is made once for all tests
            "LC_ALL": "C.UTF-8",
            "KILN_STATE_DIR": str(self.state),
            "KILN_CACHE_DIR": str(FIXTURES / "kiln-cache"),
            "KILN_CATALOG": str(self.home / "catalog.json"),
            "KILN_OUTPUT_DIR": str(self.output),
        }

    def command(self, *arguments):
        return [KILN, *map(str, arguments)]

    def kiln(self, *arguments, code=0, timeout=600, stdin=subprocess.DEVNULL, **environment):
        """Runs the program to its end and checks its exit code."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                env={**self.environment, **environment},
                stdin=stdin,
                capture_output=True,
                timeout=timeout,
                cwd=self.home,
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stderr or b"").decode("utf-8", "replace")
            self.fail(f"{arguments} ran for {timeout} s\n{said[-4000:]}{self.consoles()}")
        done.stdout = done.stdout.decode("utf-8", "replace")
        done.stderr = done.stderr.decode("utf-8", "replace")
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr[-4000:]}")
        return done

    def consoles(self):
        """The ends of what systems have said that run, or ran when Kiln was killed."""
        logs = sorted(self.state.glob("runs/*/**/console*.log"))
        return "".join(f"\n--- {log}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)

    def start(self, *arguments, **environment):
        """Starts the program; its JSON events arrive on `stderr`."""
        process = subprocess.Popen(
            self.command("--log-format", "json", *arguments),
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def template(self, image, customize, distribute=None, name="sample", **properties):
        """Writes a template over a local image."""
        body = {
            "type": "Microsoft.VirtualMachineImages/imageTemplates",
            "apiVersion": "2023-07-01",
            "location": "local",
            "properties": {
                "source": {"type": "KilnLocalImage", "path": str(image)},
                "customize": customize,
                "distribute": distribute or [{"type": "VHD", "runOutputName": "vhd"}],
                **properties,
            },
        }
        path = self.home / f"{name}.json"
        path.write_text(json.dumps(body, indent=2))
        return path

    def run_folder(self):
        return sorted((self.state / "runs").iterdir())[-1]

    def record(self):
        return json.loads((self.run_folder() / "run.json").read_text())

    def guest_paths(self, disk, *words, device="/dev/sda3"):
        """Paths on a raw disk's root that hold a word, by another program than the one under test."""
        listing = self.guestfish(disk, device, "find", "/")
        return [path for path in listing.splitlines() if any(word in path.lower() for word in words)]

    def guest_file(self, disk, path, device="/dev/sda3"):
        """A file's text, likewise."""
        return self.guestfish(disk, device, "cat", path)

    def guestfish(self, disk, device, *command):
        return subprocess.run(
            ["guestfish", "--ro", "--format=raw", "-a", disk, "-m", device, *command],
            capture_output=True, text=True, check=True,
            env={**self.environment, "LIBGUESTFS_BACKEND": "direct", "LIBGUESTFS_BACKEND_SETTINGS": "force_tcg"}).stdout

    def sandboxes(self):
        """Process ids of virtual machines, their TPMs and disk servers that work on this test's disks."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                folder = os.readlink(entry / "cwd")
            except OSError:
                continue
            program = command.split(b"\0")[0].rsplit(b"/")[-1]
            ours = str(self.state).encode() in command or folder.startswith(str(self.state))
            if program.startswith((b"qemu", b"vm-keeper", b"swtpm")) and ours:
                found.append(int(entry.name))
        return found

    @staticmethod
    def command_line(pid):
        """Empty for a process that has ended."""
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    def leftovers(self):
        """What Kiln left in the folder for temporary files."""
        return sorted(self.temporary.iterdir())
