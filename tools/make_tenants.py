#!/usr/bin/env python3
"""Writes a tenants' file of any length, line by line: the same arguments always give the same bytes.

What a tenant is depends on the seed and its number alone, so a longer file holds the tenants of a shorter one, and
`--shuffle` changes their order and nothing else.

    tools/make_tenants.py --count 2000 --tiers bronze,silver,gold --accounts > tenants.jsonl
    tools/make_tenants.py --count 1000000 --tiers free=90,paid=9,full=1 --csv -o tenants.csv
"""

import argparse
import csv
import io
import json
import math
import sys

FIRST = (
    "amber azure bold brisk calm clear copper coral crisp dusty eager early fresh gentle golden grand green happy "
    "ivory jolly keen kind light lucky lunar mellow misty noble north plain proud quiet rapid royal rustic sharp "
    "silent silver sleek solar spry stark steady sunny swift tidal urban vivid warm west wild witty"
).split()
SECOND = (
    "anchor arch badge beacon birch bridge brook cedar cliff cloud comet crane creek dune ember falcon fern field "
    "forge fox gate glade grove harbor hawk heron hill isle lake lark ledge maple meadow mill moss oak otter peak "
    "pine pond quarry raven reef ridge river rook sparrow spruce stone thicket vale wren"
).split()
COLUMNS = ("tenant", "tier", "name", "account", "cost_center")
ACCOUNTS = 900_000_000_000
MASK = (1 << 64) - 1


def mixed(seed: int, number: int, purpose: int) -> int:
    """Sixty-four well-mixed bits of three numbers (the finalizer of SplitMix64)."""
    bits = (seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03 + purpose * 0x8CB92BA72F3D8DD7) & MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
    return bits ^ (bits >> 31)


def coprime(wish: int, modulus: int) -> int:
    """The next number from `wish` on that shares no factor with the modulus."""
    wish = wish % modulus or 1
    while math.gcd(wish, modulus) != 1:
        wish += 1
    return wish


def weights(text: str) -> list[tuple[str, int]]:
    """`a,b,c` or `a=90,b=9,c=1` as names with running totals."""
    total, table = 0, []
    for part in text.split(","):
        name, _, weight = part.strip().partition("=")
        total += int(weight or 1)
        table.append((name, total))
    return table


def tenant(seed: int, number: int, tiers: list[tuple[str, int]], accounts: bool, cost_centers: int) -> dict[str, str]:
    """One tenant. Its number is in its id, so ids differ whatever the words are."""
    bits = mixed(seed, number, 1)
    first, second = FIRST[bits % len(FIRST)], SECOND[(bits >> 16) % len(SECOND)]
    lot = mixed(seed, number, 2) % tiers[-1][1]
    record = {
        "tenant": f"{first}-{second}-{number:x}",
        "tier": next(name for name, total in tiers if lot < total),
        "name": f"{first.title()} {second.title()} {number}",
    }
    if accounts:
        # A walk over all accounts of twelve digits that comes to each of them once.
        step = coprime(618_033_988_749, ACCOUNTS)
        record["account"] = str(100_000_000_000 + (number * step + mixed(seed, 0, 3)) % ACCOUNTS)
    if cost_centers:
        record["cost_center"] = f"cc-{100 + mixed(seed, number, 4) % cost_centers}"
    return record


def numbers(seed: int, count: int, shuffle: bool):
    """The numbers from 1 to `count`; shuffled by a walk, so that nothing has to be kept in memory."""
    if not shuffle:
        yield from range(1, count + 1)
        return
    step, start = coprime(mixed(seed, 0, 5) | 1, count), mixed(seed, 0, 6)
    for index in range(count):
        yield (index * step + start) % count + 1


def write(out: io.TextIOBase, arguments: argparse.Namespace) -> None:
    """Writes all tenants."""
    tiers = weights(arguments.tiers)
    columns = [
        column
        for column in COLUMNS
        if (column != "account" or arguments.accounts) and (column != "cost_center" or arguments.cost_centers)
    ]
    table = csv.writer(out, lineterminator="\n") if arguments.csv else None
    if table:
        table.writerow(columns)
    for number in numbers(arguments.seed, arguments.count, arguments.shuffle):
        record = tenant(arguments.seed, number, tiers, arguments.accounts, arguments.cost_centers)
        if table:
            table.writerow([record[column] for column in columns])
        else:
            out.write(json.dumps(record, separators=(",", ":")) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, required=True, help="how many tenants")
    parser.add_argument("--tiers", default="bronze,silver,gold", help="names, with weights if wanted: a=90,b=10")
    parser.add_argument("--accounts", action="store_true", help="gives each tenant an account of its own")
    parser.add_argument("--cost-centers", type=int, default=0, metavar="K", help="spreads tenants over K cost centres")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other tenants")
    parser.add_argument("--shuffle", action="store_true", help="the same tenants in another order")
    parser.add_argument("--csv", action="store_true", help="CSV with a header instead of a JSON object to a line")
    parser.add_argument("-o", "--output", default="-", help="the file; standard output by default")
    arguments = parser.parse_args()
    if arguments.count < 1:
        parser.error("--count must be at least 1")
    if arguments.output == "-":
        write(sys.stdout, arguments)
    else:
        with open(arguments.output, "w", encoding="utf-8", newline="") as out:
            write(out, arguments)


if __name__ == "__main__":
    main()
