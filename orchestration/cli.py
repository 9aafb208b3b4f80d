"""The command line, `goalpost`: a thin layer over the code that Dagster also runs.

Belongs here: arguments, what is printed, exit codes (0 done or nothing to do, 1 failed, 2 wrong usage). Does
not: any work. Dagster, dbt and Great Expectations take seconds to import: a command imports only what it
needs.
"""

import os
import sys
import traceback
from contextlib import closing
from datetime import datetime
from importlib.metadata import version as installed_version
from io import TextIOWrapper
from tempfile import NamedTemporaryFile
from typing import Annotated, Literal, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from orchestration import clock, dbt_process, modes, repair, runs
from orchestration.adapters_commands import app as adapters_app
from orchestration.alerts_command import app as alerts_app
from orchestration.checks import process as checks_process
from orchestration.clock_commands import app as clock_app
from orchestration.deep_check_command import deep_check_command
from orchestration.erasure import carry_on
from orchestration.erasure.command import PeopleFile, Profile, Workspace, forget_people
from orchestration.errors import GoalpostError
from orchestration.explain import explain_command
from orchestration.faults import told
from orchestration.goals.commands import app as goals_app
from orchestration.interruption import NOTHING_PUBLISHED, if_interrupted
from orchestration.publish import catch_up, lost, publish_again
from orchestration.repair_commands import app as quarantine_app
from orchestration.report import report_command, show_goals
from orchestration.settings import Settings
from orchestration.shortcuts import collect_rarely, leave
from orchestration.status import account_lines, not_passed, show_status
from orchestration.terminal import console, say
from orchestration.warehouse import connect, mend, single_writer

NO_TELEMETRY = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
}

WHERE_TO_LOOK_NEXT = (
    "Where to look next:",
    "  goalpost report GOAL  one goal's page, by its id; without GOAL: this table again",
    "  {published}  every mart, for any tool that reads DuckDB:",
    "    select * from rpt_source_performance order by attributed_achievers desc limit 10",
    "  make dev  the pipeline, its checks and its history in the browser",
    "  README.md and docs/  what each figure means",
)

WHERE_TO_LOOK_ON_SPARK = (
    "Where to look next:",
    "  GOALPOST_ENGINE=spark goalpost report GOAL  one goal's page; without GOAL: this table again",
    "  docs/spark.md  how to read the Iceberg tables, also with DuckDB",
)

# Other commands read or change the warehouse of DuckDB.
ON_SPARK = ("run", "demo", "status", "report", "goals", "clock")

