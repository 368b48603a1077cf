#!/usr/bin/env python3
"""Writes schemas/resource-types.pack and schemas/resource-types.source.json.

The pack holds what the library has to know about each CloudFormation resource type: the shape of its properties,
which of them replace the resource when they change, what Fn::GetAtt can read, how the type is tagged. It is
reduced from two published packages, and has no prose in it.

    tools/fetch_schemas.py                        download the pinned packages with pip and npm
    tools/fetch_schemas.py --wheel W --spec T     use files that are already here

The same inputs give the same bytes. Only the standard library is used, with pip and npm as programs.

The layout of the pack is in tools/packfile.py: a record is compact JSON, its name the type's.
"""

import argparse
import collections
import gzip
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

from packfile import write_pack

SCHEMAS = {
    "package": "cfn-lint",
    "registry": "PyPI",
    "version": "1.58.0",
    "licence": "MIT-0",
    "published": "2026-10-20",
}
SPEC = {
    "package": "@aws-cdk/aws-service-spec",
    "registry": "npm",
    "version": "0.1.216",
    "licence": "Apache-2.0",
    "published": "2026-09-29",
}
HOME_REGION = "us-east-1"
ROOT = pathlib.Path(__file__).resolve().parent.parent / "schemas"

# Prose, and keywords that say nothing about a template.
PROSE = {
    "description", "title", "default", "examples", "$comment", "sourceUrl", "documentationUrl", "resourceLink",
    "typeConfiguration", "propertyTransform", "additionalIdentifiers", "$schema", "$id", "typeName", "relationshipRef",
    "taggable", "markdownDescription",
}
PATH_LISTS = (
    "readOnlyProperties", "createOnlyProperties", "conditionalCreateOnlyProperties", "writeOnlyProperties",
    "deprecatedProperties", "primaryIdentifier",
)
# Keywords whose value maps names that are not keywords to schemas.
NAMED = {"properties", "patternProperties", "definitions"}
# Keywords whose value is data, not a schema.
DATA = {"enum", "enumCaseInsensitive", "const", "required", "requiredXor", "requiredOr", "dependentExcluded",
        "dependentRequired", "uniqueKeys", "type"}

# What nearly every record has around its properties; the end of the compression dictionary.
SCAFFOLD = (
    b'"],"tagging":{"cloudFormationSystemTags":false,"tagOnCreate":false,"tagUpdatable":false,"taggable":false}}'
    b'"],"tagging":{"cloudFormationSystemTags":true,"permissions":["tag:TagResource","tag:UntagResource",'
    b'"tag:ListTagsForResource"],"tagOnCreate":true,"tagProperty":"Tags","tagUpdatable":true,"taggable":true}}'
    b'"type":"object"},"},"arnTemplate":"arn:${Partition}:"},"createOnlyProperties":["Name"],'
    b'"definitions":{"Tag":{"additionalProperties":false,"properties":{'
)

# Classes of Java's that Rust's `regex` does not know.
JAVA_CLASSES = {"ASCII": "\\x00-\\x7F", "Print": "\\x20-\\x7E"}

# Repeated so often that the compiled expression is larger than the default limit. As they are rewritten.
TOO_LARGE = {
    "[\\p{L}\\p{M}\\p{Z}\\p{N}\\p{P}]{0,1024}",
    "^.{1,65535}$",
    "^[\\P{C}\\r\\n\\t]{1,250}$",
    "^[^\\p{C}]{1,2048}$",
}


class Unfixable(Exception):
    """A pattern this script does not translate."""


