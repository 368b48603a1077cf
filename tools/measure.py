#!/usr/bin/env python3
"""Measures whole processes on the workload: tenantry, the floor, and peers where they are installed.

    cargo build --release -p tenantry -p tenantry-bench --bins
    tools/measure.py                             a quick look: up to 1,000 tenants
    tools/measure.py --full --million            what docs/performance.md shows; takes some minutes
    tools/measure.py --full --million --peers --python venv/bin/python --node-path node_modules
    tools/measure.py … --json measured.json --write docs/performance.md

Every run writes into a fresh folder of the same file system, after a sync, and nothing is deleted before all runs are
over (but for the largest, whose folders would fill a disk): a file system that is busy with a removal is slow. The
programs take turns, so that a machine that grows slower does so for all of them. CPU is user and system time of the
process, from the kernel.

Only the standard library is used. Memory is exact on Linux; elsewhere no figure is below Python's own.
"""

import argparse
import ctypes
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import make_tenants  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN = "<!-- measured by tools/measure.py: begin -->"
END = "<!-- measured by tools/measure.py: end -->"
REPETITIONS = {1: 21, 10: 21, 100: 11, 1_000: 7, 10_000: 3}
MILLION = (10_000, 100_000, 1_000_000)
MIB = 1 << 20
PR_SET_CHILD_SUBREAPER = 36

# Leaves behind a process that waits for a line and then becomes the program. The process is a copy of the shell, which
# is small: begun as a copy of Python, the program's greatest memory could not be less than Python's.
LAUNCHER = 'exec 3<&0; { read -r go <&3; exec "$@" 3<&- </dev/null >/dev/null 2>"$0"; } & echo $!'


@dataclasses.dataclass
class Run:
    """What one process took and what it left behind."""

    cpu: float
    wall: float
    rss: int
    files: int = 0
    bytes: int = 0


@dataclasses.dataclass
class Program:
    """Something that is measured."""

    name: str
    command: object
    environment: dict
    peer: bool = False
    most: int = 10_000

    def repeat(self, count: int, scale: float) -> int:
        """How many runs there are for a number of tenants."""
        usual = REPETITIONS.get(count, 3)
        if self.peer:
            usual = {1: 5, 10: 5, 100: 3}.get(count, 1)
        return max(1, round(usual * scale))


