"""`python -m benchmark`: measure world by world, keep what came out, and report on all that was kept.

What was measured with the same code is kept, not measured again, unless --only names it: so a benchmark that
was stopped goes on where it was.

Belongs here: what is asked for. Does not: measuring (measure.py), judging (report.py).
"""

import argparse
import sys
import time
import traceback
from pathlib import Path

from benchmark import kept, report
from benchmark.measure import MEASURES, Bench, measures_of
from benchmark.world import World


def main() -> int:
    measures = {measure.__name__: measure for measure in MEASURES}
    parser = argparse.ArgumentParser(prog="python -m benchmark", description=__doc__)
    parser.add_argument(
        "--size", default="1M", help="worlds by deliveries, for example 1M,10M,10M-long (ten times the days)"
    )
    parser.add_argument("--only", help=f"some of {','.join(measures)}; or report")
    parser.add_argument("--days", type=int, default=180, help="that the history lasts")
    parser.add_argument(
        "--home", type=Path, default=Path(".goalpost/benchmark"), help="where the worlds are made"
    )
    parser.add_argument("--docs", type=Path, help="where the report goes; by default the home")
    asked = parser.parse_args()

    home, docs = asked.home.absolute(), (asked.docs or asked.home).absolute()
    only, failed = (asked.only or "").split(","), []
    for size in asked.size.split(","):
        world = World.named(size, asked.days)
        bench = Bench(world, home / size, repeats=3 if 100_000 <= world.deliveries <= 1_000_000 else 1)
        for name in [each for each in measures if each in (only if asked.only else measures_of(size, world))]:
            if not asked.only and kept.is_current(bench.folder, world, name):
                print(f"{size} {name}: measured already with this code", flush=True)
                continue
            began, made_before = time.perf_counter(), bench.seconds_making
            try:
                result = measures[name](bench)
            except Exception:
                traceback.print_exc()
                failed.append(f"{size} {name}")
                continue
            making = bench.seconds_making - made_before
            seconds = time.perf_counter() - began - making
            kept.keep(bench.folder, world, name, result, seconds)
            told = f", and {making:.0f} s to make the world" if making else ""
            print(f"{size} {name}: {seconds:.0f} s{told}", flush=True)
    print(report.write(home, docs))
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
