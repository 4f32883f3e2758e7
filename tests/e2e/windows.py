"""What the end-to-end tests of Windows share: a phony Windows that starts (tests/simulator), and what became of it."""

import json
import os
import subprocess
from pathlib import Path

from harness import SOURCE_DIR, KilnTest

SIMULATOR = Path(os.environ["KILN_WINDOWS_SIMULATOR"])
MAKE_DISK = SOURCE_DIR / "tests/simulator/make-disk.sh"


class WindowsTest(KilnTest):
    def windows(self, table, *scenario):
        """A disk of Windows for this test, with a Windows in it to which that happens."""
        path = self.home / f"windows-{table}.qcow2"
        subprocess.run([MAKE_DISK, table, SIMULATOR, path, *scenario], check=True)
        return path

    def windows_template(self, image, customize, security_type=None, **properties):
        source = {"type": "KilnLocalImage", "path": str(image), "osType": "Windows"}
        if security_type:
            source |= {"hyperVGeneration": "V2", "securityType": security_type}
        return self.template(image, customize, source=source, **properties)

    def volume(self, disk):
        """C: of a raw disk, which is its last partition, as a file for the tools of NTFS."""
        path = self.home / f"{disk.name}.c"
        if not path.exists():
            table = json.loads(subprocess.run(["sfdisk", "--json", disk], check=True, capture_output=True).stdout)
            place = table["partitiontable"]["partitions"][-1]
            with open(disk, "rb") as file:
                file.seek(place["start"] * 512)
                path.write_bytes(file.read(place["size"] * 512))
        return path

    def windows_file(self, disk, path):
        """A file on C:, by another program than the one under test."""
        return subprocess.run(["ntfscat", self.volume(disk), path], check=True, capture_output=True).stdout

    def windows_paths(self, disk, *words):
        """Paths on C: that hold a word."""
        listing = subprocess.run(["ntfsls", "--recursive", self.volume(disk)],
                                 check=True, capture_output=True, text=True).stdout
        paths, folder = [], ""
        for line in listing.splitlines():
            if line.startswith("/") and line.endswith(":"):
                folder = line[:-1].rstrip("/")
            elif line.strip(".\n"):
                paths.append(f"{folder}/{line}")
        self.assertIn("/Windows/System32/config/SYSTEM", paths)
        return [path for path in paths if any(word in path.lower() for word in words)]

    def log_of_windows(self, disk):
        """What has happened in Windows, by its own account."""
        return self.windows_file(disk, "/simulator/log").decode()

    def value(self, disk, hive, key, name):
        """A value in the registry; empty where its key is absent."""
        copy = self.home / hive
        copy.write_bytes(self.windows_file(disk, f"/Windows/System32/config/{hive}"))
        return subprocess.run(["hivexget", copy, key, name], capture_output=True, text=True).stdout.strip()

    def assert_finished(self, disk):
        """Generalized, and nothing of Kiln's in it."""
        state = self.value(disk, "SOFTWARE", r"Microsoft\Windows\CurrentVersion\Setup\State", "ImageState")
        self.assertEqual(state, "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE")
        self.assertEqual(self.value(disk, "SYSTEM", r"ControlSet002\Services\KilnAgent", "ImagePath"), "")
        self.assertEqual(self.value(disk, "SYSTEM", r"ControlSet001\Services\KilnAgent", "ImagePath"), "")
        self.assertEqual(self.windows_paths(disk, "kiln", "script-", "deprovisioningscript"), [])

    def step_log(self, number):
        return (self.run_folder() / f"steps/customize-{number:02}.log").read_text().split("\n")
