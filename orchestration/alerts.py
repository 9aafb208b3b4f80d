"""Alerts: what is wrong now, told once, and once more when it is over.

Belongs here: finding incidents, remembering which were told, telling them. Does not: when to look (after each
run: defs/run.py, every minute: defs/automation.py, by hand: alerts_command.py), what a run records (runs.py).

An incident that could not be told, because the receiver is down, stays in incidents.json and is told the next
time that anything looks. A run never fails because of an alert.
"""

import hashlib
import json
import logging
import logging.handlers
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
from filelock import FileLock

from orchestration import clock, ops
from orchestration.deep_check import last_deep_check
from orchestration.errors import GoalpostError
from orchestration.locks import holder
from orchestration.settings import Settings
from orchestration.warehouse import STILL_SET_ASIDE, WarehouseHeld, connect, writer

SILENCE = timedelta(minutes=5)
ROOM_BYTES = 64 * 1024  # of incidents.json, so that it can be written in its place when the disk is full
LOG_BYTES = 1_000_000  # of alerts.log, which is then renamed; one older file is kept


@dataclass(frozen=True)
class Incident:
    key: str  # the same as long as it is the same trouble
    sentence: str  # what, and what to do
    since: datetime


# ---- finding -----------------------------------------------------------------------------------------------


def find_incidents(settings: Settings, now: datetime) -> list[Incident] | None:
    """What is wrong now; None if that cannot be known yet, because a run has the warehouse open."""
    silent = list(_silent(settings, now))
    if not settings.warehouse.exists():
        return silent
    try:
        with closing(connect(settings, read_only=True, wait_seconds=0)) as connection:
            return [
                *silent,
                *_failed_run(connection, is_writing=writer(settings) is not None),
                *_stale_marts(connection, settings, now),
                *_set_aside(connection),
                *_quarantined(connection, settings),
                *_differing_marts(connection, settings),
            ]
    except WarehouseHeld:
        return None
    except GoalpostError as error:
        return [*silent, Incident("warehouse", str(error), now)]


def _silent(settings: Settings, now: datetime) -> Iterator[Incident]:
    """`goalpost dev` was killed, or its daemon or sensor does nothing. (Who stops it knows that.)"""
    lock = settings.dev_lock
    if not lock.exists():
        return
    begun = datetime.fromtimestamp(lock.stat().st_mtime, UTC).replace(tzinfo=None)
    if not holder(lock):
        if lock.read_text(errors="replace").strip():  # whoever ends in order empties it
            yield Incident(
                "dev", "`goalpost dev` was killed: nothing starts runs until it is started again.", begun
            )
        return
    if now - begun < SILENCE:
        return
    from orchestration.dagster_instance import last_signs_of_life, open_instance

    try:
        with open_instance(settings) as instance:
            signs = last_signs_of_life(instance)
    except GoalpostError as error:  # its PostgreSQL is down
        yield Incident("history", str(error), now)
        return
    for name in ("sensor daemon", "sensor new_files"):
        last = signs.get(name, begun)
        if now - last > SILENCE:
            yield Incident(
                name,
                f"Dagster's {name} has done nothing since {_told(last)}, though `goalpost dev` runs: no run "
                "starts when files land. Stop `goalpost dev` and start it again.",
                last,
            )


def _failed_run(connection: duckdb.DuckDBPyConnection, *, is_writing: bool) -> Iterator[Incident]:
    """The last run failed. A run whose process was killed has failed, too. One that works now has not ended
    the incident yet."""
    runs = connection.execute(
        "select outcome, message, started_at from control.runs order by started_at desc"
    ).fetchall()
    failed = []
    for run in runs[1:] if is_writing and runs and runs[0][0] == "running" else runs:
        if run[0] == "succeeded":
            break
        failed.append(run)
    if not failed:
        return
    outcome, message, started_at = failed[0]
    if outcome == "running":
        message = "Its process is gone: start `goalpost run` again, it carries on."
    times = "" if len(failed) == 1 else f" ({len(failed)} runs have failed since {_told(failed[-1][2])})"
    published = _last_success(connection)
    stale = f"Readers see the marts of {_told(published)}." if published else "Nothing was ever published."
    yield Incident("run", f"The run of {_told(started_at)} failed{times}: {message} {stale}", failed[-1][2])