def rewrite_pattern(pattern):
    """A pattern in the common part of ECMA-262 and Rust's `regex` syntax: the same language, spelled more plainly.

    `\\d` and `\\w` become ASCII ranges (that is what they mean in ECMA-262), `\\A` and `\\Z` become `^` and `$`,
    brackets and hyphens inside a class are escaped, and `(?s)` is applied.
    """
    dotall = False
    if "(?s)" in pattern:
        pattern = pattern.replace("(?s)", "", 1)
        dotall = True
    # Written as UTF-16 in the source with the halves interchanged: the astral planes are meant.
    astral = "\\x{10000}-\\x{10FFFF}"
    # Repeating an assertion changes nothing.
    pattern = pattern.replace("(?!\\.)+", "(?!\\.)")
    pattern = pattern.replace("\\uD800\\uDBFF-\\uDC00\\uDFFF", astral).replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", astral)
    out = []
    i, n = 0, len(pattern)
    in_class = False
    class_start = 0
    while i < n:
        c = pattern[i]
        if c == "\\":
            if i + 1 >= n:
                raise Unfixable("ends in a backslash")
            e = pattern[i + 1]
            i += 2
            if e == "d":
                out.append("0-9" if in_class else "[0-9]")
            elif e == "w":
                out.append("0-9A-Za-z_" if in_class else "[0-9A-Za-z_]")
            elif e == "D" and not in_class:
                out.append("[^0-9]")
            elif e == "W" and not in_class:
                out.append("[^0-9A-Za-z_]")
            elif e in "AZz" and not in_class:
                out.append("^" if e == "A" else "$")
            elif e == "u":
                digits = pattern[i:i + 4]
                if not re.fullmatch("[0-9a-fA-F]{4}", digits):
                    raise Unfixable("\\u without four digits")
                if 0xD800 <= int(digits, 16) <= 0xDFFF:
                    raise Unfixable("half of a surrogate pair")
                out.append("\\x{%s}" % digits)
                i += 4
            elif e in "pP" and (name := re.match(r"\{(\w+)\}", pattern[i:])):
                i += name.end()
                if name[1] not in JAVA_CLASSES:
                    out.append(f"\\{e}{name[0]}")
                elif in_class or e == "P":
                    raise Unfixable("a class of Java's inside another class")
                else:
                    out.append(f"[{JAVA_CLASSES[name[1]]}]")
            elif e in "xpP":
                out.append("\\" + e)
            elif e.isdigit() and e != "0" and not in_class:
                out.append("\\" + e)
            elif e in "bB" and in_class:
                raise Unfixable("\\b in a class")
            elif e.isalpha() and e not in "sSnrtfvbBDW":
                out.append(e)
            elif e.isalnum() or not e.isascii() or e in "<>_ /:\"'=@#%,;!~`":
                out.append(("\\" + e) if e in "sSnrtfvbBDW" else e)
            else:
                out.append("\\" + e)
            # A class escape cannot begin or end a range, so a hyphen after it stands for itself.
            if in_class and e in "dwsSDWpP" and i < n and pattern[i] == "-":
                out.append("\\-")
                i += 1
            continue
        if in_class:
            if c == "]" and i > class_start:
                in_class = False
                out.append("]")
            elif c == "[":
                out.append("\\[")
            elif c in "&~" or (c == "-" and (pattern[i + 1:i + 2] in ("-", "]") or i == class_start)):
                out.append("\\" + c)
            elif c == "-" and pattern[i + 1:i + 2] == "\\" and pattern[i + 2:i + 3] in tuple("dwsSDW"):
                out.append("\\-")
            else:
                out.append(c)
            i += 1
            continue
        if c == "[":
            in_class = True
            out.append("[")
            i += 1
            if pattern[i:i + 1] == "^":
                out.append("^")
                i += 1
            class_start = i
            continue
        if c == "{" and not re.match(r"\{\d+(,\d*)?\}", pattern[i:]):
            out.append("\\{")
        elif c == "}" and not re.search(r"(^|[^\\])\{\d+(,\d*)?$", pattern[:i]):
            out.append("\\}")
        elif c == "." and dotall:
            out.append("[\\s\\S]")
        else:
            out.append(c)
        i += 1
    if in_class:
        raise Unfixable("unclosed class")
    return "".join(out)


class Reduction:
    """Reduces the schemas, and remembers what had to be left out."""

    def __init__(self):
        self.rewritten = set()
        self.dropped = {}

    def pattern(self, pattern, type_name):
        try:
            new = rewrite_pattern(pattern)
        except Unfixable:
            new = None
        if new is None or new in TOO_LARGE:
            self.dropped.setdefault(pattern, set()).add(type_name)
            return None
        if new != pattern:
            self.rewritten.add(pattern)
        return new

    def schema(self, node, type_name):
        if isinstance(node, list):
            return [self.schema(item, type_name) for item in node]
        if not isinstance(node, dict):
            return node
        out = {}
        for key in sorted(node):
            value = node[key]
            if key in PROSE or (key == "format" and not str(value).startswith("AWS::") and value != "json"):
                continue
            if key in NAMED and isinstance(value, dict):
                named = {}
                for name in sorted(value):
                    inner = self.schema(value[name], type_name)
                    if key == "patternProperties":
                        name = self.pattern(name, type_name)
                        # Without its pattern nothing can be said about the other names.
                        name = ".*" if name is None else name
                    named[name] = inner
                out[key] = named
            elif key == "pattern" and isinstance(value, str):
                new = self.pattern(value, type_name)
                if new is not None and new not in (".*", "^.*$", "[\\s\\S]*"):
                    out[key] = new
            elif key in DATA or key in PATH_LISTS:
                out[key] = value
            elif key == "insertionOrder":
                if value is False:
                    out[key] = value
            elif key == "minLength" and value == 0:
                continue
            else:
                out[key] = self.schema(value, type_name)
        return out


