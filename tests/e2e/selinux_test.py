"""An image that enforces SELinux: what steps wrote while it was mounted has the policy's labels, and the agent runs when it is booted."""

import unittest

from harness import KilnTest, guest

# What a step writes with an ordinary program, moves, and has the system's own programs write anew.
STEPS = [
    "useradd -m tester",
    "mkdir -p /srv/www/html && echo hello > '/srv/www/html/a page.html'",
    "echo moved > /tmp/moved && mv /tmp/moved /etc/moved.conf",
    "printf '#!/bin/sh\\n' > /usr/local/bin/tool && chmod 755 /usr/local/bin/tool",
]

# By the image's own programs, under its own kernel.
CHECKS = [
    "[ \"$(getenforce)\" = Enforcing ]",
    "ls -Z /etc/shadow '/srv/www/html/a page.html' /usr/local/bin/tool",
    "restorecon -n -R -v /etc /srv /home /root /usr/local",
    "agent=$(echo /.kiln-agent-*/kiln-agent)",
    "[ \"$(stat -c %C $agent)\" = \"$(stat -c %C /usr/bin/env)\" ]",
    "[ \"$(stat -c %C /etc/systemd/system/kiln-agent.service)\" = \"$(stat -c %C /etc/systemd/system)\" ]",
    "id -Z",
]


class Selinux(KilnTest):
    def test_labels(self):
        template = self.template(guest("selinux.qcow2"), [{"type": "Shell", "inline": STEPS}],
                                 validate={"inVMValidations": [{"type": "Shell", "inline": ["set -e", *CHECKS]}]})

        self.kiln("build", template)

        self.assertRegex((self.run_folder() / "customization.log").read_text(), r"selinux-labels: labelled \d+ files")
        shadow, page, tool, *wrong, domain = (self.run_folder() / "steps/validate-01.log").read_text().splitlines()
        self.assertIn(":shadow_t:", shadow)
        self.assertIn(":httpd_sys_content_t:", page)
        self.assertIn(":bin_t:", tool)
        self.assertEqual(wrong, [])
        self.assertNotIn(":init_t:", domain)


if __name__ == "__main__":
    unittest.main()
