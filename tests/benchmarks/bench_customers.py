"""How fast customers come in: rows a second, CPU time a row, memory; killed in the middle and run again.

``python tests/benchmarks/bench_customers.py --size 1000000``. The database is the embedded one, on this machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GIVEN = "Ann Ben Cem Dana Emil Fay Gus Hana Ivo Jana Kim Lea Max Noor Olga Pia Quin Rosa Sam Tess".split()
FAMILY = "Abel Berg Cole Dorn Ekin Falk Gray Holm Iwan Juhl Kern Lund Marr Nagy Ober Pohl Ruiz Sato Toth Vega".split()
COUNTRIES = ("Germany", "FR", "United States", "Österreich", "ES")


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        run(chosen.child)
        return
    with tempfile.TemporaryDirectory(prefix="textcrm-bench-") as folder:
        home, path = Path(folder) / "home", Path(folder) / "customers.csv"
        write(path, chosen.size)
        print(f"{chosen.size:,} customers, {path.stat().st_size / 1e6:.0f} MB of CSV, ten columns")
        tell("first import", start(home, path), chosen.size)
        tell("the same again", start(home, path), chosen.size)
        tell("after a kill -9", killed(Path(folder) / "second", path, chosen.size), chosen.size)


def write(path: Path, size: int) -> None:
    """Write a table of customers."""
    rng = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow("customer_id first_name last_name email phone country birth_date company city spent".split())
        for i in range(size):
            given, family = rng.choice(GIVEN), rng.choice(FAMILY)
            phone = f"+49 30 {rng.randrange(10**6, 10**7)}" if i % 2 else f"+1 202 555 {rng.randrange(10**4):04}"
            mail = f"{given}.{family}.{i}@mail{i % 97}.example"
            born = f"{rng.randrange(1940, 2005)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
            facts = (phone, rng.choice(COUNTRIES), born, f"Firm {i % 5000}", f"City {i % 900}", f"{rng.random():.2f}")
            rows.writerow((f"C-{i:07}", given, family, mail, *facts))


def run(path: Path) -> None:
    """Import in this process and print the figures as JSON."""
    from textcrm.operations.customers.tables import import_customers
    from textcrm.settings import read_settings
    from textcrm.store import open_store

    with open_store(read_settings()) as store:
        # the first line says that rows are coming in: the parent may kill from there on
        begin, cpu = time.perf_counter(), time.process_time()
        report = import_customers(store, path, progress=lambda _: print("batch", file=sys.stderr, flush=True))
        figures = {
            "seconds": time.perf_counter() - begin,
            "cpu": time.process_time() - cpu,
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "created": report.created,
            "unchanged": report.unchanged,
            "stored": store.customers.count(),
        }
    server = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures["server_cpu"] = server.ru_utime + server.ru_stime
    print(json.dumps(figures))


def command(home: Path, path: Path) -> subprocess.Popen[str]:
    """Start an import in a process of its own."""
    environment = {**os.environ, "TEXTCRM_HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    program = [sys.executable, __file__, "--child", str(path)]
    return subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start(home: Path, path: Path) -> dict[str, float]:
    """Run an import to its end and return its figures."""
    out, err = command(home, path).communicate()
    try:
        return dict(json.loads(out))
    except ValueError:
        raise SystemExit(err[-2000:]) from None


def killed(home: Path, path: Path, size: int) -> dict[str, float]:
    """Kill an import in the middle, run it again, and return the figures of the second run."""
    first = command(home, path)
    assert first.stderr is not None
    for number, _ in enumerate(first.stderr):
        if number >= size // 2000 // 2:
            break
    first.send_signal(signal.SIGKILL)
    first.communicate()
    return start(home, path)


def tell(what: str, figures: dict[str, float], size: int) -> None:
    """Print one line of figures."""
    print(
        f"{what:16} {size / figures['seconds']:8,.0f} rows/s  {1e6 * figures['cpu'] / size:6.0f} us CPU a row, "
        f"database {1e6 * figures['server_cpu'] / size:4,.0f}  "
        f"{figures['memory_mb']:6,.0f} MB  created {figures['created']:,} unchanged {figures['unchanged']:,} "
        f"stored {figures['stored']:,}",
        flush=True,
    )


if __name__ == "__main__":
    main()
