"""Data quality: Great Expectations suites, run as SQL inside DuckDB.

Belongs here: how suites run and what they found. Does not: the rules (expectations/) or Dagster (defs/).
"""