app = typer.Typer(
    help="Which messages make people do what matters, computed in your own warehouse.",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(goals_app, name="goals")
app.add_typer(clock_app, name="clock")
app.add_typer(alerts_app, name="alerts")
app.add_typer(quarantine_app, name="quarantine")
app.command("deep-check")(deep_check_command)
app.add_typer(adapters_app, name="adapters")
app.command("report")(report_command)
app.command("explain")(explain_command)

Landing = Annotated[str | None, typer.Option(help="Folder or URL of the landed files [GOALPOST_LANDING].")]
FullRefresh = Annotated[bool, typer.Option("--full-refresh", help="Recompute everything.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        help="Reports count until then (ISO 8601, UTC). Default: now, or where the clock is pinned."
    ),
]
Engine = Annotated[
    Literal["duckdb", "spark"] | None,
    typer.Option(help="Where the models run [GOALPOST_ENGINE]. Default: duckdb.", show_default=False),
]
Part = Literal["code", "daemon", "web"]
Version = Annotated[bool, typer.Option("--version", help="Print the version.")]


def main() -> NoReturn:
    collect_rarely()
    modes.be_private()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # print characters that its encoding lacks as escapes
            stream.reconfigure(errors="backslashreplace")
    os.environ |= NO_TELEMETRY
    try:
        _run_command()
    except SystemExit as ended:
        leave(ended.code if isinstance(ended.code, int) else 0)
    leave(0)


def _run_command() -> None:
    """Print every error as one sentence. The traceback of an unexpected error goes to a file."""
    try:
        app()
    except GoalpostError as error:
        _fail(str(error))
    except ValidationError as error:
        faults = "; ".join(
            f"GOALPOST_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        )
        _fail(f"The settings cannot be read: {faults}.")
    except Exception as error:
        if sentence := told(error, Settings()):
            _fail(sentence)
        with NamedTemporaryFile("w", prefix="goalpost-", suffix=".log", delete=False) as log:
            log.write(traceback.format_exc())
        _fail(f"An unexpected {type(error).__name__}: {runs.one_line(str(error))} (traceback: {log.name}).")


@app.callback()
def goalpost(context: typer.Context, version: Version = False) -> None:
    """Which messages make people do what matters, computed in your own warehouse."""
    if version:
        say(console(), f"goalpost {installed_version('goalpost')}")
        raise typer.Exit
    command = context.invoked_subcommand
    if command and command not in ON_SPARK and Settings().engine == "spark":
        raise GoalpostError(
            f"`goalpost {command}` works on DuckDB only, and GOALPOST_ENGINE says spark (docs/spark.md)."
        )


@app.command()
def run(
    landing: Landing = None, full_refresh: FullRefresh = False, as_of: AsOf = None, engine: Engine = None
) -> None:
    """Load what is new, build the models, check every step, publish the marts."""
    settings = Settings(landing=landing) if landing else Settings()
    if engine:
        settings = settings.model_copy(update={"engine": engine})
    _run(settings, full_refresh=full_refresh, as_of=as_of)


@app.command()
def demo(run: Annotated[bool, typer.Option("--run", help="Also run the pipeline on it.")] = False) -> None:
    """Write a year of real campaigns and purchases into the landing folder."""
    from orchestration.demo import AS_OF, write_demo

    settings = Settings()
    out = console()
    with out.status("Writing the demo data ..."), modes.landing_modes(settings):
        report = write_demo(settings.landing)
    say(
        out,
        f"The demo data are in {settings.landing}: {sum(report.rows.values()):,} rows "
        f"in {len(report.written) + len(report.unchanged)} files.",
    )
    clock.pin(settings, AS_OF)
    if run:
        _run(settings, full_refresh=False, as_of=None)
        say(out)
        show_goals(settings, out)
        say(out)
        for line in WHERE_TO_LOOK_NEXT if settings.engine == "duckdb" else WHERE_TO_LOOK_ON_SPARK:
            say(out, line.format(published=settings.published))
    else:
        say(out, f"{clock.sentence(settings)} `goalpost clock` shows more.")


@app.command()
def replay(
    since: Annotated[
        str, typer.Option(help="Files that landed at or after this time (ISO 8601, UTC).", show_default=False)
    ],
    table: Annotated[str | None, typer.Option(help="From the first such file of this table on.")] = None,
) -> None:
    """Take in again what has landed since then, and recompute what it concerns. What was right stays."""
    settings = Settings()
    with single_writer(settings):
        files = repair.replay(settings, runs.read_moment(since), table)
        say(console(), f"{files} file{'' if files == 1 else 's'} count as new.")
        _run_alone(settings, full_refresh=False, as_of=None)


@app.command()
def redo(
    goal: Annotated[
        str | None, typer.Option(help="Every row of this goal, and of its workspace.", show_default=False)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Every row that began at or after this day or time (ISO 8601, UTC).", show_default=False
        ),
    ] = None,
) -> None:
    """Compute rows of the marts again from what has landed, for example after somebody changed them."""
    if (goal is None) == (since is None):
        raise GoalpostError("Say what to compute again: --goal or --since.")
    settings = Settings()
    with single_writer(settings):
        people = repair.redo(settings, goal=goal, since=runs.read_moment(since) if since else None)
        say(console(), f"The rows of {people:,} people are computed again.")
        _run_alone(settings, full_refresh=False, as_of=None)


@quarantine_app.command("replay")
def replay_quarantine(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Paths of files that are set aside; default: all, and every row in quarantine."),
    ] = None,
) -> None:
    """Try files that were set aside again, and judge the rows in quarantine again, for example after you
    installed a library that reads a format. (A repaired file that landed needs no replay.)"""
    settings = Settings()
    with single_writer(settings):
        tried = repair.try_again(settings, files or ())
        say(console(), f"{len(tried)} file{' is' if len(tried) == 1 else 's are'} tried again.")
        _run_alone(settings, full_refresh=False, as_of=None)


@app.command()
def forget(workspace: Workspace = None, profile: Profile = None, file: PeopleFile = None) -> None:
    """Erase people: their rows lose their names and what no definition reads. Figures stay what they were."""
    forget_people(Settings(), workspace, profile, file, run=_run_alone)


