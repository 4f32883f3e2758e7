"""The image templates of Windows among published ones, each made ready for a build without a network."""

import json
import os
import re
from pathlib import Path

from harness import SOURCE_DIR

FOLDER = Path(os.environ.get("KILN_SHARED_DIR", SOURCE_DIR.parent / "shared")) / "templates"
OF_WINDOWS = {"powershell", "windowsrestart", "windowsupdate"}
PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]{1,64})>")


def read(path):
    """The document; of what is no JSON in published files, comments and commas after the last member."""
    text = path.read_text("utf-8-sig")
    try:
        return json.loads(text)
    except ValueError:
        text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
        return json.loads(re.sub(r",(\s*[}\]])", r"\1", text))


def image_templates(node):
    """The properties of each image template in a document, of nested deployments too."""
    if isinstance(node, dict):
        if isinstance(node.get("customize"), list):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from image_templates(each)


def of_windows(properties):
    return any(isinstance(step, dict) and str(step.get("type")).lower() in OF_WINDOWS
               for step in properties["customize"])


def published():
    """The files with an image template of Windows whose steps no earlier one has; each has one template."""
    seen = set()
    for path in sorted(FOLDER.rglob("*.json")):
        for properties in image_templates(read(path)):
            steps = json.dumps(properties["customize"], sort_keys=True)
            if of_windows(properties) and steps not in seen:
                seen.add(steps)
                yield str(path.relative_to(FOLDER))


# What an expression comes to that is not a parameter: a file beside the template.
EXPRESSIONS = {"[variables('customizerScriptUri')]": "scripts/runScript.ps1"}


def value_of(name):
    """What a user would give for a placeholder or a parameter, by what its name is about."""
    about = name.lower()
    if "api" in about:
        return "2022-07-01"
    if any(word in about for word in ("uri", "url", "path", "languagepack", "office", "teams")):
        return f"https://example.com/{name}"
    return re.sub(r"\W", "", about)


class Template:
    """A published template with another source and target, and files in place of what its steps fetch."""

    def __init__(self, name, folder, image):
        self.folder = folder
        document = read(FOLDER / name)
        properties = next(image_templates(document))
        properties["source"] = {"type": "KilnLocalImage", "path": str(image), "osType": "Windows"}
        properties["distribute"] = [{"type": "VHD", "runOutputName": "vhd"}]
        self.path = folder / "sample.json"
        self.path.write_text(json.dumps(document, indent=2))
        declared = document.get("parameters", {}) if "$schema" in document else {}
        self.parameters = {name: value_of(name) for name, each in declared.items() if "defaultValue" not in each}
        self.expressions = EXPRESSIONS | {f"[parameters('{name}')]": self.parameters.get(name, each.get("defaultValue"))
                                          for name, each in declared.items()}
        text = self.path.read_text()
        self.placeholders = {word: value_of(word) for word in PLACEHOLDER.findall(text)}
        self.steps = json.loads(self.filled(json.dumps(properties["customize"])))
        self.validators = json.loads(self.filled(json.dumps(properties.get("validate", {}).get("inVMValidations", []))))
        self.files = self.write_files()

    def filled(self, text):
        for word, value in self.placeholders.items():
            text = text.replace(f"<{word}>", value)
        for expression, value in self.expressions.items():
            text = text.replace(f'"{expression}"', json.dumps(value))
        return text

    def flags(self):
        """What Kiln has to be told of the template."""
        (self.folder / "placeholders.json").write_text(json.dumps(self.placeholders))
        remote = {uri: str(path) for uri, path in self.files.items() if "://" in uri}
        (self.folder / "uri-map.json").write_text(json.dumps(remote))
        flags = ["--offline", "--placeholders", self.folder / "placeholders.json",
                 "--uri-map", self.folder / "uri-map.json"]
        for name, value in self.parameters.items():
            flags += ["--parameter", f"{name}={value}"]
        return flags

    def uris(self):
        for step in self.steps + self.validators:
            for field in ("scriptUri", "script", "sourceUri"):
                if field in step:
                    yield step[field], step

    def folders(self):
        """Where other steps write, so that one of the scripts must have made it."""
        written = [step["destination"] for step in self.steps if step["type"] == "File"]
        for step in self.steps:
            written += [path for _, path in redirections(step.get("restartCheckCommand", ""))]
        return sorted({path[:path.rindex("\\")] for path in written})

    def write_files(self):
        """A file for each URI. Scripts make the folders that later steps want, and end as their step allows."""
        files = {}
        for number, (uri, step) in enumerate(self.uris()):
            path = self.folder / (f"stand-in-{number}" if "://" in uri else uri)
            path.parent.mkdir(exist_ok=True)
            lines = [f"Write-Output 'in place of {uri}'", *(f"mkdir '{folder}'" for folder in self.folders()),
                     f"exit {max(map(int, step.get('validExitCodes', [0])))}"]
            path.write_text("\n".join(lines))
            files[uri] = path
        return files


