"""What a real build leaves to be distributed: after kill -9, after a failure, later, on another machine."""

import json
import shutil
import signal
import subprocess
import unittest

from azure import KEY, StrictService
from harness import KilnTest, guest, sha256, wait_until

STEPS = [{"type": "Shell", "inline": ["echo distributed >> /etc/issue"]}]


class Distribute(KilnTest):
    def setUp(self):
        super().setUp()
        self.environment["AZURE_STORAGE_KEY"] = KEY
        self.service = StrictService(self)

    def two_targets(self):
        return self.template(guest("layout-ext4.qcow2"), STEPS, [
            {"type": "VHD", "runOutputName": "local"},
            {"type": "VHD", "runOutputName": "blob", "uri": self.service.url("web.vhd")}])

    def pages(self):
        return self.service.statistics()["page_requests"]

    def outputs(self):
        return sorted(output["name"] for output in self.record()["runOutputs"])

    def run_state(self):
        return self.record()["lastRunStatus"]["runState"]

    def kill_after(self, pages, *arguments):
        log = open(self.home / "log", "ab")
        self.addCleanup(log.close)
        process = subprocess.Popen(self.command(*arguments), env=self.environment, cwd=self.home,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: self.pages() >= pages or process.poll() is not None, 600, f"page {pages}")
        process.kill()
        self.assertEqual(process.wait(), -signal.SIGKILL, (self.home / "log").read_text()[-3000:])
        wait_until(lambda: not self.sandboxes(), 10, "the end of every disk server")

    def test_a_distribution_goes_on_after_kill_9_and_after_a_failure(self):
        slow = {"kind": "slow", "comp": "page", "seconds": 0.2, "times": 0}
        self.service.inject(slow)
        self.kill_after(20, "build", "--mode", "mount", self.two_targets())
        self.assertIn("Interrupted, to distribute", self.kiln("runs", "list").stdout)
        self.assertIn("finished", self.kiln("runs", "gc").stdout)
        folder = self.run_folder()
        self.assertFalse((folder / "work").exists())
        self.assertTrue(list((folder / "finished").iterdir()))

        self.kill_after(self.pages() + 20, "distribute", "latest")
        self.kiln("runs", "gc")
        self.service.inject({"kind": "status", "comp": "page", "after": 15, "times": 0,
                             "status": 403, "code": "AuthorizationPermissionMismatch"})
        failed = self.kiln("distribute", "latest", code=1)
        self.assertIn("AuthorizationPermissionMismatch", failed.stderr)
        self.assertIn(f"kiln distribute {folder.name}", failed.stdout)
        self.assertEqual(self.outputs(), ["local"])
        self.assertEqual(self.run_state(), "PartiallySucceeded")
        self.service.inject()

        before = self.pages()
        self.kiln("distribute", "latest")
        vhd = self.output / "sample.vhd"
        self.assertEqual(self.service.digest("web.vhd")["sha256"], sha256(vhd))
        self.assertEqual(self.outputs(), ["blob", "local"])
        self.assertEqual(self.run_state(), "Succeeded")
        ranges = self.service.statistics()["ranges"]
        whole = {tuple(one) for one in ranges}
        self.assertLessEqual(len(ranges), len(whole) + 3 * 8, "more than a window was sent twice")
        self.assertLess(self.pages() - before, len(whole) - 40)
        self.assertFalse((folder / "finished").exists())
        self.assertFalse((folder / "journals").exists())
        self.kiln("distribute", "latest", code=1)
        self.assertEqual([one["outcome"] for one in self.record()["phases"] if one["name"] == "distribute"][-1],
                         "succeeded")

    def test_a_disk_for_later_needs_nothing_of_the_machine_that_built_it(self):
        image = self.home / "source.qcow2"
        shutil.copy(guest("layout-ext4.qcow2"), image)
        sas = self.service.sas("later.vhd")
        signed = f"{self.service.url('later.vhd')}?{sas}"
        template = self.template(image, STEPS, [
            {"type": "VHD", "runOutputName": "local"},
            {"type": "VHD", "runOutputName": "blob", "uri": signed, "artifactTags": {"owner": "me"}}])
        self.kiln("build", "--mode", "mount", "--distribute-later", template)
        self.assertEqual(list(self.output.iterdir()), [])
        self.assertEqual(self.service.statistics()["requests"], 0)
        run = self.run_folder()
        for path in run.rglob("*"):
            if path.is_file():
                self.assertNotIn(sas.split("sig=")[1].encode(), path.read_bytes(), path)

        image.unlink()
        other = self.home / "other"
        shutil.copytree(run, other / "runs" / run.name)
        shutil.rmtree(self.state)
        self.state = other
        self.environment["KILN_STATE_DIR"] = str(other)
        self.environment["AZURE_STORAGE_SAS_TOKEN"] = sas
        del self.environment["AZURE_STORAGE_KEY"]
        self.kiln("distribute", run.name, "--only", "nothing", code=2)
        # What one target refuses keeps no other from being served.
        (self.output / "sample.vhd").write_text("somebody's")
        refused = self.kiln("distribute", run.name, code=1)
        self.assertIn("already exists", refused.stderr)
        self.assertEqual(self.outputs(), ["blob"])
        self.assertEqual((self.output / "sample.vhd").read_text(), "somebody's")
        self.assertEqual(self.run_state(), "PartiallySucceeded")
        (self.output / "sample.vhd").unlink()
        done = json.loads(self.kiln("--log-format", "json", "distribute", "latest").stdout)
        self.assertEqual([output["name"] for output in done["runOutputs"]], ["local"])
        self.assertEqual(self.run_state(), "Succeeded")
        digest = self.service.digest("later.vhd")
        self.assertEqual(digest["sha256"], sha256(self.output / "sample.vhd"))
        self.assertEqual(digest["metadata"]["owner"], "me")
        self.kiln("distribute", "latest", "--only", "blob", code=1)
        self.kiln("distribute", "latest", "--only", "blob", "--overwrite")
        self.assertTrue((self.run_folder() / "finished" / "disk.vhd").exists())
        self.kiln("runs", "gc", "--kept")
        self.assertFalse((self.run_folder() / "finished").exists())
        with open(self.output / "sample.vhd", "rb") as vhd:
            self.assertIn(b"distributed", vhd.read())


if __name__ == "__main__":
    unittest.main()
