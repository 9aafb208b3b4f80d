"""What starts the pipeline: one job, a sensor for what lands, and a schedule as a fallback.

Belongs here: when and why a run starts. Does not: what it does.
"""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from dagster import (
    AssetSelection,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    Failure,
    Field,
    OpExecutionContext,
    RunRequest,
    RunsFilter,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    config_mapping,
    define_asset_job,
    in_process_executor,
    job,
    op,
    schedule,
    sensor,
)

from orchestration import alerts, runs
from orchestration.clock import pinned
from orchestration.dagster_instance import ALIVE, PATIENCE_SECONDS, forget_dead_runs
from orchestration.deep_check import deep_check
from orchestration.defs.run import GoalpostRun, keep_reason
from orchestration.errors import GoalpostError
from orchestration.landing import Listing, list_landing
from orchestration.settings import Settings
from orchestration.warehouse import writer

CHOICES = {
    "as_of": "",
    "full_refresh": False,
    "replay_since": "",
    "redo_goal": "",
    "redo_since": "",
    "landing": "",
}
LAUNCHPAD = {
    name: Field(type(default), default_value=default, description=GoalpostRun.model_fields[name].description)
    for name, default in CHOICES.items()
}


@config_mapping(config_schema=LAUNCHPAD)
def whole_config(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The job's whole config for the choices of a person, of whom the launchpad asks nothing else. An empty
    text stands for the default."""
    return {
        "resources": {"run": {"config": {name: value for name, value in chosen.items() if value != ""}}},
        "loggers": {"console": {}, "progress": {}},
    }


goalpost_job = define_asset_job(
    "goalpost",
    selection=AssetSelection.all(),
    description="Land what is new, build the models, check every step, publish the marts.",
    # One process: the steps share a lock, a database that allows one writer, and imports that cost seconds.
    executor_def=in_process_executor,
    hooks={keep_reason},
    config=whole_config,
)


def digest(listing: Listing) -> str:
    """The state of the landing: it differs as soon as a file is added, removed or changed, and then left
    alone for a moment."""
    now = time.time()
    # a path may hold any character
    state = [(file.path, file.fingerprint) for file in listing.files if not file.is_being_written(now)]
    return hashlib.sha256(repr(state).encode()).hexdigest()


# A run whose process was killed starts once more, from its first step: what it did is not known.
ONCE_MORE = {"dagster/max_retries": "1", "dagster/retry_strategy": "ALL_STEPS"}
# Of the runs that wait, the daily one is the next, whatever else lands.
FIRST = {"dagster/priority": "1"}
PENDING = [DagsterRunStatus.QUEUED, *ALIVE]
# An object store of 100,000 keys takes seconds to list, and 100 requests, which cost money. The sensor spends
# at most a tenth of its time on a slow listing.
SLOW_SECONDS = 0.5
_next_listing = 0.0


# Every 5 seconds, the shortest interval of Dagster's daemon: what lands should be in the marts within half a
# minute, and a run takes most of that. Listing is cheap; the warehouse is opened only after a change.
# The sensor reacts to a change, not to a state: it starts a run when the landing changes, and never again for
# the same state. So a run that fails does not start again and again; the schedule retries it.
# While a run waits or works the sensor requests no other: a run takes in all that landed before it looks, so
# a thousand files become one run or two. What landed later is a change that the sensor sees when the run is
# over.
@sensor(job=goalpost_job, minimum_interval_seconds=5, default_status=DefaultSensorStatus.RUNNING)
def new_files(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """Starts a run when the landing changed since the last look, and a file in it is new to the ledger."""
    global _next_listing
    settings = Settings()
    writing = writer(settings)
    if writing is None:
        forget_dead_runs(context.instance, silent_seconds=PATIENCE_SECONDS)
    begun = time.monotonic()
    if begun < _next_listing:
        return SkipReason(
            "Listing the landing takes long, so it is done rarely: remove files that are loaded."
        )
    try:
        listing = list_landing(settings)
        if (spent := time.monotonic() - begun) > SLOW_SECONDS:
            _next_listing = begun + 10 * spent
        state = digest(listing)
        if state == context.cursor:
            return SkipReason("Nothing in the landing changed since the last look.")
        if context.instance.get_run_ids(RunsFilter(statuses=PENDING), limit=1):
            return SkipReason("A run waits or works: looking again when it is done.")
        if writing:
            return SkipReason(
                f"{settings.home} is being written by {writing}: looking again when it is done."
            )
        reason = runs.find_work(settings, as_of=None, full_refresh=False, wait_seconds=0)
    except GoalpostError as error:  # no landing folder yet, or a run is writing: look again next time
        return SkipReason(str(error))
    if reason is None:
        return SensorResult(skip_reason="The landing changed, but every file in it is known.", cursor=state)
    return SensorResult(
        run_requests=[RunRequest(run_key=state, tags={"goalpost/reason": reason} | ONCE_MORE)], cursor=state
    )


# A run looks for incidents when it ends. The sensor finds those that no run can report: a killed run, marts
# that became stale. And it tells again what a receiver did not take.
@sensor(minimum_interval_seconds=60, default_status=DefaultSensorStatus.RUNNING)
def incidents(context: SensorEvaluationContext) -> SkipReason:
    """Tells GOALPOST_ALERT_URLS what is wrong, once, and when it is over. Starts no run."""
    settings = Settings()
    alerts.look(settings)
    found = [each.sentence for each in alerts.open_incidents(settings)]
    return SkipReason(" ".join(found) or "Nothing is wrong.")


# Daily, for two reasons: reports count until as_of, so they must advance even if nothing lands; and if the
# sensor stopped, or its run failed, the data are complete by the next morning.
@schedule(
    job=goalpost_job,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
)
def daily(context: ScheduleEvaluationContext) -> RunRequest:
    """Every day at 05:00 UTC, with that moment as as_of, unless the clock of the home is pinned."""
    moment = context.scheduled_execution_time.isoformat()
    as_of = None if pinned(Settings()) else moment
    return RunRequest(
        run_key=moment,
        run_config={"as_of": as_of} if as_of else {},
        tags={"goalpost/reason": "the day's reports"} | FIRST | ONCE_MORE,
    )


@op(name="rebuild_and_compare")
def check_deeply(context: OpExecutionContext) -> None:
    settings = Settings()
    try:
        found = deep_check(settings, patience=3600)
    except GoalpostError as error:
        raise Failure(str(error), allow_retries=False) from None
    finally:
        alerts.look(settings)
    if found.sentence:
        raise Failure(found.sentence, allow_retries=False)
    context.log.info("No difference: every mart is what a rebuild makes of the same files.")


@job(
    name="deep_check",
    description="Build everything again in a scratch file, and compare it with the marts, row for row.",
    executor_def=in_process_executor,
)
def deep_check_job() -> None:
    check_deeply()


DEEP_CHECK = Settings().deep_check


# Weekly, because it takes as long as a full refresh, and what it finds has never been seen: the increments
# are exact. On Sunday night, when the fewest files land.
@schedule(
    job=deep_check_job,
    cron_schedule="0 3 * * 0" if DEEP_CHECK == "off" else DEEP_CHECK,
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.STOPPED if DEEP_CHECK == "off" else DefaultScheduleStatus.RUNNING,
)
def weekly(context: ScheduleEvaluationContext) -> RunRequest:
    """Every Sunday at 03:00 UTC, or when GOALPOST_DEEP_CHECK says."""
    return RunRequest(run_key=context.scheduled_execution_time.isoformat())
