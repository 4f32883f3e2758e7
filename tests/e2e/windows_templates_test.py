"""Published templates of Windows, through the whole engine, on a phony Windows that starts (tests/simulator).

A few of them that together have all kinds of steps; all with KILN_ALL_TEMPLATES=1, which takes an hour without KVM."""

import os
import re
import unittest

import windows_templates as templates
from windows import WindowsTest

ALL = bool(os.environ.get("KILN_ALL_TEMPLATES"))
HERE = templates.FOLDER.is_dir()
UPDATES = 3
# Each account, inline and fetched, exit codes, restarts with commands of all kinds, updates, files, validators; a
# resource, deployments by hand and from Bicep.
FEW = ("2024-02-01__CreateImageTemplateWindows", "Using_Validators", "TomHickling", "sollo1681", "2019-04-15-bb0dced")
# What makes builds of these fail, in which step, and how; the first is wrong itself: a File whose destination is the
# folder that an earlier step made.
FAILURES = (
    ("2019-04-15-bb0dced", (), 2, "File:IsFolder", r"the destination c:\buildArtifacts is a folder"),
    ("NakayamaKento+azureimagebuilder/AVD", ("updates endless",), 1, "WindowsUpdate:Loop", '"Update 1" (update-1)'),
    ("jdmsft", ("restart never",), 1, "Sandbox:RestartTimeout", "Timeout waiting for machine to restart."),
    ("AVDKing", ("exit 7",), 0, "PowerShell:ExitCode", "ended with exit code 7"),
    ("scripts__avddeploy", ("sysprep app",), None, "Generalize:AppxOfOneUser", "Microsoft.Sample_1.0.0.0"),
)


class WindowsTemplates(WindowsTest):
    def build(self, name, code=0, *scenario):
        """The template and what Kiln said of its build."""
        image = self.windows("mbr", *scenario)
        template = templates.Template(name, self.home, image)
        for line in scenario:
            if line.startswith("exit "):  # of the first script
                next(iter(template.files.values())).write_text(line)
        self.said = self.kiln("build", *template.flags(), template.path, code=code, timeout=1200).stderr
        self.assertEqual(self.sandboxes(), [])
        return template

    def succeeds(self, name):
        template = self.build(name, 0, f"updates {UPDATES}")
        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Succeeded")
        vhd, = self.output.glob("*.vhd")
        expected = templates.Expected(template, UPDATES)
        events = templates.events(self.log_of_windows(vhd))
        self.assertEqual(events[:-2], expected.events)
        deprovision, sysprep = events[-2:]
        self.assertEqual(deprovision[:2], ("script", 0))
        self.assertIn("Sysprep.exe /oobe /generalize /quiet /quit", deprovision[2])
        self.assertEqual(sysprep, ("sysprep", "/oobe /generalize /quiet /quit"))
        for number, step in enumerate(template.steps, 1):
            for line in templates.output(step):
                self.assertIn(line, self.step_log(number))
        for path, content in expected.files.items():
            self.assertEqual(self.windows_file(vhd, path), content, path)
        self.assert_finished(vhd)
        self.assert_validated(template)

    def fails(self, name, scenario, step, code, words):
        template = self.build(name, 1, *scenario)
        self.assertIn(f"[{code}]", self.said)
        self.assertIn(words, self.said)
        if step is not None:
            self.assertRegex(self.said, rf"where: .*/customize/{step}\n")
            self.assertFalse((self.run_folder() / f"steps/customize-{step + 2:02}.log").exists())
        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Failed")
        self.assertEqual(list(self.output.iterdir()), [], template.path)

    def assert_validated(self, template):
        log = self.run_folder() / "validation.log"
        self.assertEqual(log.exists(), bool(template.validators))
        for validator in template.validators:
            for line in templates.output(validator):
                self.assertIn(line, log.read_text())


def add_tests():
    """One for each template that is wanted, and one for each failure."""
    for name in templates.published():
        if not ALL and not any(word in name for word in FEW):
            continue
        label = re.sub(r"\W+", "_", name.removesuffix(".json"))
        failures = [failure for failure in FAILURES if failure[0] in name]
        if not failures or failures[0][1]:
            setattr(WindowsTemplates, f"test_{label}", lambda self, name=name: self.succeeds(name))
        for _, *failure in failures:
            setattr(WindowsTemplates, f"test_failing_{label}",
                    lambda self, name=name, failure=tuple(failure): self.fails(name, *failure))


if HERE:
    add_tests()
else:
    WindowsTemplates.test_published_templates = unittest.skip("no published templates; set KILN_SHARED_DIR")(
        lambda self: None)


if __name__ == "__main__":
    unittest.main()
