"""The strict fake of the page blob service, as the end-to-end tests use it."""

import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from harness import SOURCE_DIR, wait_until

# The development account's key, which every copy of the storage emulator has.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PROGRAM = SOURCE_DIR / "fixtures/azure/strict_page_blob.py"


class StrictService:
    """Runs until the test ends. `endpoint` ends with the account; its container is `vhds`."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory(prefix="kiln-strict-")
        test.addCleanup(folder.cleanup)
        server = subprocess.Popen([sys.executable, PROGRAM, "serve", folder.name, "--container", "vhds"])
        test.addCleanup(server.wait)
        test.addCleanup(server.kill)
        endpoint = Path(folder.name) / "endpoint"
        wait_until(endpoint.exists, 20, "the start of the strict service")
        self.endpoint = endpoint.read_text().strip()

    def url(self, blob):
        return f"{self.endpoint}/vhds/{blob}"

    def sas(self, blob, expiry="2099-01-01T00:00:00Z"):
        return subprocess.run([sys.executable, PROGRAM, "sas", self.url(blob), "--expiry", expiry],
                              capture_output=True, text=True, check=True).stdout.strip()

    def _control(self, action, body=None):
        root = self.endpoint.rsplit("/", 1)[0]
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{root}/__control/{action}", data) as answer:
            return answer.read()

    def inject(self, *rules):
        self._control("faults", list(rules))

    def statistics(self):
        return json.loads(self._control("stats"))

    def blob(self, name):
        return self._control(f"blob?name=vhds/{name}")

    def digest(self, name):
        """Size, metadata and SHA-256, made where the blob is."""
        return json.loads(self._control(f"digest?name=vhds/{name}"))
