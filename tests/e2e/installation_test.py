"""A real installer's disc becomes an image: installed hands-off, booted by its own loader, customized, converted."""

import json
import subprocess
import unittest
from datetime import datetime

from harness import SOURCE_DIR, KilnTest, guest, sha256

# Under emulation, beside others on a busy host.
PATIENCE = 5400


class Install(KilnTest):
    @classmethod
    def setUpClass(cls):
        cls.disc = guest("debian13-installer.iso")
        cls.digest = sha256(cls.disc)

    def setUp(self):
        super().setUp()
        # Or else the system of an earlier run would be taken.
        self.environment["KILN_CACHE_DIR"] = str(self.home / "cache")

    def disc_template(self, generation, word):
        path = self.template(self.disc, [{"type": "Shell", "name": "mark", "inline": [
            "systemctl is-active multi-user.target", "ls /sys/class/net", "findmnt -no SOURCE /",
            "if [ -e /sys/firmware/efi ]; then echo by-UEFI; else echo by-BIOS; fi", f"echo {word} >> /etc/issue"]}],
            buildTimeoutInMinutes=240)
        body = json.loads(path.read_text())
        # The last version that knows discs.
        body["apiVersion"] = "2019-05-01-preview"
        body["properties"]["source"] = {"type": "ISO", "sourceUri": str(self.disc), "sha256Checksum": self.digest,
                                        "hyperVGeneration": generation}
        path.write_text(json.dumps(body, indent=2))
        return path

    def tell(self, title):
        """What happened when, for the test's log."""
        events = [json.loads(line) for line in (self.run_folder() / "events.jsonl").read_text().splitlines()]
        start = datetime.fromisoformat(events[0]["time"].replace("Z", "+00:00"))
        print(f"\n{title}")
        for event in events:
            if event["type"] in ("notice", "warning", "phase.finished", "build.finished"):
                seconds = (datetime.fromisoformat(event["time"].replace("Z", "+00:00")) - start).total_seconds()
                print(f"{seconds:8.1f} s  {event['type']:15} {event.get('message', '')}", flush=True)

    def build(self, template, title):
        try:
            return self.kiln("build", "--mode", "boot", "--overwrite", template, timeout=PATIENCE).stderr
        finally:
            self.tell(title)

    def install(self, generation, firmware):
        self.build(self.disc_template(generation, "KILN-FIRST"), f"Debian 13, {generation}: installed")

        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Succeeded")
        self.assertIn("install", [phase["name"] for phase in self.record()["phases"]])
        log = (self.run_folder() / "customization.log").read_text()
        self.assertIn(f"booted by {firmware}", log)
        said = (self.run_folder() / "steps/customize-01.log").read_text().split()
        self.assertEqual(said[:2], ["active", "lo"])
        self.assertEqual(said[-1], f"by-{firmware}")
        self.assertGreater((self.run_folder() / "installer.log").stat().st_size, 10000)
        self.assertEqual(self.sandboxes(), [])
        vhd = self.output / "sample.vhd"
        self.assertEqual(vhd.stat().st_size, 30 * 2**30 + 512)
        subprocess.run([SOURCE_DIR / "fixtures/guests/boot-check.sh", vhd, firmware.lower(), "--expect", "KILN-FIRST"],
                       check=True)

        again = self.build(self.disc_template(generation, "KILN-SECOND"), f"Debian 13, {generation}: once more")

        self.assertIn("was installed before with these answers", again)
        self.assertEqual(len(list((self.home / "cache/installed").iterdir())), 1)
        self.assertEqual(sha256(self.disc), self.digest)

    def test_generation_1(self):
        self.install("V1", "BIOS")

    def test_generation_2(self):
        self.install("V2", "UEFI")


if __name__ == "__main__":
    unittest.main()
