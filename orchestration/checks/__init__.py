"""Data quality: Great Expectations suites, run as SQL in DuckDB.

Belongs here: how suites run and what they find. Does not: the rules (expectations/) or Dagster (defs/).
"""