def is_subreaper() -> bool:
    """Makes this process the parent of orphans, so that it is told what the launcher's child took."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (AttributeError, OSError):
        return False


def finished(pid: int, start: float, errors: str, command: list[str]) -> Run:
    """Waits for a process."""
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        text = pathlib.Path(errors).read_text(encoding="utf-8", errors="replace").strip()
        raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}:\n{text[-2000:]}")
    kilobytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss // 1024
    return Run(cpu=usage.ru_utime + usage.ru_stime, wall=wall, rss=kilobytes * 1024)


def run(command: list[str], environment: dict, errors: str, subreaper: bool) -> Run:
    """Runs a program to its end."""
    environment = {**os.environ, **environment}
    if subreaper:
        launcher = subprocess.Popen(
            ["/bin/sh", "-c", LAUNCHER, errors, *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        pid = int(launcher.stdout.readline())
        launcher.wait()
        start = time.perf_counter()
        launcher.stdin.write("go\n")
        launcher.stdin.flush()
        result = finished(pid, start, errors, command)
        launcher.stdin.close()
        launcher.stdout.close()
        return result
    with open(errors, "wb") as stderr, open(os.devnull, "wb") as nothing:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=nothing, stderr=stderr, env=environment)
        result = finished(child.pid, start, errors, command)
        child.returncode = 0
        return result


def size(folder: pathlib.Path) -> tuple[int, int]:
    """Files of a folder and the bytes in them."""
    files = total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            files += 1
            total += os.path.getsize(os.path.join(place, name))
    return files, total


def blueprint(folder: pathlib.Path, count: int) -> pathlib.Path:
    """The workload for a number of tenants."""
    place = folder / f"input-{count}"
    if not place.exists():
        place.mkdir()
        shutil.copy(ROOT / "blueprints" / "w.yaml", place / "w.yaml")
        arguments = argparse.Namespace(
            count=count, tiers="bronze,silver,gold", accounts=True, cost_centers=0, seed=1, shuffle=False, csv=False,
        )
        with open(place / "w-tenants.jsonl", "w", encoding="utf-8", newline="") as out:
            make_tenants.write(out, arguments)
    return place / "w.yaml"


def answers(command: list[str], **environment: str) -> str | None:
    """What a program says, or nothing if it does not work."""
    try:
        result = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
        )
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def programs(options: argparse.Namespace, folder: pathlib.Path) -> tuple[list[Program], dict, list[str]]:
    """What there is to measure, its versions, and what is absent."""
    found, versions, absent = [], {}, []
    floor, tenantry = options.binaries / "floor", options.binaries / "tenantry"
    if not floor.exists():
        sys.exit(f"{floor} is not there: cargo build --release -p tenantry -p tenantry-bench --bins")
    found.append(Program("floor", lambda count, out: [str(floor), str(count), out], {}))
    if answers([str(tenantry), "synth", "--help"]) is None:
        absent.append("tenantry: `tenantry synth` does not work")
    else:
        versions["tenantry"] = (answers([str(tenantry), "--version"]) or "unknown").split()[-1]

        def synth(*more: str):
            return lambda count, out: [str(tenantry), "synth", str(blueprint(folder, count)), "-o", out, *more]

        found.append(Program("tenantry", synth(), {}))
        found.append(Program("tenantry --no-cdk", synth("--no-cdk"), {}))
        found.append(Program("tenantry --expand", synth("--expand"), {}))
        found.append(Program("tenantry --expand --no-cdk", synth("--expand", "--no-cdk"), {}))
    if not options.peers:
        return found, versions, absent
    peers = ROOT / "bench" / "peers"
    version = answers([options.python, "-c", "import troposphere; print(troposphere.__version__)"])
    if version is None:
        absent.append(f"troposphere: {pathlib.Path(options.python).name} cannot import it (pip install troposphere)")
    else:
        versions["troposphere"] = version
        python_script = str(peers / "troposphere_w.py")

        def troposphere(count: int, out: str) -> list[str]:
            return [options.python, python_script, str(count), out]

        found.append(Program("troposphere", troposphere, {}, True))
    node_path = {"NODE_PATH": str(options.node_path.resolve())} if options.node_path else {}
    version = answers([options.node, "-p", "require('aws-cdk-lib/package.json').version"], **node_path)
    if version is None:
        absent.append(f"aws-cdk-lib: {pathlib.Path(options.node).name} cannot require it (npm install aws-cdk-lib constructs)")
    else:
        versions["aws-cdk-lib"] = version
        versions["node"] = answers([options.node, "--version"]) or "unknown"
        node_script = str(peers / "cdk_w.js")

        def cdk(count: int, out: str) -> list[str]:
            return [options.node, node_script, str(count), out]

        unvalidated = {**node_path, "CDK_VALIDATION": "false"}
        found.append(Program("CDK L1, CDK_VALIDATION=false", cdk, unvalidated, True, most=1_000))
        found.append(Program("CDK L1, as installed", cdk, node_path, True, most=1_000))
    return found, versions, absent


class Bench:
    """Runs programs and keeps what they took."""

    def __init__(self, folder: pathlib.Path, quiet: bool):
        self.folder, self.quiet = folder, quiet
        self.subreaper = is_subreaper()
        self.numbers = 0

    def once(self, program: Program, count: int, keep: bool = True) -> Run:
        """One run into a fresh folder."""
        self.numbers += 1
        out = self.folder / f"out-{self.numbers}"
        command = program.command(count, str(out))
        os.sync()
        result = run(command, program.environment, str(self.folder / "errors.txt"), self.subreaper)
        result.files, result.bytes = size(out)
        if not keep:
            shutil.rmtree(out)
        if not self.quiet:
            print(
                f"{program.name:30} {count:>9,} tenants: {result.cpu:8.3f} s CPU {result.wall:8.3f} s wall "
                f"{result.rss / MIB:7.1f} MiB {result.files:>6,} files {result.bytes / 1e6:8.2f} MB",
                file=sys.stderr, flush=True,
            )
        return result

    def rounds(self, some: list[Program], count: int, scale: float) -> dict[str, list[Run]]:
        """All programs by turns. The first turn warms the page cache and does not count, except for slow peers."""
        some = [program for program in some if count <= program.most]
        for program in some:
            if program.repeat(count, scale) > 1:
                self.once(program, count)
        runs: dict[str, list[Run]] = {program.name: [] for program in some}
        for turn in range(max(program.repeat(count, scale) for program in some)):
            for program in some:
                if turn < program.repeat(count, scale):
                    runs[program.name].append(self.once(program, count))
        return runs


def summary(count: int, name: str, runs: list[Run], floor: list[Run]) -> dict:
    """One line of the table."""
    middle = lambda pick: statistics.median(pick(run) for run in runs)
    cpu = middle(lambda run: run.cpu)
    return {
        "tenants": count,
        "program": name,
        "runs": len(runs),
        "cpu_median_s": cpu,
        "cpu_min_s": min(run.cpu for run in runs),
        "wall_median_s": middle(lambda run: run.wall),
        "wall_min_s": min(run.wall for run in runs),
        "rss_bytes": max(run.rss for run in runs),
        "files": runs[-1].files,
        "bytes": runs[-1].bytes,
        "cpu_to_floor": cpu / statistics.median(run.cpu for run in floor) if floor else None,
        "cpu_min_to_floor": min(run.cpu for run in runs) / min(run.cpu for run in floor) if floor else None,
    }


def bars(rows: list[dict]) -> list[dict]:
    """What was promised, and whether it is kept. Times are medians."""

    def find(count: int, program: str) -> dict | None:
        return next((row for row in rows if row["tenants"] == count and row["program"] == program), None)

    def bar(what: str, value: float | None, limit: float, unit: str) -> dict:
        return {"bar": what, "value": value, "limit": limit, "unit": unit, "kept": None if value is None else value < limit}

    def of(count: int, program: str, key: str, scale: float = 1) -> float | None:
        row = find(count, program)
        return row[key] * scale if row and row[key] is not None else None

    small, large = of(100_000, "tenantry", "rss_bytes"), of(1_000_000, "tenantry", "rss_bytes")
    bare_small, bare_large = (
        of(count, "tenantry --no-cdk", "rss_bytes") for count in (100_000, 1_000_000)
    )
    return [
        bar("1,000 tenants with `--expand`: CPU", of(1_000, "tenantry --expand", "cpu_to_floor"), 2, "x floor"),
        bar("10,000 tenants: wall", of(10_000, "tenantry", "wall_median_s", 1_000), 300, "ms"),
        bar("10,000 tenants: memory", of(10_000, "tenantry", "rss_bytes", 1e-6), 100, "MB"),
        bar("1 tenant: wall of the whole process", of(1, "tenantry", "wall_median_s", 1_000), 20, "ms"),
        bar("1,000,000 tenants: memory", of(1_000_000, "tenantry", "rss_bytes", 1e-6), 100, "MB"),
        bar("1,000,000 tenants: memory beside 100,000", large / small if small and large else None, 1.5, "x"),
        bar(
            "the same with `--no-cdk`", bare_large / bare_small if bare_small and bare_large else None, 1.5, "x",
        ),
    ]


def seconds(value: float) -> str:
    """A time with the figures that mean something."""
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def markdown(report: dict) -> str:
    """The report as tables."""
    machine = report["machine"]
    lines = [
        f"Measured on {report['date']}: {machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
        f"{machine['file_system']}. "
        + ", ".join(f"{name} {version}" for name, version in report["versions"].items())
        + ".",
        "",
    ]
    if report["bars"]:
        lines += ["| bar | measured | limit | |", "|---|---|---|---|"]
        for bar in report["bars"]:
            value = "not measured" if bar["value"] is None else f"{bar['value']:.3g} {bar['unit']}"
            kept = {None: "–", True: "kept", False: "**missed**"}[bar["kept"]]
            lines.append(f"| {bar['bar']} | {value} | {bar['limit']:g} {bar['unit']} | {kept} |")
        lines.append("")
    lines += [
        "| tenants | program | CPU median (min) | wall median (min) | peak MiB | files | MB | CPU x floor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        ratio = "" if row["cpu_to_floor"] is None else f"{row['cpu_to_floor']:.2f}"
        lines.append(
            f"| {row['tenants']:,} | {row['program']} "
            f"| {seconds(row['cpu_median_s'])} ({seconds(row['cpu_min_s'])}) "
            f"| {seconds(row['wall_median_s'])} ({seconds(row['wall_min_s'])}) "
            f"| {row['rss_bytes'] / MIB:.1f} | {row['files']:,} | {row['bytes'] / 1e6:.2f} | {ratio} |"
        )
    for line in report["absent"]:
        lines += ["", f"Not measured: {line}."]
    return "\n".join(lines) + "\n"


SKELETON = f"""# Performance