def redirections(command):
    """Texts and paths of lines such as `echo TEXT > c:\\file`."""
    return re.findall(r"^echo (\S+)\s+> (\S+)$", command, re.MULTILINE)


def output(step):
    """Lines that a script prints, as far as the phony PowerShell understands it."""
    if uri := step.get("scriptUri", step.get("script")):
        return [f"in place of {uri}"]
    return [text for line in step.get("inline", []) for text in re.findall(r"(?i)^write-host '?([^'$]+?)'?$", line)]


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def of_updates(step):
    """The update program's arguments, without the report's path."""
    filters = ", ".join(map(literal, step.get("filters", ["include:$true"])))
    return (f"-SearchCriteria {literal(step['searchCriteria'])} -Filters @({filters}) "
            f"-UpdateLimit {step['updateLimit']} -Settled @()")


def account(step):
    """As the agent is told it: 0 SYSTEM, 1 elevated, 2 neither."""
    return 0 if step.get("runAsSystem") else 1 if step.get("runElevated") else 2


def batch(command):
    return ("batch", 0, f"@echo off\r\n{command}\r\n")


class Expected:
    """What such a template must do to a Windows that has so many updates."""

    def __init__(self, template, updates):
        self.events = [("start",)]
        self.files = {}
        self.updates = updates
        for step in template.steps:
            getattr(self, step["type"].lower())(template, step)

    def powershell(self, template, step):
        if "inline" in step:
            text = "\n".join(step["inline"]) + "\n"
        else:
            text = template.files[step.get("scriptUri", step.get("script"))].read_text()
        self.events.append(("script", account(step), "\ufeff" + text))
        self.redirected("\n".join(step.get("inline", [])))

    def windowsrestart(self, _, step):
        command = step.get("restartCommand", 'shutdown /r /f /t 0 /c "packer restart"')
        self.events += [batch(command), ("start",)]
        if step.get("restartCheckCommand"):
            self.events.append(batch(step["restartCheckCommand"]))
            self.redirected(step["restartCheckCommand"])

    def windowsupdate(self, _, step):
        self.events.append(("updates", of_updates(step), f"{self.updates} of {self.updates}"))
        if self.updates:
            self.events += [("start",), ("updates", of_updates(step), "0 of 0")]
        self.updates = 0

    def file(self, template, step):
        path = step["destination"][2:].replace("\\", "/")
        self.events.append(("file", path.lower()))
        self.files[path] = template.files[step["sourceUri"]].read_bytes()

    def redirected(self, lines):
        for text, path in redirections(lines):
            self.files[path[2:].replace("\\", "/")] = text.encode() + b"\r\n"


def events(log):
    """The steps of a build in what the phony Windows tells of it."""
    found, account_now, arguments = [], None, ""
    for line in log.splitlines():
        word, _, rest = line.partition(" ")
        if line == "start":
            found.append(("start",))
        elif line.startswith("run as "):
            account_now = int(line.split()[2])
        elif word in ("script", "batch"):
            found.append((word, account_now, json.loads(rest)))
        elif word == "updates":
            arguments = rest[rest.index("-SearchCriteria"):]
        elif line.startswith("update round: "):
            found.append(("updates", arguments, line.partition(": ")[2]))
        elif word == "put" and not rest.lower().startswith(("/c:/windows/temp/", "/c:/deprovisioningscript.ps1")):
            found.append(("file", rest[len("/C:"):].lower()))
        elif word == "sysprep":
            found.append(("sysprep", rest))
    return found
