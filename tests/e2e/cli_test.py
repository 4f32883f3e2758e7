"""The command line without a virtual machine: exit codes, results, what must not be written."""

import base64
import json
import os
import subprocess
import unittest
import urllib.parse

from harness import KilnTest


class CommandLine(KilnTest):
    def small_image(self, name="disk.raw", size=1 << 20):
        path = self.home / name
        with open(path, "wb") as file:
            file.truncate(size)
            file.seek(4096)
            file.write(b"data" * 1024)
        return path

    def test_usage_errors_exit_2(self):
        self.kiln(code=2)
        self.kiln("bulid", code=2)
        self.kiln("build", code=2)
        self.kiln("image", "convert", "only-one", code=2)
        wrong = self.kiln("validate", "--format", "sarf", "t.json", code=2).stderr
        self.assertIn('--format: "sarf" is none of text, json, sarif; did you mean "sarif"?', wrong)

    def test_what_the_network_option_says(self):
        template = self.template(self.small_image(), [])
        for flags, said in ((["--network"], "network on, unrestricted"), ([], "network off"),
                            (["--network=a.example:443", "--network=10.0.0.1:80"],
                             "network to a.example:443, 10.0.0.1:80 only")):
            self.assertIn(said, self.kiln("plan", *flags, template).stdout)
        for flags, code in ((["--network=a.example"], "Network:Destination"),
                            (["--network=localhost:80"], "Network:Localhost"),
                            (["--network", "--network=a.example:80"], "Network:Both")):
            self.assertIn(code, self.kiln("plan", *flags, template, code=2).stderr)

    def debian_disc(self):
        root = self.home / "disc"
        for name, text in {
                ".disk/info": 'Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 DVD Binary-1 20240210-11:28',
                ".disk/base_installable": "", "install.amd/vmlinuz": "kernel", "install.amd/initrd.gz": "initrd",
                "pool/main/o/openssh/openssh-server_9.2p1-2_amd64.deb": ""}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        iso = self.home / "debian.iso"
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-V", "Debian 12", "-o", iso, root], check=True)
        return iso

    def test_what_is_on_a_disc(self):
        iso = self.debian_disc()
        text = self.kiln("image", "inspect", iso).stdout
        self.assertIn("Installs   Debian GNU/Linux 12.5.0 (bookworm), x86_64", text)
        self.assertIn("Packages   for Azure: openssh-server", text)
        self.assertNotIn("Warning", text)
        found = json.loads(self.kiln("--log-format", "json", "image", "inspect", iso).stdout)
        self.assertEqual((found["family"], found["kernel"], found["label"], found["installable"]),
                         ("debian", "install.amd/vmlinuz", "Debian 12", True))

    def test_answers_for_an_installer(self):
        iso = self.debian_disc()
        for generation, label in (("V1", "msdos"), ("v2", "gpt")):
            text = self.kiln("template", "answers", iso, "--generation", generation).stdout
            self.assertIn(f"d-i partman-partitioning/default_label string {label}\n", text)
        more = self.home / "more.cfg"
        more.write_text("d-i time/zone string Europe/Berlin\n")
        text = self.kiln("template", "answers", iso, "--additional-answers", more).stdout
        self.assertTrue(text.endswith("Europe/Berlin\n"), text)
        self.assertIn("update-grub", self.kiln("template", "answers", iso, "--file", "kiln/late.sh").stdout)
        files = json.loads(self.kiln("--log-format", "json", "template", "answers", iso).stdout)["files"]
        self.assertEqual(sorted(files), ["kiln/early.sh", "kiln/late.sh", "preseed.cfg"])
        self.assertIn("Installer:NoSuchAnswers", self.kiln("template", "answers", iso, "--file", "x", code=2).stderr)
        self.assertIn("Media:NoDisc", self.kiln("template", "answers", self.small_image(), code=1).stderr)

    def test_help_and_version_exit_0(self):
        self.assertIn("kiln", self.kiln("--version").stdout)
        self.assertIn("Exit codes", self.kiln("--help").stdout)
        self.assertIn("machine-id", self.kiln("build", "--help").stdout)

    def test_template_error_names_pointer_line_and_column(self):
        path = self.home / "bad.json"
        path.write_text('{\n  "type": "Microsoft.VirtualMachineImages/imageTemplates",\n'
                        '  "properties": {"source": {"type": "KilnLocalImage", "path": "x"},\n'
                        '    "customize": [{"type": "Shell", "inlin": ["true"]}],\n'
                        '    "distribute": [{"type": "VHD", "runOutputName": "vhd"}]}\n}\n')
        error = self.kiln("validate", path, code=2).stderr
        self.assertIn("bad.json:4:", error)
        self.assertIn("/properties/customize/0/inlin", error)
        self.assertIn('did you mean "inline"', error)

    def test_unsupported_part_is_planned_and_not_built(self):
        template = self.template(self.small_image(), [{"type": "Shell", "inline": ["true"]}],
                                 additionalDataDisks=[{"sizeGB": 4}])
        self.assertIn("not yet", self.kiln("validate", template).stdout)
        self.assertIn("Shell", self.kiln("plan", template).stdout)
        error = self.kiln("build", template, code=2).stderr
        self.assertIn("/properties/additionalDataDisks", error)
        self.assertFalse((self.home / "state").exists() and list((self.home / "state").rglob("run.json")))

    def test_all_findings_are_told_at_once(self):
        template = self.template(self.small_image(),
                                 [{"type": "Shel", "inline": ["a"]}, {"type": "Shell", "inline": 1}])
        findings = json.loads(self.kiln("validate", "--format", "json", template, code=2).stdout)["findings"]
        self.assertEqual([one["pointer"] for one in findings if one["severity"] == "error"],
                         ["/properties/customize/0/type", "/properties/customize/1/inline"])
        sarif = json.loads(self.kiln("validate", "--format", "sarif", template, code=2).stdout)
        self.assertEqual(len(sarif["runs"][0]["results"]), len(findings))
        for verb in "plan", "build":
            told = self.kiln(verb, template, code=2).stderr
            self.assertIn('did you mean "Shell"?', told)
            self.assertIn("expected: an array", told)
            self.assertIn("kiln: 2 errors", told)
            lines = self.kiln("--log-format", "json", verb, template, code=2).stderr.splitlines()
            self.assertEqual([json.loads(line)["where"].split()[-1] for line in lines],
                             ["/properties/customize/0/type", "/properties/customize/1/inline"])

    def test_a_template_can_come_from_the_standard_input(self):
        template = self.template(self.small_image(), [{"type": "Shel", "inline": ["a"]}])
        with open(template) as text:
            told = self.kiln("validate", "-", code=2, stdin=text).stderr
        self.assertIn("where:    stdin:", told)

    def test_validate_looks_at_each_of_several_image_templates(self):
        def image(name, minutes):
            return {"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2022-07-01",
                    "name": name, "location": "x", "properties": {
                        "source": {"type": "KilnLocalImage", "path": "x"}, "buildTimeoutInMinutes": minutes,
                        "distribute": [{"type": "VHD", "runOutputName": "o"}]}}
        path = self.home / "two.json"
        document = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                    "resources": [image("a", 60), image("b", 9999)]}
        path.write_text(json.dumps(document))
        self.assertIn("/resources/1/properties/buildTimeoutInMinutes", self.kiln("validate", path, code=2).stderr)
        document["resources"][1]["properties"]["buildTimeoutInMinutes"] = 9
        path.write_text(json.dumps(document))
        self.assertIn("2 targets", self.kiln("validate", path).stdout)
        self.assertIn("--resource NAME", self.kiln("plan", path, code=2).stderr)

    def test_all_blocked_parts_are_told_at_once(self):
        template = self.template(self.small_image(),
                                 [{"type": "File", "sourceUri": "missing", "destination": "/etc/a"}],
                                 additionalDataDisks=[{"sizeGB": 4}])
        lines = self.kiln("--log-format", "json", "build", template, code=2).stderr.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertTrue(all(json.loads(line)["cure"] for line in lines))

    def test_a_file_that_cannot_be_read_is_a_matter_of_usage(self):
        template = self.template(self.small_image(), [{"type": "Shell", "inline": ["true"]}])
        missing = self.home / "missing.json"
        for verb in "validate", "plan", "build":
            self.assertIn(str(missing), self.kiln(verb, missing, code=2).stderr)
        for option in "--parameters", "--placeholders", "--resource-values", "--uri-map":
            error = self.kiln("plan", template, option, missing, code=2).stderr
            self.assertIn(option, error)
            self.assertIn(str(missing), error)

    def test_starter_is_valid_and_schema_is_json(self):
        starter = self.home / "starter.json"
        self.kiln("template", "init", starter)
        self.assertIn("is valid", self.kiln("validate", starter).stdout)
        self.kiln("template", "init", starter, code=2)
        self.assertIn("$defs", json.loads(self.kiln("schema").stdout))

    def test_validate_plan_and_doctor_write_nothing(self):
        template = self.template(self.small_image(), [{"type": "Shell", "inline": ["true"]}])
        before = sorted(self.home.rglob("*"))
        self.kiln("validate", template)
        self.assertIn("Shell", self.kiln("plan", template).stdout)
        doctor = self.kiln("doctor", KILN_CACHE_DIR=str(self.home / "cache")).stdout
        self.assertRegex(doctor, r"ok +libvirt +libvirt \d")
        self.assertRegex(doctor, r"ok +UEFI firmware")
        self.assertEqual(sorted(self.home.rglob("*")), before)

    def test_doctor_says_whether_a_build_could_run(self):
        done = self.kiln("--log-format", "json", "doctor", PATH="/nonexistent", code=3)
        rows = {row["what"]: row for row in json.loads(done.stdout)}
        self.assertEqual(rows["qemu-img"]["level"], "problem")
        self.assertEqual(rows["qemu-img"]["cure"], "apt-get install qemu-utils")
        self.assertEqual(rows["memory"]["level"], "ok")
        self.assertIn(str(self.output), rows["output folder"]["detail"])

    def test_plan_is_stable_json(self):
        template = self.template(self.small_image(), [{"type": "Shell", "inline": ["true"]}])
        first = self.kiln("--log-format", "json", "plan", template).stdout
        self.assertEqual(first, self.kiln("--log-format", "json", "plan", template).stdout)
        self.assertEqual(json.loads(first)["steps"][0]["id"], "customize-01")

    def test_plan_says_what_the_cloud_was_chosen_by(self):
        template = self.template(self.small_image(), [], [
            {"type": "ManagedImage", "runOutputName": "image", "location": "westeurope", "imageId":
             "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i"}])
        self.environment.pop("KILN_CLOUD", None)
        for variable, options, cloud, chosen_by in (
                (None, (), "AzureCloud", "default"),
                ("china", (), "AzureChinaCloud", "KILN_CLOUD"),
                ("china", ("--cloud", "usgovernment"), "AzureUSGovernment", "--cloud")):
            environment = {"KILN_CLOUD": variable} if variable else {}
            plan = json.loads(self.kiln("--log-format", "json", "plan", *options, template, **environment).stdout)
            self.assertEqual((plan["cloud"]["name"], plan["cloud"]["chosenBy"]), (cloud, chosen_by))

    def test_plan_says_where_steps_run_and_what_is_known_of_acceleration(self):
        template = self.template(self.small_image(), [{"type": "Shell", "inline": ["true"]}])
        self.assertIn("appliance: every step", self.kiln("plan", template).stdout)
        booted = self.kiln("plan", "--mode", "boot", template).stdout
        self.assertIn("guest: --mode boot asks for it", booted)
        self.assertIn("in the booted system", booted)
        unknown = self.kiln("plan", template, KILN_CACHE_DIR=str(self.home / "empty")).stdout
        self.assertIn("not known yet", unknown)
        self.kiln("plan", "--mode", "both", template, code=2)

    def test_image_convert_and_inspect(self):
        raw = self.small_image(size=3 * 512 * 1024 + 512)
        vhd = self.home / "out.vhd"
        self.kiln("image", "convert", raw, vhd)
        shown = json.loads(self.kiln("--log-format", "json", "image", "inspect", vhd).stdout)
        self.assertEqual(shown["format"], "vhd-fixed")
        self.assertEqual(shown["virtualSize"], 2 << 20)
        subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "vpc", str(raw), str(vhd)], check=True)
        error = self.kiln("image", "convert", raw, vhd, code=1).stderr
        self.assertIn("--overwrite", error)

    def test_hostile_source_is_refused(self):
        base = self.small_image()
        overlay = self.home / "overlay.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "raw", str(overlay)],
                       check=True)
        error = self.kiln("image", "inspect", overlay, code=1).stderr
        self.assertIn("backing", error)

    def test_catalog_round_trip(self):
        image = self.small_image()
        urn = "Debian:debian-12:12-gen2:12.0.1"
        self.kiln("catalog", "add", urn, image, "--os-type", "Linux", "--generation", "V2")
        self.assertIn(urn, self.kiln("catalog", "list").stdout)
        self.kiln("catalog", "verify")
        image.write_bytes(b"x" * (1 << 20))
        self.assertIn(str(image), self.kiln("catalog", "verify", code=1).stderr)
        self.kiln("catalog", "remove", urn)
        self.assertNotIn(urn, self.kiln("catalog", "list").stdout)

    def test_missing_catalog_entry_names_the_command_that_adds_it(self):
        template = self.template(self.small_image(), [])
        body = json.loads(template.read_text())
        body["properties"]["source"] = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12",
                                        "sku": "12-gen2", "version": "latest"}
        template.write_text(json.dumps(body))
        self.assertIn("kiln catalog add", self.kiln("plan", template).stdout)
        self.assertIn("kiln catalog add", self.kiln("build", template, code=1).stderr)

    def test_unknown_run_and_empty_list(self):
        self.assertIn("RUN", self.kiln("runs", "list").stdout)
        self.kiln("runs", "show", "nothing", code=1)
        self.kiln("runs", "gc")

    def test_target_is_checked_before_any_work(self):
        template = self.template(self.small_image(), [])
        (self.output / "sample.vhd").write_text("precious")
        error = self.kiln("build", template, code=1).stderr
        self.assertIn("--overwrite", error)
        self.assertEqual((self.output / "sample.vhd").read_text(), "precious")
        self.assertEqual([phase["name"] for phase in self.record()["phases"]], ["prepare"])

    def test_two_targets_with_one_file_are_refused(self):
        template = self.template(self.small_image(), [], [
            {"type": "VHD", "runOutputName": "one", "uri": str(self.output / "x.vhd")},
            {"type": "VHD", "runOutputName": "two", "uri": str(self.output / "x.vhd")}])
        self.assertIn("two", self.kiln("build", template, code=2).stderr)

    def test_planted_secret_appears_nowhere(self):
        secret = "c2VjcmV0LXBsYW50ZWQtZm9yLWEtdGVzdA=="
        template = self.template(self.small_image(), [], [
            {"type": "VHD", "runOutputName": "blob", "uri": "http://127.0.0.1:9/devstoreaccount1/vhds/x.vhd"}])
        done = self.kiln("build", template, code=1, AZURE_STORAGE_KEY=secret)
        self.assertNotIn(secret, done.stdout + done.stderr)
        for path in self.home.rglob("*"):
            if path.is_file() and os.access(path, os.R_OK):
                self.assertNotIn(secret.encode(), path.read_bytes(), path)

    def test_secrets_of_a_template_are_shown_in_no_form(self):
        secret = "Planted~secret+for/this=test"
        encoded = base64.b64encode(secret.encode()).decode()
        values = self.home / "values.json"
        values.write_text(json.dumps({"listKeys('/ids/u')": {"keys": [{"value": "live-" + secret}]}}))
        template = self.home / "secrets.json"
        forms = [secret, "live-" + secret, secret.upper(), urllib.parse.quote(secret, safe="-_.~"),
                 encoded, encoded[:-4]]
        given = ["--parameter", "s=" + secret, "--resource-values", values]
        for targets, code in ([{"type": "VHD", "runOutputName": "o"}], 0), (
                [{"type": "VHD", "runOutputName": "[parameters('s')]"}, {"type": "[parameters('copy')]"}], 2):
            template.write_text(json.dumps(self.template_of_secrets(encoded, targets)))
            for command in (["validate"], ["validate", "--format", "json"], ["validate", "--format", "sarif"],
                            ["plan"], ["--log-format", "json", "plan"]):
                done = self.kiln(*command, template, *given, code=code)
                for form in forms:
                    self.assertNotIn(form, done.stdout + done.stderr, command)
            self.assertIn("***", done.stdout + done.stderr)

    @staticmethod
    def template_of_secrets(encoded, targets):
        """A deployment template that shows its secrets wherever Kiln repeats what it read."""
        return {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "parameters": {
                "s": {"type": "secureString"},
                "copy": {"type": "string", "defaultValue": "[base64(concat('u:', parameters('s')))]"},
                "live": {"type": "string", "defaultValue": "[listKeys('/ids/u', '1').keys[0].value]"},
                "decoded": {"type": "string", "defaultValue": f"[base64ToString('{encoded}')]"}},
            "resources": [{
                "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2022-07-01", "name": "t",
                "location": "[uriComponent(parameters('s'))]",
                "tags": {"a": "[parameters('copy')]", "b": "[parameters('live')]",
                         "c": "[base64(parameters('live'))]", "d": "[parameters('decoded')]"},
                "properties": {
                    "source": {"type": "KilnLocalImage", "path": "[concat('/', toUpper(parameters('s')))]"},
                    "customize": [{"type": "Shell", "name": "[base64(parameters('s'))]", "inline": ["true"]}],
                    "distribute": targets}}]}


if __name__ == "__main__":
    unittest.main()
