"""How fast, against what: `make bench`, which writes docs/benchmark.md.

world.py makes the data, measure.py drives the pipeline on them, peers.py runs the same joins in other tools,
report.py writes what came out. None of it is part of the product, and the product knows nothing of it.
"""