@app.command()
def status() -> None:
    """What has landed, how fresh it is, what is set aside or quarantined and why, what the last run did."""
    settings = Settings()
    if settings.engine == "spark":
        from orchestration.spark.status import show_status as show_status_of_spark

        show_status_of_spark(settings, console())
    else:
        show_status(settings, console())


@app.command()
def dev() -> None:
    """Dagster's web UI and daemon, on http://localhost:3000."""
    from orchestration.dev import dev as run_dev

    settings = Settings()
    _tighten(settings, console())
    run_dev(settings)


@app.command()
def serve(
    part: Annotated[Part, typer.Argument(help="code first: the other two ask it.", show_default=False)],
    port: Annotated[int | None, typer.Option(help="Default: 4000 for code, 3000 for web.")] = None,
) -> None:
    """One part of what `goalpost dev` starts, for containers (deploy/compose.yaml)."""
    from orchestration.serve import serve as run_serve

    run_serve(Settings(), part, port)


@app.command()
def dashboard(
    host: Annotated[
        str, typer.Option(help="The address it listens on: 0.0.0.0 lets in whoever reaches this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port it listens on.")] = 8501,
) -> None:
    """The published goals as pages with charts, on http://localhost:8501."""
    from orchestration.dashboard import dashboard as run_dashboard

    run_dashboard(Settings(), host=host, port=port)


def _run(settings: Settings, *, full_refresh: bool, as_of: str | None) -> None:
    with single_writer(settings):  # from the search for work to the end: a second process learns who is first
        if settings.engine == "spark":
            from orchestration.spark.run import run as run_on_spark

            moment = runs.read_moment(as_of) if as_of else None
            run_on_spark(settings, console(), full_refresh=full_refresh, as_of=moment)
        else:
            _run_alone(settings, full_refresh=full_refresh, as_of=as_of)


def _run_alone(settings: Settings, *, full_refresh: bool, as_of: str | None) -> None:
    if_interrupted(NOTHING_PUBLISHED)
    moment: datetime | None = runs.read_moment(as_of) if as_of else None
    out = console()
    _tighten(settings, out)
    for done in mend(settings):
        say(out, done, "yellow")
    carry_on(settings)
    work = runs.find_work(settings, as_of=moment, full_refresh=full_refresh)
    if work is None and (work := lost(settings)):
        if again := publish_again(settings):
            say(out, f"Published again; there was nothing else to do: {work}.")
            if again.warning:
                say(out, again.warning, "yellow")
            return
        as_of = runs.clock(settings).isoformat()  # nothing new is counted
    if work is None:
        written, warning = catch_up(settings)
        if written or warning:
            say(out, written.sentence if written else warning or "", "yellow" if warning else "")
        pinned = clock.sentence(settings)
        say(
            out,
            "Nothing to do: no new file, and nothing else changed since the last run. "
            + (
                pinned
                or f"The reports count until {clock.told(runs.clock(settings))}; --as-of sets another moment."
            ),
        )
        return
    say(out, f"Running: {work}.")
    if pinned := clock.sentence(settings):
        say(out, pinned)

    dbt_process.start(settings)  # both processes get ready while this one imports the rest
    checks_process.start(settings)
    from orchestration.defs.run import GoalpostRun
    from orchestration.in_process import run_job

    config = GoalpostRun(
        as_of=as_of,
        full_refresh=full_refresh,
        replay_since=None,
        redo_goal=None,
        redo_since=None,
        landing=settings.landing,
    )
    run_id = run_job(settings, config, out)
    with closing(connect(settings, read_only=True)) as connection:
        figures = runs.account(connection, run_id)
        warnings = [name for _, name, _ in not_passed(connection, run_id)]
    lines = account_lines(figures)
    if warnings:
        lines.append(f"warnings: {', '.join(warnings)}")
    if warnings or figures.get("rows", {}).get("quarantined"):
        lines.append("`goalpost status` shows which files and rows, and why")
    for line in lines:
        say(out, line[0].upper() + line[1:])
    say(out, f"Published: {settings.published} and {settings.published_parquet}{os.sep}<mart>.")


def _tighten(settings: Settings, out: Console) -> None:
    if modes.tighten(settings):
        say(
            out,
            f"From now on, only you can read {settings.published}, because it holds what people did: "
            "GOALPOST_PUBLISHED_MODE=640 lets your group read the published marts, 644 everybody.",
            "yellow",
        )


def _fail(sentence: str) -> None:
    say(console(stderr=True), f"goalpost: {sentence}", "red")
    raise SystemExit(1)
