"""How fast the pipeline is, and compared with what: `make bench`, which writes docs/benchmark.md.

world.py makes the data, measure.py runs the pipeline on them, peers.py runs the same joins in other tools,
kept.py keeps the results, report.py writes the report; compare.py compares two commits. None of it is part of
the product, and the product does not use it.
"""
