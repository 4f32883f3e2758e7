"""The main job on a real Debian guest: one build, delivered to a folder and to a page blob, booted."""

import base64
import hashlib
import hmac
import json
import subprocess
import unittest
import urllib.request
from email.utils import formatdate
from pathlib import Path

from harness import SOURCE_DIR, KilnTest, guest, sha256

# The development account that every copy of the storage emulator has.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def azure_request(method, endpoint, path, query="", headers=()):
    """A Shared Key request of our own, so that the check does not lean on Kiln's signing."""
    headers = {"x-ms-version": "2021-08-06", "x-ms-date": formatdate(usegmt=True), **dict(headers)}
    canonical = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-ms-"))
    resource = f"/{ACCOUNT}/{ACCOUNT}{path}"
    for pair in sorted(query.split("&")) if query else []:
        resource += "\n" + pair.replace("=", ":")
    to_sign = f"{method}\n\n\n\n\n\n\n\n\n\n\n\n{canonical}{resource}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), to_sign.encode(), hashlib.sha256)).decode()
    request = urllib.request.Request(f"{endpoint}{path}?{query}" if query else f"{endpoint}{path}", method=method)
    for name, value in {**headers, "Authorization": f"SharedKey {ACCOUNT}:{signature}"}.items():
        request.add_header(name, value)
    return urllib.request.urlopen(request)


class Build(KilnTest):
    def setUp(self):
        super().setUp()
        azurite = SOURCE_DIR / "fixtures/azure/azurite.sh"
        folder = self.home / "azurite"
        self.addCleanup(subprocess.run, [azurite, "stop", folder])
        started = subprocess.run([azurite, "start", folder], capture_output=True, text=True, check=True)
        self.endpoint = started.stdout.split()[-1].rstrip("/")
        azure_request("PUT", self.endpoint, "/vhds", "restype=container")

    def test_main_job(self):
        image = guest("debian12.vhd")
        digest = sha256(image)
        self.kiln("catalog", "add", "Debian:debian-12:12-gen2:12.0.1", image,
                  "--os-type", "Linux", "--generation", "V2")
        template = self.template(image, [
            {"type": "Shell", "name": "mark", "inline": ["echo KILN-WAS-HERE >> /etc/issue",
                                                         "sudo install -m 755 /dev/null /usr/local/bin/tool"]}],
            [{"type": "VHD", "runOutputName": "local"},
             {"type": "VHD", "runOutputName": "blob", "uri": f"{self.endpoint}/vhds/sample.vhd"}],
            vmProfile={"osDiskSizeGB": 5})
        body = json.loads(template.read_text())
        body["properties"]["source"] = {"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12",
                                        "sku": "12-gen2", "version": "latest"}
        template.write_text(json.dumps(body))

        self.assertIn("fixed VHD of 5.0 GiB, grown from 4.0 GiB (osDiskSizeGB)", self.kiln("plan", template).stdout)
        self.kiln("build", template, AZURE_STORAGE_KEY=KEY)

        self.assertEqual(sha256(image), digest)
        vhd = self.output / "sample.vhd"
        self.check_record(vhd)
        self.check_vhd(vhd)
        downloaded = self.check_blob(vhd)
        self.assertEqual(self.sandboxes(), [])
        self.assertFalse((self.run_folder() / "work").exists())
        for firmware in ("bios", "uefi"):
            with self.subTest(firmware=firmware):
                subprocess.run([SOURCE_DIR / "fixtures/guests/boot-check.sh", downloaded, firmware,
                                "--expect", "KILN-WAS-HERE"], check=True)

    def check_record(self, vhd):
        record = self.record()
        self.assertEqual(record["lastRunStatus"]["runState"], "Succeeded")
        outputs = {output["name"]: output for output in record["runOutputs"]}
        self.assertEqual(Path(outputs["local"]["properties"]["artifactUri"].removeprefix("file://")), vhd)
        self.assertEqual(outputs["blob"]["properties"]["artifactUri"], f"{self.endpoint}/vhds/sample.vhd")
        self.assertEqual([phase["name"] for phase in record["phases"]],
                         ["prepare", "attach", "customize", "generalize", "check", "distribute"])
        self.assertIn("Succeeded", self.kiln("runs", "list").stdout)
        self.assertIn("azure-arm", self.kiln("runs", "logs", "latest").stdout)
        self.assertIn("local", self.kiln("runs", "show", "latest").stdout)

    def check_vhd(self, vhd):
        info = json.loads(subprocess.run(["qemu-img", "info", "-f", "vpc", "--output", "json", vhd],
                                         capture_output=True, check=True).stdout)
        self.assertEqual(info["virtual-size"], 5 << 30)
        self.assertEqual(vhd.stat().st_size, info["virtual-size"] + 512)
        with open(vhd, "rb") as file:
            file.seek(-1024, 2)
            self.assertEqual(file.read(8), b"EFI PART")  # GPT's copy of its header is in the last sector
            file.seek(-512, 2)
            footer = file.read()
        self.assertEqual(footer[:8], b"conectix")
        self.assertEqual(footer[28:32], b"win ")

    def check_blob(self, vhd):
        """The VHD as the service gives it back, which has to be the file's equal."""
        with azure_request("GET", self.endpoint, "/vhds/sample.vhd") as blob, open(vhd, "rb") as file:
            self.assertEqual(int(blob.headers["Content-Length"]), vhd.stat().st_size)
            downloaded = self.home / "downloaded.vhd"
            with open(downloaded, "wb") as copy:
                while True:
                    sent, written = blob.read(1 << 20), file.read(1 << 20)
                    if sent != written:
                        self.fail(f"the blob differs from the file before byte {file.tell()}")
                    if not sent:
                        return downloaded
                    if sent.strip(b"\0"):
                        copy.write(sent)
                    else:
                        copy.seek(len(sent), 1)  # holes stay holes, as the disk has 5 GiB


if __name__ == "__main__":
    unittest.main()
