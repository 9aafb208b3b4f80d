"""How fast, against what: `make bench`, which writes docs/benchmark.md.

world.py makes the data, measure.py drives the pipeline on them, peers.py runs the same joins in other tools,
kept.py keeps what came out, report.py writes it down; compare.py sets two commits side by side. None of it is
part of the product, and the product knows nothing of it.
"""
