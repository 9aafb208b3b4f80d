"""The Dagster code location. It only assembles: each part is in defs/."""

from dagster import Definitions, colored_console_logger, in_process_executor

from orchestration.defs.automation import daily, deep_check_job, goalpost_job, incidents, new_files, weekly
from orchestration.defs.checks import model_checks, raw_checks
from orchestration.defs.models import models
from orchestration.defs.progress import progress
from orchestration.defs.publishing import published_marts
from orchestration.defs.raw import landed_files
from orchestration.defs.run import GoalpostRun

defs = Definitions(
    assets=[landed_files, models, published_marts],
    asset_checks=[raw_checks, model_checks],
    jobs=[goalpost_job, deep_check_job],
    sensors=[new_files, incidents],
    schedules=[daily, weekly],
    resources={"run": GoalpostRun.configure_at_launch()},
    loggers={"console": colored_console_logger, "progress": progress},
    executor=in_process_executor,
)

GoalpostRun.definitions = defs
