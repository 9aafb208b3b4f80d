"""Goalpost: the Dagster code location and the Python around the dbt project."""

import time

STARTED_AT = time.monotonic()  # when this process started, before any slow import
