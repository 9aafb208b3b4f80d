"""Dagster's definitions: assets, checks, the job, and what starts it. They are thin: other modules do the
work, and import none of these."""

from orchestration.modes import be_private
from orchestration.shortcuts import collect_rarely

collect_rarely()
be_private()  # Dagster's processes write what people did, whatever starts Dagster
