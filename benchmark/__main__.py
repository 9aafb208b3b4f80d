"""`python -m benchmark`: measure world by world, keep what came out, and report on all that was kept.

Belongs here: what is asked for. Does not: measuring (measure.py), judging (report.py).
"""

import argparse
import time
from pathlib import Path

from benchmark import report
from benchmark.measure import MEASURES, ONLY_BEYOND_1M, ONLY_UP_TO_1M, Bench
from benchmark.world import World

UNITS = {"k": 1_000, "M": 1_000_000}


def main() -> None:
    names = [function.__name__ for function in MEASURES]
    parser = argparse.ArgumentParser(prog="python -m benchmark", description=__doc__)
    parser.add_argument("--size", default="1M", help="deliveries in the history, for example 1M,10M")
    parser.add_argument("--only", help=f"some of {','.join(names)}; or report")
    parser.add_argument("--days", type=int, default=180, help="that the history lasts")
    parser.add_argument(
        "--home", type=Path, default=Path(".goalpost/benchmark"), help="where the worlds are made"
    )
    parser.add_argument("--docs", type=Path, help="where the report goes; by default the home")
    asked = parser.parse_args()

    home, docs = asked.home.absolute(), (asked.docs or asked.home).absolute()
    for size in asked.size.split(","):
        deliveries = int(size[:-1]) * UNITS[size[-1]]
        bench = Bench(World(deliveries, asked.days), home / size, repeats=3 if deliveries == 1_000_000 else 1)
        for measure in MEASURES:
            name = measure.__name__
            left_out = ONLY_UP_TO_1M if deliveries > 1_000_000 else ONLY_BEYOND_1M
            if name in asked.only.split(",") if asked.only else name not in left_out:
                began = time.perf_counter()
                report.keep(bench.folder, bench.world, name, measure(bench))
                print(f"{size} {name}: done in {time.perf_counter() - began:.0f} s", flush=True)
    print(report.write(home, docs))


if __name__ == "__main__":
    main()