def references(node, found):
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            found.append(target)
        for value in node.values():
            references(value, found)
    elif isinstance(node, list):
        for item in node:
            references(item, found)


def prune_definitions(schema):
    definitions = schema.pop("definitions", {})
    kept, queue = {}, []
    references(schema, queue)
    while queue:
        target = queue.pop()
        match = re.fullmatch(r"#/definitions/([^/]+)(/.*)?", target)
        if not match or match[1] in kept or match[1] not in definitions:
            continue
        kept[match[1]] = definitions[match[1]]
        references(kept[match[1]], queue)
    if kept:
        schema["definitions"] = {name: kept[name] for name in sorted(kept)}


def short(paths):
    return sorted({path.removeprefix("/properties/").replace("/properties/", "/").replace("/items/", "/*/")
                   for path in paths})


class ServiceSpec:
    """What the second package adds, by type name."""

    def __init__(self, db):
        tables = db["schema"]
        self.resources = {r["cloudFormationType"]: r for r in tables["resource"]["entities"]}
        self.types = {t["$id"]: t for t in tables["typeDefinition"]["entities"]}

    def facts(self, name):
        resource = self.resources.get(name)
        if resource is None:
            return {}
        replaces, may_replace = set(), set()
        self._walk(resource["properties"], "", (), replaces, may_replace)
        out = {}
        if resource.get("isStateful"):
            out["stateful"] = True
        if replaces:
            out["replaces"] = sorted(replaces)
        if may_replace:
            out["mayReplace"] = sorted(may_replace)
        if resource.get("attributes"):
            out["attributes"] = sorted(resource["attributes"])
        if resource.get("arnTemplate"):
            out["arnTemplate"] = resource["arnTemplate"]
        return out

    def _walk(self, properties, prefix, seen, replaces, may_replace):
        for name, facts in properties.items():
            path = prefix + name
            cause = facts.get("causesReplacement")
            if cause == "yes":
                # Everything below it replaces too.
                replaces.add(path)
                continue
            if cause == "maybe":
                may_replace.add(path)
            self._walk_type(facts["type"], path, seen, replaces, may_replace)

    def _walk_type(self, shape, path, seen, replaces, may_replace):
        kind = shape.get("type")
        if kind == "ref":
            target = shape["reference"]["$ref"]
            if target in self.types and target not in seen and len(seen) < 6:
                self._walk(self.types[target]["properties"], path + "/", seen + (target,), replaces, may_replace)
        elif kind in ("array", "map"):
            self._walk_type(shape["element"], path + "/*", seen, replaces, may_replace)
        elif kind == "union":
            for inner in shape["types"]:
                self._walk_type(inner, path, seen, replaces, may_replace)


def reduce_type(name, raw, reduction, spec):
    top = dict(raw)
    handlers = top.pop("handlers", {})
    tagging = top.pop("tagging", None)
    paths = {key: short(top.pop(key)) if key != "primaryIdentifier" else
             [path.removeprefix("/properties/") for path in top.pop(key)]
             for key in PATH_LISTS if isinstance(top.get(key), list)}
    schema = reduction.schema(top, name)
    prune_definitions(schema)
    added = spec.facts(name)
    # What the second package calls an attribute and not a property is set by the service.
    attributes = added.pop("attributes", [])
    read_only = paths.setdefault("readOnlyProperties", [])
    settable = spec.resources.get(name, {}).get("properties", {})
    read_only.extend(attribute for attribute in attributes
                     if attribute in schema.get("properties", {}) and attribute not in settable
                     and attribute not in schema.get("required", []) and attribute not in read_only)
    read_only.sort()
    more = sorted(set(attributes) - {path.replace("/", ".") for path in read_only})
    if more:
        schema["moreAttributes"] = more
    schema.update({key: value for key, value in paths.items() if value})
    if tagging is not None:
        schema["tagging"] = {
            key: value.removeprefix("/properties/") if key == "tagProperty" else value
            for key, value in sorted(tagging.items())
        }
    permissions = compact_permissions(handlers)
    if permissions:
        schema["permissions"] = permissions
    schema.update(added)
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


