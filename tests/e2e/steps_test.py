"""Steps as a template's author meets them: order, output, failures, limits, isolation."""

import hashlib
import http.server
import json
import socket
import socketserver
import threading
import time
import unittest

from harness import KilnTest, guest, wait_until


def shell(*lines, **fields):
    return {"type": "Shell", "inline": list(lines), **fields}


class Steps(KilnTest):
    def build(self, customize, code=0, *flags, **properties):
        image = guest("layout-ext4.qcow2")
        return self.kiln("build", *flags, self.template(image, customize, **properties), code=code)

    def step_log(self, step):
        return (self.run_folder() / "steps" / f"{step}.log").read_bytes()

    def test_many_kinds_of_steps_in_one_build(self):
        script = b"#!/bin/bash\r\necho fetched script runs in $BASH_VERSION\r\n"
        (self.home / "setup.sh").write_bytes(script)
        (self.home / "motd").write_text("made by a File step\n")
        self.build([
            shell("id -u", "echo to stderr >&2", "pwd", name="who"),
            shell("sudo -n id -u", name="sudo works where the image has none"),
            shell("ls /sys/class/net", "! ip route 2>/dev/null | grep -q default", name="no network"),
            {"type": "Shell", "scriptUri": "setup.sh", "sha256Checksum": hashlib.sha256(script).hexdigest()},
            {"type": "File", "sourceUri": "motd", "destination": "/etc/motd"},
            shell("cat /etc/motd", "touch /etc/kiln-was-here"),
            shell("(setsid sleep 1000 &) ; echo left behind"),
            shell("pgrep sleep && exit 1 || echo nothing left"),
            shell("df --output=size -BM / | tail -n 1", name="size"),
        ], vmProfile={"osDiskSizeGB": 2})
        self.assertEqual(self.step_log("customize-01").splitlines()[0], b"0")
        self.assertIn(b"to stderr", self.step_log("customize-01"))
        self.assertEqual(self.step_log("customize-02").split(), [b"0"])
        self.assertEqual(self.step_log("customize-03").split(), [b"lo"])
        self.assertIn(b"fetched script runs in 5", self.step_log("customize-04"))
        self.assertIn(b"made by a File step", self.step_log("customize-06"))
        self.assertIn(b"nothing left", self.step_log("customize-08"))
        self.assertGreater(int(self.step_log("customize-09").strip().rstrip(b"M")), 1900)  # of 1 GiB before
        self.assertEqual((self.output / "sample.vhd").stat().st_size, (2 << 30) + 512)
        log = (self.run_folder() / "customization.log").read_text()
        self.assertIn("disk grown from 1.0 GiB to 2.0 GiB, with /dev/sda1 (ext4)", log)
        self.assertIn("PACKER", log)
        self.assertIn("==> azure-arm: to stderr", log)
        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Succeeded")

    def test_a_failing_step_says_why_and_leaves_nothing(self):
        done = self.build([shell("echo before", "ls /no/such/file", "echo never")], 1)
        self.assertIn("/no/such/file", done.stderr)
        self.assertIn("exit code 2", done.stderr)
        self.assertNotIn("never", done.stderr)
        self.assertEqual(list(self.output.iterdir()), [])
        self.assertFalse((self.run_folder() / "work").exists())
        self.assertEqual(self.record()["lastRunStatus"]["runState"], "Failed")
        self.assertEqual(self.record()["error"]["kind"], "GuestFailed")

    def test_a_wrong_checksum_stops_before_any_sandbox(self):
        (self.home / "setup.sh").write_text("true\n")
        step = {"type": "Shell", "scriptUri": "setup.sh", "sha256Checksum": "0" * 64}
        done = self.build([step], 2)
        self.assertIn("/properties/customize/0", done.stderr)
        self.assertEqual([phase["name"] for phase in self.record()["phases"]], ["prepare"])

    def test_a_build_that_takes_too_long_is_ended(self):
        started = time.monotonic()
        done = self.build([shell("sleep 600")], 1, buildTimeoutInMinutes=1)
        self.assertLess(time.monotonic() - started, 90)
        self.assertIn("buildTimeoutInMinutes", done.stderr)
        self.assertEqual(self.sandboxes(), [])

    def test_much_output_and_slow_output_arrive_whole(self):
        image = guest("layout-ext4.qcow2")
        template = self.template(image, [
            shell("yes $(printf '%0999d' 7) | head -c 200000000"),
            shell("for i in $(seq 60); do echo tick $i; sleep 1; done"),
        ])
        process = self.start("build", template)
        ticks = []
        for line in process.stderr:
            if '"step.output"' not in line or "tick" not in line:
                continue
            if json.loads(line).get("stepId") == "customize-02":
                ticks.append(time.monotonic())
        output, _ = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(ticks), 60)
        self.assertGreater(ticks[-1] - ticks[0], 50)
        longest = max(later - earlier for earlier, later in zip(ticks, ticks[1:]))
        self.assertLess(longest, 5, "lines did not arrive while the step ran")
        self.assertEqual(len(self.step_log("customize-01")), 200_000_000)

    def test_named_servers_are_reached_and_no_other(self):
        """The image has no table of names, as before, and there is no network card."""
        allowed, other = self.serve(b"allowed"), self.serve(b"other")
        host = socket.gethostname()
        self.build([shell(f"bash -c 'cat </dev/tcp/127.0.0.1/{allowed}'",
                          f"bash -c 'cat </dev/tcp/127.0.0.1/{other}' || echo refused",
                          f"getent hosts {host}", "ls /sys/class/net", "cp /etc/hosts /etc/hosts-of-kiln-step")],
                   0, f"--network=127.0.0.1:{allowed}", f"--network={host}:9")
        log = self.step_log("customize-01").decode()
        self.assertIn("\nhello allowed", "\n" + log)
        self.assertIn("refused", log)
        self.assertNotIn("hello other", log)
        self.assertRegex(log, rf"127\.77\.0\.\d+ +{host}")
        self.assertEqual(log.splitlines()[-1], "lo")
        vhd = self.output / "sample.vhd"
        self.assertEqual(self.guest_paths(vhd, "etc/hosts", device="/dev/sda1"), ["etc/hosts-of-kiln-step"])
        self.assertIn("127.77.", self.guest_file(vhd, "/etc/hosts-of-kiln-step", device="/dev/sda1"))

    def serve(self, name):
        """A server that says hello to whoever connects; its port."""
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.sendall(b"hello " + name + b"\n")

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def serve_script(self, script, status=200, once=lambda: True):
        """A web server that answers with a script, `once` something is so or it has no more patience; its URL."""
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                wait_until(once, 60, "what the server waits for")
                self.send_response(status)
                self.send_header("Content-Length", str(len(script)))
                self.end_headers()
                self.wfile.write(script)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/setup.sh?sig=verysecretvalue"

    def told(self, kind, step):
        """Whether the run has told that of a step."""
        lines = [line for path in self.state.glob("runs/*/events.jsonl") for line in path.read_text().splitlines(True)]
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return any(event["type"] == kind and event.get("stepId") == step for event in events)

    def test_inputs_arrive_while_the_sandbox_starts(self):
        with self.subTest("it is up before they are here"):
            uri = self.serve_script(b"echo late\n", once=lambda: self.told("step.finished", "customize-sandbox"))
            self.build([{"type": "Shell", "scriptUri": uri}])
            self.assertIn(b"late", self.step_log("customize-01"))
            self.assertRegex(self.kiln("runs", "show", "latest").stdout, r"wait for inputs +wait ")
        with self.subTest("one that is missing ends the start"):
            (self.state / "runs").rename(self.home / "runs before")
            uri = self.serve_script(b"", 404, once=lambda: self.told("step.started", "customize-sandbox"))
            # A boot takes much longer than the server's answer.
            template = self.template(guest("debian12.vhd"), [{"type": "Shell", "scriptUri": uri}])
            done = self.kiln("build", "--mode", "boot", "--overwrite", "--keep-on-failure", template, code=1)
            self.assertIn("404", done.stderr)
            self.assertIn("/properties/customize/0", done.stderr)
            start, = (step for step in self.record()["steps"] if step["name"] == "customize-sandbox")
            self.assertEqual(start["outcome"], "cancelled")
            self.assertNotIn("kept", self.record())
            self.assertEqual(self.sandboxes(), [])

    def test_inputs_over_http_are_pinned(self):
        script = b"echo over http\n"
        self.build([{"type": "Shell", "scriptUri": self.serve_script(script)}])
        self.assertIn(b"over http", self.step_log("customize-01"))
        record = self.record()
        self.assertEqual(record["inputs"][0]["sha256"], hashlib.sha256(script).hexdigest())
        self.assertNotIn("verysecretvalue", json.dumps(record))


if __name__ == "__main__":
    unittest.main()
