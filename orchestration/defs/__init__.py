"""What Dagster knows: assets, checks, the job, and what starts it. Thin: the work is in the other modules."""

from orchestration.startup import collect_rarely

collect_rarely()