def _stale_marts(
    connection: duckdb.DuckDBPyConnection, settings: Settings, now: datetime
) -> Iterator[Incident]:
    published = _last_success(connection)
    if published and now - published > timedelta(hours=settings.stale_hours) and not clock.pinned(settings):
        yield Incident(
            "stale",
            f"The marts are stale: the last run that published them ended {_told(published)}. "
            "See that `goalpost dev` runs (its schedule starts a run a day), or start `goalpost run`.",
            published,
        )


def _set_aside(connection: duckdb.DuckDBPyConnection) -> Iterator[Incident]:
    """A file set aside is over when its content, repaired, is loaded under the same name."""
    for path, loaded_at, reason in connection.execute(STILL_SET_ASIDE).fetchall():
        yield Incident(
            f"file:{path}",
            f"The file {path} was set aside, none of its rows count: {reason} "
            "Repair it and land it again under this name.",
            loaded_at,
        )


def _quarantined(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Incident]:
    """Of the rows of a table that the last run landed, more than the threshold cannot be staged."""
    rows = ops.quarantined(connection)
    for table, after, until, landed, loaded_at in connection.execute(NEWEST_LOADS).fetchall():
        [(quarantined,)] = connection.execute(
            f"select count(*) from ({rows}) where table_name = ? and file_id > ? and file_id <= ?",
            [table, after, until],
        ).fetchall()
        if quarantined > landed * settings.quarantine_percent / 100:
            yield Incident(
                f"quarantine:{table}",
                f"{quarantined:,} of the {landed:,} rows of {table} that landed last are in quarantine and "
                f"do not count (over {settings.quarantine_percent:g} %): `goalpost status` says why.",
                loaded_at,
            )


def _differing_marts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Incident]:
    """The last deep check found a difference, or could not be made. Over with the next one that finds none,
    and with a full refresh."""
    found = last_deep_check(settings)
    if not found or not found.sentence:
        return
    [(is_refreshed,)] = connection.execute(
        "select count(*) > 0 from control.runs "
        "where is_full_refresh and outcome = 'succeeded' and started_at > ?",
        [found.checked_at],
    ).fetchall()
    if found.error or not is_refreshed:
        yield Incident("deep check", found.sentence, found.checked_at)


# By table, the files of the last run that landed rows of it: after which file, until which, how many rows.
NEWEST_LOADS = """
with newest as (
    select table_name, max(file_id) as until_file_id
    from raw.files where outcome = 'loaded' and rows > 0 group by table_name
),
loads as (
    select *, coalesce((
        select max(last_file_id) from control.runs where last_file_id < newest.until_file_id
    ), 0) as after_file_id
    from newest
)
select files.table_name, after_file_id, until_file_id, sum(rows)::bigint, max(loaded_at)
from loads inner join raw.files as files
    on files.table_name = loads.table_name and file_id > after_file_id and file_id <= until_file_id
where outcome = 'loaded'
group by all order by all
"""


