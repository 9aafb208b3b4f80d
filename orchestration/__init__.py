"""Goalpost: the Dagster code location and the Python around the dbt project."""

import time

STARTED_AT = time.monotonic()  # of this process, before it imports anything that takes long