The workload is `blueprints/w.yaml`: every tenant is a silo with one stack of 33 resources, and every tier has one
service control policy. Its unit of comparison is the *floor* (`bench/`): a program that builds the same typed
resources by hand, with each tenant's values in them, and writes each template into a fresh file. The floor reads no
blueprint, checks nothing and keeps no record of what it wrote.

To repeat it:

```sh
cargo build --release -p tenantry -p tenantry-bench --bins
tools/measure.py --full --million --json measured.json --write docs/performance.md
cargo bench -p tenantry-bench
```

With `--peers`, troposphere and the L1 constructs of aws-cdk-lib make the same resources for the same tenants
(`bench/peers/`).

## Measured

{BEGIN}
{END}
"""


def write_between(path: pathlib.Path, text: str) -> None:
    """Puts the tables between the markers of a document, which is begun if it is not there."""
    document = path.read_text(encoding="utf-8") if path.exists() else SKELETON
    before, marker, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not marker or not end:
        sys.exit(f"{path} does not have the lines `{BEGIN}` and `{END}`")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def file_system(folder: pathlib.Path) -> str:
    """The type of the file system that a folder is on."""
    best, kind = "", "an unknown file system"
    try:
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            for line in mounts:
                _, place, this, *_ = line.split()
                if str(folder.resolve()).startswith(place) and len(place) >= len(best):
                    best, kind = place, this
    except OSError:
        pass
    return kind


def machine(folder: pathlib.Path) -> dict:
    """What the figures depend on."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    except OSError:
        pass
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "file_system": file_system(folder),
        "load_before": os.getloadavg()[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="up to 10,000 tenants instead of 1,000")
    parser.add_argument("--tenants", type=int, nargs="+", metavar="N", help="these numbers of tenants")
    parser.add_argument("--million", action="store_true", help="10,000, 100,000 and 1,000,000 tenants for memory")
    parser.add_argument("--peers", action="store_true", help="troposphere and aws-cdk-lib as well")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has troposphere")
    parser.add_argument("--node", default="node", help="the program that runs JavaScript")
    parser.add_argument("--node-path", type=pathlib.Path, help="the node_modules that has aws-cdk-lib")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these programs only; the floor is always there")
    parser.add_argument("--scale", type=float, default=1, help="times as many repetitions")
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / "target" / "release", help="where programs are")
    parser.add_argument("--folder", type=pathlib.Path, help="where to write; the temporary folder by default")
    parser.add_argument("--json", type=pathlib.Path, help="writes the figures here as well")
    parser.add_argument("--write", type=pathlib.Path, metavar="DOCUMENT", help="puts the tables into a document")
    parser.add_argument("--strict", action="store_true", help="ends with exit code 1 if a bar is missed")
    parser.add_argument("--quiet", action="store_true", help="does not tell about each run")
    options = parser.parse_args()

    folder = pathlib.Path(tempfile.mkdtemp(prefix="measure-", dir=options.folder))
    try:
        some, versions, absent = programs(options, folder)
        if options.only:
            some = [program for program in some if program.name == "floor" or program.name in options.only]
        for line in absent:
            print(f"absent: {line}", file=sys.stderr)
        about = machine(folder)
        bench = Bench(folder, options.quiet)
        counts = options.tenants or [1, 10, 100, 1_000] + ([10_000] if options.full else [])
        rows = []
        for count in counts:
            if any(program.name.startswith("tenantry") for program in some):
                blueprint(folder, count)
            runs = bench.rounds(some, count, options.scale)
            rows += [summary(count, name, taken, runs["floor"]) for name, taken in runs.items()]
        if options.million:
            for count in MILLION:
                if count in counts:
                    continue
                for program in some:
                    if program.name in ("tenantry", "tenantry --no-cdk"):
                        blueprint(folder, count)
                        rows.append(summary(count, program.name, [bench.once(program, count, keep=False)], []))
        report = {
            "date": datetime.date.today().isoformat(),
            "machine": about,
            "versions": versions,
            "absent": absent,
            "bars": bars(rows) if "tenantry" in versions else [],
            "rows": rows,
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = markdown(report)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.write:
        write_between(options.write, text)
    if options.strict and any(bar["kept"] is False for bar in report["bars"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