def compact_permissions(handlers):
    """`service;verbs:Action,Action;verbs:Action` a line and service; verbs are the initials of create, read, ..."""
    services = {}
    for verb, facts in sorted(handlers.items()):
        for action in set(facts.get("permissions", [])):
            service, _, name = action.partition(":")
            actions = services.setdefault(service, {})
            actions[name] = actions.get(name, "") + verb[0]
    lines = []
    for service, actions in sorted(services.items()):
        groups = {}
        for name, verbs in sorted(actions.items()):
            groups.setdefault(verbs, []).append(name)
        lines.append(";".join([service, *(f"{verbs}:{','.join(names)}" for verbs, names in sorted(groups.items()))]))
    return "\n".join(lines)


def preset_dictionary(records, size=32500):
    """Texts that many types share, the most common last, because near matches are cheaper."""
    counts = collections.Counter()
    for record in records:
        # Properties as they are written: `"Name":{...}` without inner braces.
        counts.update(set(re.findall(r'"[^"]{1,60}":\{[^{}]{10,120}\}', record.decode())))
    frequent = sorted(((count, piece) for piece, count in counts.items() if count > 3), reverse=True)
    chosen, total = [], len(SCAFFOLD)
    for _, piece in frequent:
        if total + len(piece) + 1 <= size:
            chosen.append(piece)
            total += len(piece) + 1
    return ",".join(reversed(chosen)).encode() + SCAFFOLD


def download(folder):
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
                    f"{SCHEMAS['package']}=={SCHEMAS['version']}"], check=True)
    subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder,
                    f"{SPEC['package']}@{SPEC['version']}"], check=True)
    return next(pathlib.Path(folder).glob("*.whl")), next(pathlib.Path(folder).glob("*.tgz"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=pathlib.Path)
    parser.add_argument("--spec", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheel, tarball = options.wheel, options.spec
        if not (wheel and tarball):
            wheel, tarball = download(folder)
        run(wheel, tarball)


def run(wheel, tarball):
    base = "cfnlint/data/schemas"
    reduction = Reduction()
    types, elsewhere, raw_size = {}, {}, 0
    with tarfile.open(tarball) as archive:
        db = archive.extractfile("package/db.json.gz").read()
    spec = ServiceSpec(json.loads(gzip.decompress(db)))
    with zipfile.ZipFile(wheel) as archive:
        schema_date = json.loads(archive.read(f"{base}/version.json"))["schema_date"]
        regions = sorted(name for name in archive.namelist()
                         if re.fullmatch(base + r"/providers/[a-z]+(-[a-z]+)+-\d\.json", name))
        home = f"{base}/providers/{HOME_REGION}.json"
        regions.remove(home)
        for region in [home, *regions]:
            for name, digest in sorted(json.loads(archive.read(region)).items()):
                if name in types or not name.startswith("AWS::"):
                    continue
                raw = json.loads(archive.read(f"{base}/resources/{digest}.json"))
                types[name] = reduce_type(name, raw, reduction, spec)
                raw_size += len(types[name])
                if region != home:
                    elsewhere[name] = pathlib.PurePosixPath(region).stem
    ROOT.mkdir(exist_ok=True)
    pack = ROOT / "resource-types.pack"
    write_pack(pack, b"TNTYPES1", types, preset_dictionary(types[name] for name in sorted(types)))
    source = {
        "generator": "tools/fetch_schemas.py",
        "sources": [
            {**SCHEMAS, "schema_date": schema_date, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
             "used_for": "property schemas, attributes, create-only properties, tagging, permissions"},
            {**SPEC, "sha256": hashlib.sha256(tarball.read_bytes()).hexdigest(),
             "used_for": "stateful, replaces, mayReplace, arnTemplate"},
        ],
        "types": len(types),
        "home_region": HOME_REGION,
        "types_of_other_regions": elsewhere,
        "uncompressed_bytes": raw_size,
        "pack_bytes": pack.stat().st_size,
        "pack_sha256": hashlib.sha256(pack.read_bytes()).hexdigest(),
        "patterns_rewritten": len(reduction.rewritten),
        "patterns_dropped": {pattern: sorted(names) for pattern, names in sorted(reduction.dropped.items())},
    }
    (ROOT / "resource-types.source.json").write_text(json.dumps(source, indent=2, ensure_ascii=False) + "\n")
    print(f"{len(types)} types, {raw_size} bytes as JSON, {pack.stat().st_size} bytes packed")


if __name__ == "__main__":
    main()
