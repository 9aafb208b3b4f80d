"""Goalpost: the Dagster code location and the Python around the dbt project."""
