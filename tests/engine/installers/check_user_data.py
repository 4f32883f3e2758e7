"""check_user_data.py SCHEMA USER_DATA: reads the user-data as YAML does, and holds it and what is in it for the installed
system against cloud-init's own schema. Prints the autoinstall part as JSON."""

import json
import sys

import jsonschema
import yaml

schema = json.load(open(sys.argv[1], encoding="utf-8"))
text = open(sys.argv[2], encoding="utf-8").read()
assert text.startswith("#cloud-config\n"), "cloud-init knows user-data by its first line"
data = yaml.safe_load(text)
for part in (data, data["autoinstall"]["user-data"]):
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(part)
json.dump(data["autoinstall"], sys.stdout)