def _last_success(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    return connection.execute(
        "select max(finished_at) from control.runs where outcome = 'succeeded'"
    ).fetchall()[0][0]


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


# ---- telling -----------------------------------------------------------------------------------------------


@dataclass
class Message:
    title: str
    text: str
    is_over: bool
    to: list[str]  # the receivers that have not got it yet, each a hash of its URL, which may hold a password


def look(settings: Settings) -> None:
    """Find what is wrong, and tell what is new or over. Never raises: an alert must not fail a run. What goes
    wrong here is in alerts.log."""
    if not settings.home.exists():
        return
    log = _log(settings)
    try:
        with FileLock(settings.home / "incidents.lock", timeout=10):
            _look(settings, log)
    except Exception:
        log.exception("The look for incidents failed.")
    finally:
        for handler in [*log.handlers]:
            log.removeHandler(handler)
            handler.close()


def open_incidents(settings: Settings) -> list[Incident]:
    """What was wrong at the last look."""
    return [
        Incident(key, each["sentence"], datetime.fromisoformat(each["since"]))
        for key, each in _read(settings)["open"].items()
    ]


def undelivered(settings: Settings) -> int:
    """How many alerts wait for a receiver that did not answer."""
    return len(_read(settings)["waiting"])


def test(settings: Settings) -> list[str]:
    """Send every receiver a message. Returns the services that did not take it, without their secrets."""
    refused = []
    for url in settings.alert_urls.get_secret_value().split():
        message = Message("Goalpost: a test", "This is how Goalpost tells what is wrong.", True, [_name(url)])
        if not _tell(_name(url), url, [message]):
            refused.append(_service(url))
    return refused


def _look(settings: Settings, log: logging.Logger) -> None:
    state = _read(settings)
    before = {each.key: each for each in open_incidents(settings)}
    waiting = [Message(**each) for each in state["waiting"]]
    found = find_incidents(settings, datetime.now(UTC).replace(tzinfo=None))
    now = before if found is None else {each.key: each for each in found}
    receivers = {_name(url): url for url in settings.alert_urls.get_secret_value().split()}
    for key in now.keys() - before.keys():
        log.error("%s (since %s)", now[key].sentence, _told(now[key].since))
        waiting.append(
            Message(
                "Goalpost: a problem",
                f"{now[key].sentence}\nSince {_told(now[key].since)}.",
                False,
                [*receivers],
            )
        )
    for key in before.keys() - now.keys():
        log.info("Over: %s", before[key].sentence)
        waiting.append(Message("Goalpost: over", f"Over: {before[key].sentence}", True, [*receivers]))
    if waiting:
        for name, url in receivers.items():
            if not _tell(name, url, waiting):
                log.warning("%s did not take an alert. It is told again at the next look.", _service(url))
    waiting = [each for each in waiting if any(name in receivers for name in each.to)]
    # A sentence may have changed: the incident is told in the words in which it began.
    opened = {key: before.get(key, incident) for key, incident in now.items()}
    _write(settings, opened, waiting)


def _tell(name: str, url: str, waiting: Sequence[Message]) -> bool:
    """Tell one receiver what it has not been told yet, in order, until it does not answer. Did it answer?"""
    import apprise  # a second

    receiver = apprise.Apprise()
    receiver.add(url)
    for message in waiting:
        if name not in message.to:
            continue
        kind = apprise.NotifyType.SUCCESS if message.is_over else apprise.NotifyType.FAILURE
        if not receiver.notify(title=message.title, body=message.text, notify_type=kind):
            return False
        message.to.remove(name)
    return True


def _service(url: str) -> str:
    return f"{url.partition('://')[0]}://…"


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def _read(settings: Settings) -> dict[str, Any]:
    try:
        return json.loads(settings.incidents.read_bytes())
    except (OSError, ValueError):
        return {"open": {}, "waiting": []}


def _write(settings: Settings, opened: Mapping[str, Incident], waiting: Sequence[Message]) -> None:
    state = {
        "open": {
            key: {"sentence": each.sentence, "since": each.since.isoformat()} for key, each in opened.items()
        },
        "waiting": [asdict(each) for each in waiting],
    }
    if state == _read(settings) and settings.incidents.exists():
        return
    content = json.dumps(state, indent=1).encode().ljust(ROOM_BYTES)
    unfinished = settings.incidents.with_suffix(".unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(settings.incidents)
    except OSError:
        # The disk is full. Without this, the same alert would be told at every look.
        with settings.incidents.open("r+b") as there:
            there.write(content)


def _log(settings: Settings) -> logging.Logger:
    log = logging.getLogger("goalpost.alerts")
    log.setLevel(logging.INFO)
    log.propagate = False
    settings.logs.mkdir(exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        settings.logs / "alerts.log", maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    return log
