"""The command line, `goalpost`: thin over the code that Dagster runs too.

Belongs here: arguments, what is printed, exit codes (0 done or nothing to do, 1 failed, 2 wrong usage). Does
not: any work. Dagster, dbt and Great Expectations take seconds to import: only what needs them does.
"""

import os
import sys
import traceback
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, NoReturn

import duckdb
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from orchestration import runs
from orchestration.errors import GoalpostError
from orchestration.explain import explain_command
from orchestration.goals.commands import app as goals_app
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.startup import collect_rarely, leave
from orchestration.status import account_lines, not_passed, show_status
from orchestration.warehouse import connect, single_writer

NO_TELEMETRY = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
}

app = typer.Typer(
    help="Which messages make people do what matters, computed in your own warehouse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(goals_app, name="goals")
app.command("explain")(explain_command)

Landing = Annotated[str | None, typer.Option(help="Folder or URL of the landed files [GOALPOST_LANDING].")]
FullRefresh = Annotated[bool, typer.Option("--full-refresh", help="Compute everything anew.")]
AsOf = Annotated[str | None, typer.Option(help="Reports count until then (ISO 8601, UTC). Default: now.")]


def main() -> NoReturn:
    collect_rarely()
    os.environ |= NO_TELEMETRY
    try:
        _run_command()
    except SystemExit as ended:
        leave(ended.code if isinstance(ended.code, int) else 0)
    leave(0)


def _run_command() -> None:
    """Every error is a sentence. A traceback, where one is needed, goes to a file."""
    try:
        app()
    except GoalpostError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("Interrupted: the next run carries on.")
    except ValidationError as error:
        faults = "; ".join(
            f"GOALPOST_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        )
        _fail(f"The settings cannot be read: {faults}.")
    except Exception as error:
        with NamedTemporaryFile("w", prefix="goalpost-", suffix=".log", delete=False) as log:
            log.write(traceback.format_exc())
        _fail(f"An unexpected {type(error).__name__}: {runs.one_line(str(error))} (traceback: {log.name}).")


@app.command()
def run(landing: Landing = None, full_refresh: FullRefresh = False, as_of: AsOf = None) -> None:
    """Load what is new, build the models, check every step, publish the marts."""
    settings = Settings(landing=landing) if landing else Settings()
    _run(settings, full_refresh=full_refresh, as_of=as_of)


@app.command()
def demo(run: Annotated[bool, typer.Option("--run", help="And run the pipeline on it.")] = False) -> None:
    """Write a year of real campaigns and purchases into the landing folder."""
    from orchestration.demo import AS_OF, write_demo

    settings = Settings()
    console = _console()
    with console.status("Writing the demo data ..."):
        report = write_demo(settings.landing)
    console.print(
        f"The demo data are in {settings.landing}: {sum(report.rows.values()):,} rows "
        f"in {len(report.written) + len(report.unchanged)} files.",
        highlight=False,
        soft_wrap=True,
    )
    if run:
        _run(settings, full_refresh=False, as_of=AS_OF.isoformat())
        _print_goals(settings, console)


@app.command()
def status() -> None:
    """What has landed, how fresh it is, what is set aside or quarantined and why, what the last run did."""
    show_status(Settings(), _console())


@app.command()
def dev() -> None:
    """Dagster's web UI and daemon, on http://localhost:3000."""
    from orchestration.defs.instance import forget_dead_runs, open_instance

    settings = Settings()
    with open_instance(settings) as instance, suppress(GoalpostError), single_writer(settings):
        forget_dead_runs(instance)
    os.environ |= {
        "GOALPOST_HOME": str(settings.home),
        "GOALPOST_LANDING": settings.landing,
        "DAGSTER_HOME": str(settings.dagster_home),
    }
    dagster = Path(sys.executable).with_name("dagster")
    sys.stdout.flush()
    os.execv(dagster, [str(dagster), "dev", "--workspace", str(PROJECT_ROOT / "workspace.yaml")])


def _run(settings: Settings, *, full_refresh: bool, as_of: str | None) -> None:
    moment: datetime | None = runs.read_moment(as_of) if as_of else None
    console = _console()
    with single_writer(settings):
        work = runs.find_work(settings, as_of=moment, full_refresh=full_refresh)
    if work is None:
        console.print(
            "Nothing to do: no new file, and nothing else changed since the last run. "
            f"The reports stand as of {runs.clock(settings):%Y-%m-%d %H:%M:%S} UTC; --as-of moves them.",
            highlight=False,
            soft_wrap=True,
        )
        return
    console.print(f"Running: {work}.", highlight=False, soft_wrap=True)

    from orchestration.defs import checks_process, dbt_process

    dbt_process.start(settings)  # they get ready while the rest is imported
    checks_process.start(settings)
    from orchestration.defs.in_process import run_job
    from orchestration.defs.run import GoalpostRun

    config = GoalpostRun(as_of=as_of, full_refresh=full_refresh, landing=settings.landing)
    run_id = run_job(settings, config, console)
    with closing(connect(settings, read_only=True)) as connection:
        figures = runs.account(connection, run_id)
        warnings = [name for _, name, _ in not_passed(connection, run_id)]
    lines = account_lines(figures)
    if warnings:
        lines.append(f"warnings: {', '.join(warnings)}")
    if warnings or figures.get("rows", {}).get("quarantined"):
        lines.append("`goalpost status` tells which files and rows, and why")
    for line in lines:
        console.print(line[0].upper() + line[1:], highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"Published: {settings.published} and {settings.published_parquet}{os.sep}<mart>.",
        highlight=False,
        soft_wrap=True,
    )


def _print_goals(settings: Settings, console: Console) -> None:
    with duckdb.connect(settings.published, read_only=True) as connection:
        goals = connection.execute(
            "select name, impressions, enrollments, conversions, conversion_rate, "
            "attributed_achievers / nullif(achievers, 0) "
            "from rpt_goal_summary join dim_goals using (workspace_id, goal_id) "
            "where is_current order by name"
        ).fetchall()
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("\ngoal")
    for column in (
        "\nimpressions",
        "\nenrollments",
        "\nconversions",
        "conversion\nrate",
        "attributed\nshare",
    ):
        table.add_column(column, justify="right", no_wrap=True)
    for name, *counts, rate, share in goals:
        table.add_row(name, *(f"{count:,}" for count in counts), _percent(rate), _percent(share))
    console.print()
    console.print(table, markup=False, highlight=False)
    console.print()
    console.print(
        "Conversion rate: of the enrollments, those that reached the goal within its window.\n"
        "Attributed share: of the people who reached the goal, those whom a message gets the credit for.\n\n"
        "Where to look next:\n"
        f"  {settings.published}  every mart, for any tool that reads DuckDB:\n"
        "    select * from rpt_source_performance order by attributed_achievers desc limit 10\n"
        "  make dev  the pipeline, its checks and its history in the browser\n"
        "  README.md and docs/  what each figure means",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _console() -> Console:
    """Bound to this standard output: what dbt and Great Expectations print is redirected."""
    return Console(file=sys.stdout)


def _fail(sentence: str) -> None:
    Console(stderr=True).print(
        f"goalpost: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True
    )
    raise SystemExit(1)


if __name__ == "__main__":
    main()
