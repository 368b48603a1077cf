"""Holds templates against two independent validators.

    lint.py FOLDER...

Every `*.template.json` and `*.template.yaml` below the folders is read. Prints one line for each thing found, as
`tool level rule file: message`, and ends with 1 if there is anything that `ACCEPTED` does not name.
"""

import collections
import json
import pathlib
import subprocess
import sys

import cloudformation_validate as validate

# What the tools say that is no mistake, and why. Errors are never accepted.
ACCEPTED = {
    # Every property that can only be set once is listed, whether it is right or not.
    ("cloudformation-validate", "I9001"),
    # A block of metadata for people, which is optional.
    ("cloudformation-validate", "I4010"),
    # Dashboards carry no tags, for the reason that data/services.json gives under `untagged`.
    ("cloudformation-validate", "I9040"),
}


def cfn_lint(files):
    """All files in one process: it takes a second to start."""
    cfn_lint = str(pathlib.Path(sys.executable).with_name("cfn-lint"))
    command = [cfn_lint, "--format", "json", "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout or "[]")
    except json.JSONDecodeError:
        sys.exit(f"cfn-lint could not run: {done.stdout}{done.stderr}")
    if done.returncode and not found:
        sys.exit(f"cfn-lint could not run: {done.stderr}")
    for one in found:
        yield "cfn-lint", one["Level"], one["Rule"]["Id"], one["Filename"], one["Message"]


def cloudformation_validate(files):
    engine = validate.CompositeEngine()
    for file in files:
        for one in engine.validate_template(file).diagnostics:
            where = one.entity.logical_id if one.entity else "the template"
            yield "cloudformation-validate", one.severity.name, one.rule_id, file, f"{where}: {one.message}"


def main(folders):
    files = sorted(
        str(path) for folder in folders for kind in ("json", "yaml") for path in pathlib.Path(folder).rglob(f"*.template.{kind}")
    )
    if not files:
        sys.exit("there are no templates")
    bad = 0
    accepted = collections.Counter()
    for tool in (cfn_lint, cloudformation_validate):
        for name, level, rule, file, message in tool(files):
            serious = level.upper() in ("ERROR", "FATAL")
            if (name, rule) in ACCEPTED and not serious:
                accepted[name, rule] += 1
                continue
            print(f"{name} {level} {rule} {file}: {message}")
            bad += 1
    for name, rule in sorted(ACCEPTED - accepted.keys()):
        print(f"{name} no longer says {rule}: take it out of ACCEPTED")
        bad += 1
    print(f"{len(files)} templates, {bad} findings")
    sys.exit(1 if bad else 0)


main(sys.argv[1:])
