"""`kiln upload`: any disk to a page blob, through every kind of fault, and on after kill -9."""

import json
import random
import signal
import subprocess
import unittest

from azure import KEY, StrictService
from harness import KilnTest, sha256, wait_until

GRANULE = 64 * 1024


class Upload(KilnTest):
    def setUp(self):
        super().setUp()
        self.environment["AZURE_STORAGE_KEY"] = KEY
        self.service = StrictService(self)

    def disk(self, pieces, name="disk.raw"):
        """Pieces of 64 KiB with holes between them, so that each is a request of its own."""
        path = self.home / name
        source = random.Random(pieces)
        with open(path, "wb") as file:
            for number in range(pieces):
                file.seek(number * 2 * GRANULE)
                file.write(source.randbytes(GRANULE))
            file.truncate(pieces * 2 * GRANULE)
        return path

    def expected(self, disk):
        """The digest of what another way through Kiln makes of the disk."""
        vhd = self.home / "expected.vhd"
        self.kiln("image", "convert", disk, vhd, "--overwrite")
        return sha256(vhd)

    def background(self, *arguments):
        """Starts the program; what it says goes into a file, which never makes it wait."""
        self.log = self.home / "log"
        with open(self.log, "ab") as log:
            process = subprocess.Popen(self.command(*arguments), env=self.environment, cwd=self.home,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def uploads(self):
        folder = self.state / "uploads"
        return sorted(folder.iterdir()) if folder.exists() else []

    def pages(self):
        return self.service.statistics()["page_requests"]

    def test_every_format_gives_the_same_blob(self):
        raw = self.disk(20)
        expected = self.expected(raw)
        images = [raw, self.home / "expected.vhd"]
        for format in ("qcow2", "vhdx", "vpc"):
            images.append(self.home / f"disk-{format}")
            options = ["-o", "force_size"] if format == "vpc" else []
            subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", format, *options, raw, images[-1]], check=True)
        for image in images:
            with self.subTest(image=image.name):
                result = json.loads(self.kiln("--log-format", "json", "upload", image,
                                              self.service.url(image.name)).stdout)
                self.assertEqual(self.service.digest(image.name)["sha256"], expected)
                self.assertEqual(result["artifactUri"], self.service.url(image.name))
                self.assertEqual(result["sentBytes"], 20 * GRANULE + 512)
                self.assertEqual(result["zeroBytes"] + result["sentBytes"], result["sizeBytes"])
                self.assertEqual(self.uploads(), [])

    def test_a_file_that_only_looks_like_a_vhd_is_refused_before_anything_is_sent(self):
        cut = self.home / "cut.vhd"
        cut.write_bytes(self.disk(4).read_bytes())
        self.assertIn("Upload:NoFooter", self.kiln(
            "--log-format", "json", "upload", cut, self.service.url("cut.vhd"), code=1).stderr)
        self.assertEqual(self.service.statistics()["requests"], 0)

    def test_signatures_come_from_a_file_and_show_nowhere(self):
        disk = self.disk(4)
        sas = self.service.sas("sas.vhd")
        del self.environment["AZURE_STORAGE_KEY"]
        url = f"{self.service.url('sas.vhd')}?{sas}"
        refused = self.kiln("upload", disk, url, code=2)
        self.assertIn("@FILE", refused.stderr)
        target = self.home / "target"
        target.write_text(url + "\n")
        done = self.kiln("upload", disk, f"@{target}")
        signature = sas.split("sig=")[1]
        for text in (refused.stderr, done.stdout, done.stderr):
            self.assertNotIn(signature, text)
        self.assertEqual(self.service.digest("sas.vhd")["sha256"], self.expected(disk))

    def test_an_existing_blob_keeps_nothing_of_what_it_held(self):
        old, new = self.disk(40, "old.raw"), self.disk(20, "new.raw")
        with open(new, "r+b") as file:
            file.truncate(old.stat().st_size)
        self.kiln("upload", "--existing", new, self.service.url("disk.vhd"), code=1)
        self.kiln("upload", old, self.service.url("disk.vhd"))
        self.kiln("upload", new, self.service.url("disk.vhd"), code=1)
        self.kiln("upload", "--existing", new, self.service.url("disk.vhd"))
        self.assertEqual(self.service.digest("disk.vhd")["sha256"], self.expected(new))

    def test_kill_9_costs_one_window(self):
        disk = self.disk(300)
        self.service.inject({"kind": "slow", "comp": "page", "seconds": 0.05, "times": 0})
        for stop in (60, 120, 200):
            process = self.background("upload", disk, self.service.url("killed.vhd"), "--workers", "4")
            wait_until(lambda: self.pages() >= stop, 60, f"page {stop}")
            process.kill()
            process.wait()
        self.assertEqual(len(self.uploads()), 1)
        self.service.inject()
        result = json.loads(self.kiln("--log-format", "json", "upload", disk, self.service.url("killed.vhd")).stdout)
        self.assertGreaterEqual(result["keptBytes"], 190 * GRANULE)
        # What was under way when the process died is sent again, and nothing else.
        self.assertLessEqual(self.pages(), 300 + 1 + 3 * 4)
        self.assertEqual(self.service.digest("killed.vhd")["sha256"], self.expected(disk))
        self.assertEqual(self.uploads(), [])

    def faults(self, attempt):
        """About every other page meets one; the numbers have no common divisor, so they also meet."""
        page = {"comp": "page", "times": 0, "after": attempt}
        self.service.inject(
            {**page, "kind": "status", "status": 503, "code": "ServerBusy", "retry_after_ms": 5, "every": 7},
            {**page, "kind": "status", "status": 500, "code": "OperationTimedOut", "every": 11},
            {**page, "kind": "reset", "every": 13},
            {**page, "kind": "early", "every": 17},
            {**page, "kind": "damage", "every": 19},
            {**page, "kind": "drop", "every": 23},
            {**page, "kind": "cut", "every": 29},
            {**page, "kind": "crc", "every": 31},
            {**page, "kind": "slow", "seconds": 0.05, "every": 37},
            {"kind": "drop", "method": "HEAD", "times": 1},
            {"kind": "cut", "comp": "pagelist", "times": 1},
            {**page, "kind": "revoke", "after": 100, "times": 1 if attempt in (1, 3, 5) else -1})

    def test_a_thousand_faults_over_one_upload(self):
        disk = self.disk(1100)
        kills, ends = 0, 0
        target = self.home / "target"
        for attempt in range(40):
            # A signature that was revoked has a successor, as whoever gives it out would make one.
            target.write_text(f"{self.service.url('beaten.vhd')}?"
                              f"{self.service.sas('beaten.vhd', f'2099-01-{attempt % 28 + 1:02}T00:00:00Z')}")
            self.faults(attempt)
            process = self.background("upload", disk, f"@{target}", "--retry-delay", "2", "--workers", "6")
            stop = self.pages() + 130
            if kills < 6:
                wait_until(lambda: self.pages() >= stop or process.poll() is not None, 60, "some pages")
                process.kill()
            code = process.wait(timeout=120)
            if code == 0:
                break
            kills += code == -signal.SIGKILL
            ends += code == 1
        self.assertEqual(process.returncode, 0, self.log.read_text()[-2000:])
        statistics = self.service.statistics()
        struck = statistics["faults"]
        self.assertGreaterEqual(sum(struck.values()) + kills, 1000, struck)
        for kind in ("status", "reset", "early", "damage", "drop", "cut", "crc", "slow", "revoke"):
            self.assertGreater(struck.get(kind, 0), 0, kind)
        self.assertEqual(kills, 6)
        print(f"{struck}, {kills} kills, {ends} refused signatures, {statistics['page_requests']} pages stored")
        self.assertEqual(self.service.digest("beaten.vhd")["sha256"], self.expected(disk))


if __name__ == "__main__":
    unittest.main()
