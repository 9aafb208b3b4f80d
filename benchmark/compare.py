"""`python -m benchmark.compare CLONE`: the same builds by the code of that clone and of this one, in turns.

To compare with the last commit: `git worktree add /tmp/before HEAD`, then `python -m benchmark.compare
/tmp/before`. Each clone makes its worlds in its own `.goalpost/benchmark`; both run on this one's Python.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmark import kept
from benchmark.report import by_node
from orchestration.settings import PROJECT_ROOT


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmark.compare", description=__doc__)
    parser.add_argument("clone", type=Path, help="with this benchmark or a later one")
    parser.add_argument("--size", default="100k", help="a world")
    parser.add_argument(
        "--only", default="full_refresh,days", help="some of these and growth, low_memory, room"
    )
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()

    builds: dict[tuple[Path, str], list[dict]] = {}
    for _ in range(asked.times):
        for clone in (asked.clone, PROJECT_ROOT):
            command = [sys.executable, "-m", "benchmark", f"--size={asked.size}", f"--only={asked.only}"]
            subprocess.run(command, cwd=clone, check=True, stdout=subprocess.DEVNULL)
            measures = kept.read(clone / ".goalpost" / "benchmark" / asked.size)["measures"]
            for measure in asked.only.split(","):
                builds.setdefault((clone, measure), []).extend(measures[measure]["result"]["builds"])
    for measure in asked.only.split(","):
        there, here = by_node(builds[asked.clone, measure]), by_node(builds[PROJECT_ROOT, measure])
        print("\n".join([f"{measure}, CPU s of statements, there → here:", *compared(there, here)]))


def compared(there: Mapping[str, float], here: Mapping[str, float], most: int = 10) -> Iterator[str]:
    """All together, then the nodes that differ most."""
    before, now = sum(there.values()), sum(here.values())
    yield f"  {before:8.2f} → {now:8.2f}  ({now / before:.2f} x)"
    differing = sorted(
        there.keys() | here.keys(), key=lambda node: -abs(here.get(node, 0) - there.get(node, 0))
    )
    for node in differing[:most]:
        yield f"  {there.get(node, 0):8.2f} → {here.get(node, 0):8.2f}  {node}"


if __name__ == "__main__":
    main()
