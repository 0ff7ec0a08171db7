"""Prints the figures of linking records, and those of its peers in the same run.

    python -m tests.benchmarks.bench_link [--peers PYTHON] [SET ...]
    python -m tests.benchmarks.bench_link --block      true pairs that blocking keeps, of people made for nothing else
    python -m tests.benchmarks.bench_link --match      two tables without doubles, with and without --one-to-one

Sets are febrl's from ../shared/data and made-up people (`textcrm.testing.record_sets`).

``splink==5.0.0 recordlinkage==0.16 "pandas<3"``; without it only textcrm is run.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from textcrm.link.block import candidates
from textcrm.link.columns import columns_of
from textcrm.operations.customers.dedupe import dedupe, match
from textcrm.testing.record_sets import DEVELOPED, HELD_OUT, RecordSet

FEBRL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "febrl"
PEERS = Path(__file__).with_name("link_peers.py")
Labels = Sequence[Hashable]


def scores(found: Labels, truth: Labels) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the pairs of records that share a cluster."""

    def pairs(labels: Labels) -> int:
        return sum(count * (count - 1) // 2 for count in Counter(labels).values())

    both = pairs(list(zip(found, truth, strict=True)))
    return both / max(1, pairs(found)), both / max(1, pairs(truth)), 2 * both / max(1, pairs(found) + pairs(truth))


def febrl(name: str) -> Callable[[Path], tuple[Path, dict[str, str]]]:
    """Return a maker of one of febrl's sets, the blanks before its fields off."""

    def make(folder: Path) -> tuple[Path, dict[str, str]]:
        with (FEBRL / f"{name}.csv").open(newline="") as file:
            rows = list(csv.reader(file, skipinitialspace=True))
        path = folder / f"{name}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        return path, {row[0]: row[0].split("-")[1] for row in rows[1:]}

    return make


def made_up(made: RecordSet) -> Callable[[Path], tuple[Path, dict[str, str]]]:
    """Return a maker of a made-up set."""

    def make(folder: Path) -> tuple[Path, dict[str, str]]:
        path = folder / "people.csv"
        return path, {record: str(person) for record, person in made.write(path).items()}

    return make


SETS = {
    "dataset1": febrl("dataset1"),
    "dataset2": febrl("dataset2"),
    "dataset3": febrl("dataset3"),
    **{name: made_up(made) for name, made in {**DEVELOPED, **HELD_OUT}.items()},
    "heavy5000": made_up(replace(DEVELOPED["heavy"], people=1400)),
}


def main(arguments: list[str]) -> None:
    """Print one line a set and linker."""
    if "--block" in arguments:
        for seed in (7001, 7002):
            blocking(seed, replace(DEVELOPED["medium"], people=1500, seed=seed))
        return
    if "--match" in arguments:
        for name, made in DEVELOPED.items():
            one_to_one(name, replace(made, seed=made.seed + 1000, people=300, most=2, tail=False))
        return
    peers = arguments[arguments.index("--peers") + 1] if "--peers" in arguments else None
    wanted = [name for name in SETS if name in arguments] or list(SETS)
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            path, truth = SETS[name](Path(folder))
            start = time.perf_counter()
            rows, report = dedupe(path)
            seconds = time.perf_counter() - start
            say(name, "textcrm", [r.cluster for r in rows], [truth[r.record] for r in rows], seconds)
            print(f"{'':12} {report.pairs:,} pairs compared, {report.pairs / report.all_pairs:.2%} of all", flush=True)
            if peers is None:
                continue
            kinds = Path(folder) / "kinds.json"
            of_file = {c.removesuffix(" (given)").removesuffix(" (family)"): k for c, k in report.columns.items()}
            kinds.write_text(json.dumps({"key": report.record_column, "kinds": of_file}))
            done = subprocess.run(
                [peers, str(PEERS), str(path), str(kinds)], capture_output=True, check=True, text=True
            )
            for peer, result in json.loads(done.stdout.splitlines()[-1]).items():
                if result["clusters"] is None:
                    print(f"{name:12} {peer:14} failed: {result['problem']}", flush=True)
                    continue
                found = result["clusters"]
                say(name, peer, [found[record] for record in found], [truth[r] for r in found], result["seconds"])


def blocking(seed: int, made: RecordSet) -> None:
    """Print how many true pairs are candidates, and how many candidates there are."""
    people = made.make()
    n, who = len(people.rows), np.array(people.person)
    found = candidates(columns_of(people.names[1:], people.rows), n)
    kept = int((who[found.left] == who[found.right]).sum())
    true = sum(count * (count - 1) // 2 for count in Counter(people.person).values())
    print(
        f"medium, seed {seed}: {n:,} records, {kept / true:.2%} of {true:,} true pairs kept with "
        f"{len(found.left):,} candidates, {2 * len(found.left) / (n * (n - 1)):.2%} of all pairs",
        flush=True,
    )


def one_to_one(name: str, made: RecordSet) -> None:
    """Print what `match` finds between two tables: first records of most people, and the others."""
    people = made.make()
    count = Counter(people.person)
    first = {person: place for place, person in reversed(list(enumerate(people.person)))}
    # every second person who has one record has it in the right table
    left = {place for person, place in first.items() if count[person] > 1 or person % 2}
    who = {row["record"]: person for row, person in zip(people.rows, people.person, strict=True)}
    true = sum(1 for n in count.values() if n > 1)
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "left.csv", Path(folder) / "right.csv"
        for path, here in zip(paths, (True, False), strict=True):
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, people.names)
                writer.writeheader()
                writer.writerows(row for place, row in enumerate(people.rows) if (place in left) == here)
        for how, chosen in (("as they are", False), ("one-to-one", True)):
            pairs, _ = match(*paths, one_to_one=chosen)
            right = sum(who[pair.left] == who[pair.right] for pair in pairs)
            print(
                f"{name:15} {how:12} precision {right / max(1, len(pairs)):.4f}  recall {right / true:.4f}  "
                f"F1 {2 * right / (len(pairs) + true):.4f}",
                flush=True,
            )


def say(name: str, linker: str, found: Labels, truth: Labels, seconds: float) -> None:
    """Print one line."""
    precision, recall, f1 = scores(found, truth)
    print(
        f"{name:12} {linker:14} {len(truth):6,} records  precision {precision:.4f}  recall {recall:.4f}  "
        f"F1 {f1:.4f}  {seconds:6.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
