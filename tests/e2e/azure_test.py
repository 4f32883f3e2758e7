"""From template to gallery version, managed image and VHD in one build of a real Debian guest, in a cloud that strict
fakes make up; and what becomes of the secrets that it takes."""

import json
import os
import resource
import signal
import ssl
import subprocess
import unittest
import urllib.request
from pathlib import Path

from harness import SOURCE_DIR, KILN, KilnTest, guest, wait_until

FAKE = SOURCE_DIR / "fixtures/azure/strict_arm.py"
COMPUTE = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/images/providers/Microsoft.Compute"
DEFINITION = COMPUTE + "/galleries/g/images/d"
# All that is secret in the fake has this word in it.
SECRET = b"planted"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azure(KilnTest):
    def setUp(self):
        super().setUp()
        self.environment.update({
            "AZURE_TENANT_ID": "11111111-1111-1111-1111-111111111111",
            "AZURE_CLIENT_ID": "22222222-2222-2222-2222-222222222222",
            "AZURE_CLIENT_SECRET": "planted~client.secret-0123456789"})
        self.image = guest("debian12.vhd")

    def serve(self, *options):
        folder = self.home / "fake"
        fake = subprocess.Popen(["python3", "-B", FAKE, "serve", folder, *options])
        self.addCleanup(fake.wait)
        self.addCleanup(fake.kill)
        wait_until(lambda: (folder / "endpoint").exists(), 60, "the fake's start")
        self.endpoint = (folder / "endpoint").read_text().strip()
        self.blobs = (folder / "blob-endpoint").read_text().strip()
        self.trust = ssl.create_default_context(cafile=folder / "ca.pem")
        self.environment.update({"KILN_CLOUD": self.endpoint, "KILN_CA_FILE": str(folder / "ca.pem")})

    def control(self, action, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/__control/{action}", data)
        with urllib.request.urlopen(request, context=self.trust) as answer:
            return json.load(answer)

    def template_for(self, generation, distribute):
        path = self.template(self.image, [{"type": "Shell", "inline": ["echo here >> /etc/issue"]}], distribute)
        body = json.loads(path.read_text())
        body["properties"]["source"].update(osType="Linux", hyperVGeneration=generation)
        path.write_text(json.dumps(body))
        return path

    def content(self, vhd):
        done = subprocess.run(["python3", "-B", FAKE, "digest", vhd], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def check_outputs(self, expected):
        record = self.record()
        self.assertEqual(record["lastRunStatus"]["runState"], "Succeeded")
        outputs = {output["name"]: output["properties"] for output in record["runOutputs"]}
        self.assertEqual({name: outputs[name].get("artifactId") for name in expected}, expected)
        resources = {key: value for key, value in self.control("state")["resources"].items()
                     if not value["fake"].get("deleted")}
        content = self.content(self.output / "sample.vhd")
        for name, resource_id in expected.items():
            self.assertEqual(resources[resource_id.lower()]["fake"]["content"], content, name)
        self.assertEqual([key for key in resources if "/disks/" in key], [], "staged disks have to go")
        self.assertEqual(self.control("state")["violations"], [])

    def check_secrets(self, *outputs):
        """Neither what was printed nor the run folder holds a secret."""
        for text in outputs:
            self.assertNotIn(SECRET, text.encode())
            self.assertNotIn(KEY, text)
        files = [path for path in self.state.rglob("*") if path.is_file()]
        self.assertGreater(len(files), 3)
        for path in files:
            contents = path.read_bytes()
            self.assertNotIn(SECRET, contents, path)
            self.assertNotIn(KEY.encode(), contents, path)

    def test_gallery_managed_image_and_vhd(self):
        self.serve()
        self.control("definition", {"id": DEFINITION, "location": "westeurope", "generation": "V2"})
        template = self.template_for("V2", [
            {"type": "SharedImage", "runOutputName": "gallery", "galleryImageId": DEFINITION,
             "targetRegions": [{"name": "westeurope"}, {"name": "northeurope", "replicaCount": 2}]},
            {"type": "ManagedImage", "runOutputName": "image", "location": "westeurope",
             "imageId": COMPUTE + "/images/web", "artifactTags": {"team": "web"}},
            {"type": "VHD", "runOutputName": "vhd"}])
        done = self.kiln("--log-format", "json", "build", template, timeout=1200)
        self.check_outputs({"gallery": DEFINITION + "/versions/1.0.0", "image": COMPUTE + "/images/web"})
        self.check_secrets(done.stdout, done.stderr)
        image = self.control("state")["resources"][(COMPUTE + "/images/web").lower()]
        self.assertEqual(image["tags"]["team"], "web")
        uploads = [path for _, path, *_ in self.control("state")["requests"] if path.endswith("/beginGetAccess")]
        self.assertEqual(len(uploads), 1, "the version is made of the managed image")

    def test_stack_hub_without_gallery(self):
        self.serve("--stack-hub", "--adfs")
        image = {"type": "ManagedImage", "runOutputName": "image", "location": "local",
                 "imageId": COMPUTE + "/images/web"}
        gallery = {"type": "SharedImage", "runOutputName": "gallery", "galleryImageId": DEFINITION}
        refused = self.kiln("plan", self.template_for("V2", [image, gallery])).stdout
        for reason in ("no compute galleries", "no machines of Hyper-V generation 2"):
            self.assertIn(reason, refused)
        self.environment.update({"KILN_STAGING_CONTAINER": self.blobs + "/staging", "AZURE_STORAGE_KEY": KEY})
        template = self.template_for("V1", [image, {"type": "VHD", "runOutputName": "vhd"}])
        done = self.kiln("build", template, timeout=1200)
        self.check_outputs({"image": COMPUTE + "/images/web"})
        self.check_secrets(done.stdout, done.stderr)
        self.assertEqual(self.control("state")["tokens"], {"adfs": 1})

    def test_what_is_wrong_is_told_before_the_build(self):
        self.serve()
        self.control("definition", {"id": DEFINITION, "location": "westeurope", "generation": "V1"})
        template = self.template_for("V2", [
            {"type": "SharedImage", "runOutputName": "gallery", "galleryImageId": DEFINITION}])
        done = self.kiln("build", template, code=2)
        self.assertIn("SharedImage:OtherDefinition", done.stderr)
        done = self.kiln("build", template, code=1, AZURE_CLIENT_SECRET="planted-but-wrong-secret")
        self.assertIn("AADSTS7000215", done.stderr)
        self.check_secrets(done.stdout, done.stderr)

    def test_a_crash_leaves_no_memory(self):
        template = self.template_for("V2", [{"type": "VHD", "runOutputName": "vhd"}])
        folder = self.home / "crash"
        folder.mkdir()
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2)
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(null, descriptor)
            os.execve(KILN, [KILN, "build", str(template)], self.environment)
        wait_until(lambda: (self.state / "runs").exists(), 60, "the run")
        os.kill(child, signal.SIGABRT)
        _, status = os.waitpid(child, 0)
        self.assertTrue(os.WIFSIGNALED(status))
        self.assertFalse(os.WCOREDUMP(status))
        self.assertEqual(list(folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
