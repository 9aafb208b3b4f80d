"""What Dagster knows: assets, checks, the job, and what starts it. Thin: the work is in the other modules,
which import none of these."""

from orchestration.modes import be_private
from orchestration.shortcuts import collect_rarely

collect_rarely()
be_private()  # whatever started Dagster: its processes write what people did
