"""Windows: whole builds, on a phony Windows that starts (tests/simulator); it has met no real one."""

import json
import os
import subprocess
import unittest

from harness import SOURCE_DIR, guest, sha256, wait_until
from windows import WindowsTest


def sysprep_with(arguments):
    """A step that edits the deprovisioning script, as published templates do."""
    return {"type": "PowerShell", "inline": [
        r"((Get-Content -path C:\DeprovisioningScript.ps1 -Raw) -replace "
        rf"'Sysprep.exe /oobe /generalize /quiet /quit','Sysprep.exe {arguments}') "
        r"| Set-Content -Path C:\DeprovisioningScript.ps1"]}


class Windows(WindowsTest):
    def test_a_build_by_bios(self):
        image = self.windows("mbr", "updates 3")
        digest = sha256(image)
        template = self.windows_template(image, [
            {"type": "PowerShell", "inline": ["Write-Output 'limited'", "whoami"]},
            {"type": "PowerShell", "runElevated": True, "runAsSystem": True, "inline": ["whoami"]},
            {"type": "PowerShell", "validExitCodes": [0, 3], "inline": ["exit 3"]},
            {"type": "WindowsUpdate", "updateLimit": 2},
            {"type": "WindowsRestart", "restartCheckCommand": "echo it is back"},
            sysprep_with("/oobe /generalize /quit /mode:vm"),
        ])

        self.kiln("build", template)

        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Succeeded")
        log = (self.run_folder() / "customization.log").read_text()
        self.assertIn("booted by BIOS", log)
        self.assertIn("limited", self.step_log(1))
        self.assertIn(r"windows\kiln-build", self.step_log(1))
        self.assertIn(r"nt authority\system", self.step_log(2))
        self.assertIn("no updates are left; 3 were installed", self.step_log(4))
        self.assertIn("it is back", self.step_log(5))
        self.assertEqual(self.sandboxes(), [])
        self.assertEqual(sha256(image), digest)
        vhd = self.output / "sample.vhd"
        events = self.log_of_windows(vhd)
        self.assertEqual(events.splitlines().count("start"), 4, events)
        self.assertIn("update round: 2 of 3\n", events)
        self.assertIn("update round: 1 of 1\n", events)
        self.assertIn("sysprep /oobe /generalize /quit /mode:vm\n", events)
        self.assert_finished(vhd)

    def test_a_build_by_uefi(self):
        image = self.windows("gpt")
        template = self.windows_template(image, [
            {"type": "PowerShell", "inline": [r"Set-Content -Path C:\made.txt -Value 'made'"]}])

        self.kiln("build", template)

        self.assertIn("booted by UEFI", (self.run_folder() / "customization.log").read_text())
        vhd = self.output / "sample.vhd"
        self.assertEqual(self.windows_file(vhd, "/made.txt").strip(), b"made")
        self.assert_finished(vhd)

    def test_a_generalized_source(self):
        """It sets itself up, with restarts, by Kiln's answers, and so does the result for its validators."""
        image = self.windows("mbr", "setup 2")
        template = self.windows_template(
            image, [{"type": "PowerShell", "inline": [r"Set-Content -Path C:\made.txt -Value 'made'"]}],
            validate={"inVMValidations": [{"type": "PowerShell", "inline": [r"Get-Content -Path C:\made.txt"]}]})

        self.kiln("build", template)

        vhd = self.output / "sample.vhd"
        events = self.log_of_windows(vhd).splitlines()
        told = [event for event in events if event == "start" or event.startswith(("setup", "script", "sysprep"))]
        self.assertEqual([event.split('"')[0].split(" /")[0] for event in told], [
            "start", "setup: restarts", "start", "setup: restarts", "start", "setup: done", "script ", "script ", "sysprep"])
        self.assertIn("made", (self.run_folder() / "validation.log").read_text())
        self.assertEqual(self.windows_paths(vhd, "unattend"), [])
        self.assert_finished(vhd)

    def test_trusted_launch(self):
        steps = [{"type": "PowerShell", "inline": ["whoami"]}, {"type": "WindowsRestart"}]
        self.kiln("build", self.windows_template(self.windows("signed"), steps, "TrustedLaunch"))
        vhd = self.output / "sample.vhd"
        seen = [line for line in self.log_of_windows(vhd).splitlines() if line.startswith("secure boot")]
        self.assertEqual(seen, ["secure boot on, TPM 2"] * 2)
        self.assert_finished(vhd)

    def test_trusted_launch_of_what_nobody_signed(self):
        template = self.windows_template(self.windows("gpt"), [], "TrustedLaunch")
        error = self.kiln("build", template, code=1, timeout=300).stderr
        self.assertIn("[Sandbox:SecureBootRefused]", error)
        self.assertIn("Secure Boot", error)
        self.assertEqual(self.sandboxes(), [])

    def test_updates_of_a_medium(self):
        updates = self.home / "updates"
        (updates / "more").mkdir(parents=True)
        for name in ("kb1.msu", "more/kb2.cab", "read me.txt"):
            (updates / name).write_text("a stand-in")
        template = self.windows_template(self.windows("mbr", "updates 3"), [{"type": "WindowsUpdate"}])

        self.kiln("build", "--media", updates, template)

        self.assertIn("no updates are left; 2 were installed", self.step_log(1))
        vhd = self.output / "sample.vhd"
        rounds = [line for line in self.log_of_windows(vhd).splitlines() if "updates " in line or " round: " in line]
        self.assertRegex(rounds[0], r"-Settled @\(\)$")
        self.assertIn(r"kb1.msu", rounds[1])
        self.assertTrue(rounds[2].endswith(r"-Settled @('kb1.msu', 'more\kb2.cab')"), rounds)
        self.assertEqual(rounds[3:], ["disc round: []"])
        self.assert_finished(vhd)

    def test_what_is_on_a_disk(self):
        told = self.kiln("image", "inspect", "--windows", self.windows("mbr")).stdout
        self.assertRegex(told, r"Windows +Windows Server 2022 Datacenter 21H2 \(10\.0\.20348\.\d+, ServerDatacenter, gen")
        self.assertRegex(told, r"Computer +SIMULATED\n")
        self.assertRegex(told, r"Build +possible")
        told = self.kiln("image", "inspect", "--windows", guest("windows-disks/unclean.qcow2")).stdout
        self.assertRegex(told, r"Refused +the file system is marked dirty")
        self.assertIn("chkdsk C: /f", told)

    def test_a_sysprep_that_switches_off(self):
        template = self.windows_template(self.windows("mbr"), [sysprep_with("/oobe /generalize /quiet /shutdown")])

        self.kiln("build", template)

        log = (self.run_folder() / "customization.log").read_text()
        self.assertIn("the deprovisioning script switched the system off", log)
        vhd = self.output / "sample.vhd"
        self.assertIn("sysprep /oobe /generalize /quiet /shutdown\n", self.log_of_windows(vhd))
        self.assert_finished(vhd)

    def test_a_sysprep_that_switches_off_while_kiln_does(self):
        template = self.windows_template(self.windows("mbr", "sysprep late"),
                                         [sysprep_with("/oobe /generalize /quiet /shutdown")])

        self.kiln("build", template)

        self.assert_finished(self.output / "sample.vhd")

    def test_answers_of_the_source_that_ask_a_person(self):
        image = self.windows("mbr", "setup 1", "answers theirs")
        said = self.fails(image, [{"type": "PowerShell", "inline": ["whoami"]}], "--boot-timeout", "1")
        self.assertIn("Windows did not finish setting itself up within 1 min", said)

    def fails(self, image, customize, *flags):
        """What a build says that fails and leaves no machine."""
        said = self.kiln("build", self.windows_template(image, customize), *flags, code=1).stderr
        self.assertEqual(self.sandboxes(), [])
        self.assertFalse((self.output / "sample.vhd").exists())
        return said

    def test_an_exit_code_that_is_not_valid(self):
        said = self.fails(self.windows("mbr"), [{"type": "PowerShell", "inline": ["exit 7"]}])
        self.assertIn("PowerShell", said)
        self.assertIn("7", said)

    def test_a_restart_that_never_comes(self):
        said = self.fails(self.windows("mbr", "restart never"), [{"type": "WindowsRestart", "restartTimeout": "10s"}])
        self.assertIn("Timeout waiting for machine to restart.", said)

    def test_an_update_that_repeats(self):
        said = self.fails(self.windows("mbr", "updates endless"), [{"type": "WindowsUpdate"}])
        self.assertIn("WindowsUpdate:Loop", said)
        self.assertIn('"Update 1" (update-1)', said)

    def test_a_sysprep_that_fails(self):
        said = self.fails(self.windows("mbr", "sysprep app"), [{"type": "PowerShell", "inline": ["whoami"]}])
        self.assertIn("Generalize:AppxOfOneUser", said)
        self.assertIn("Microsoft.Sample_1.0.0.0", said)

    def test_an_agent_that_never_answers(self):
        said = self.fails(self.windows("mbr", "agent silent"), [{"type": "PowerShell", "inline": ["whoami"]}],
                          "--boot-timeout", "1")
        self.assertIn("did not start Kiln's agent within 1 min", said)

    def accept(self, image, code):
        """What the script for owners of a real Windows says of this image."""
        done = subprocess.run([SOURCE_DIR / "tests/windows-acceptance.sh", image, self.home / "acceptance"],
                              env={**self.environment, "KILN": os.environ["KILN"]}, capture_output=True, text=True)
        logs = "".join(log.read_text(errors="replace")[-2000:] for log in (self.home / "acceptance").glob("*.log"))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr + logs)
        return done.stdout

    def test_the_acceptance_of_an_image(self):
        said = self.accept(self.windows("gpt"), 0)
        self.assertEqual(said.count(" passed "), 10, said)
        self.assert_finished(self.home / "acceptance/steps.vhd")

    def test_the_acceptance_of_an_unclean_image(self):
        said = self.accept(guest("windows-disks/unclean.qcow2"), 1)
        self.assertRegex(said, "building: .* FAILED ")

    def test_cancel_while_a_step_runs(self):
        image = self.windows("mbr")
        template = self.windows_template(image, [
            {"type": "PowerShell", "inline": ["Write-Output 'going on'", "Start-Sleep -Seconds 600"]}])
        process = self.start("build", template)
        for line in process.stderr:
            if "going on" in json.loads(line)["message"]:
                break
        process.terminate()
        process.stderr.read()
        self.assertEqual(process.wait(120), 4)
        wait_until(lambda: self.sandboxes() == [], 10, "the end of the machine")
        self.assertEqual(self.leftovers(), [])


if __name__ == "__main__":
    unittest.main()
