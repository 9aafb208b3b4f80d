"""`goalpost report`: the list of goals and one goal's page, from the published marts alone."""

import csv
import io
import json
import os
import pty
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from pipeline import Pipeline
from rich.cells import cell_len
from rich.console import Console
from scenarios import Story
from worlds import merged, write

from orchestration.errors import GoalpostError
from orchestration.publish import publish
from orchestration.report.layout import show_experiment, show_list, show_page, sparkline
from orchestration.report.reading import read_experiment, read_goal, read_goals
from orchestration.settings import Settings
from orchestration.warehouse import connect, single_writer

GOALPOST = Path(sys.executable).with_name("goalpost")
LONG = "The customer bought an item of the spring collection 春のコレクション for the first time"
WIDTHS = (60, 80, 120, 200)


def shop() -> Story:
    story = Story("shop")
    story.workspace(time_zone="America/New_York", currency="EUR")
    story.source(name="Welcome")
    story.goal(
        "bought",
        name=LONG,
        impact={"currency": "EUR", "event_property": "total"},
        target={"event": {"name": "purchase"}},
    )
    story.goal("visited", target={"event": {"name": "visit"}}, name="Visited \x1b[31m[red]")
    story.land("funnels", funnel_id="to-the-till", updated_at="2024-01-01", goal_ids=["visited", "bought"])
    for number, person in enumerate("abcdefgh"):
        story.delivery(f"d{number}", "2024-02-01", person=person)
        story.event("visit", f"2024-02-{number + 2:02}", person=person)
    story.event("purchase", "2024-02-04", person="a", total=1234567.5)
    story.event("purchase", "2024-02-12", person="b", total=20)
    return story


def other() -> Story:
    story = Story("other shop")
    story.goal("bought", name="Bought")
    story.experiment("spring", name="Spring sale", goal_ids=["bought"], expected_control_share=0.5)
    for number in range(240):
        story.holdout(
            f"p{number}", "control" if number < 120 else "treatment", "2024-02-01", experiment="spring"
        )
        if number % 120 < (20 if number < 120 else 90):
            story.event("purchase", "2024-02-03", person=f"p{number}")
    story.experiment("broken", goal_ids=["bought"], expected_control_share=0.5)
    for number in range(80):
        story.holdout(
            f"p{number}", "control" if number < 10 else "treatment", "2024-02-01", experiment="broken"
        )
    return story


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    pipeline = Pipeline(tmp_path_factory.mktemp("report"))
    write(merged([shop().world, other().world]), pipeline.landing)
    pipeline.run(datetime(2024, 3, 1))
    publish(pipeline.settings, "run")
    return pipeline.settings


def goalpost(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GOALPOST, *arguments],
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"}
        | {"GOALPOST_HOME": str(settings.home)}
        | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def shown(show, told, width: int) -> str:
    output = io.StringIO()
    show(told, Console(file=output, width=width))
    return output.getvalue()


def test_the_list_has_each_goal_with_its_figures_and_says_until_when_and_whose_days(settings: Settings):
    text = goalpost(settings, "report").stdout

    line = next(line for line in text.splitlines() if line.startswith("The customer bought"))
    assert line.split()[-7:] == ["8", "8", "2", "25.0", "%", "50.0", "%"]
    assert "Counts until 2024-03-01 00:00:00 UTC; days are those of America/New_York, amounts in EUR." in text
    assert "Counts until 2024-03-01 00:00:00 UTC; days are those of UTC, amounts in USD." in text
    assert [line for line in text.splitlines() if line in ("shop", "other shop")] == ["other shop", "shop"]


@pytest.mark.parametrize("width", WIDTHS)
def test_at_any_width_no_number_is_cut_and_no_line_too_long(settings: Settings, width: int):
    page = shown(show_page, read_goal(settings, "bought", "shop"), width)
    text = shown(show_list, read_goals(settings), width) + page

    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text
    assert "1,234,587.50" in page and "25.0 %" in page
    for name in ("The customer bought", "春のコレクション", "bought", "Visited \\x1b[31m[red]"):
        assert name in text
    assert "\x1b" not in text


def test_numbers_that_do_not_fit_at_all_are_whole_all_the_same(settings: Settings):
    assert "1,234,587.50" in shown(show_page, read_goal(settings, "bought", "shop"), 20)


def test_piped_it_has_the_same_plain_lines_wherever_it_is_started(settings: Settings):
    def piped(**environment: str) -> str:
        clean = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        return subprocess.run(
            [GOALPOST, "report", "bought", "--workspace", "shop"],
            env=clean | {"GOALPOST_HOME": str(settings.home)} | environment,
            stdout=subprocess.PIPE,
            text=True,
            stdin=terminal,
            stderr=terminal,
            check=True,
        ).stdout

    controller, terminal = pty.openpty()
    with os.fdopen(controller), os.fdopen(terminal):
        text = piped()
        assert text == piped(TERM="dumb") == piped(TERM="xterm-256color", LINES="10")
    assert text.isascii() is False and "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_an_output_that_knows_no_blocks_gets_a_sparkline_of_ascii(settings: Settings):
    finished = goalpost(settings, "report", "visited", PYTHONIOENCODING="ascii")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "#" in finished.stdout and "▁" not in finished.stdout


def test_a_page_has_figures_progress_sources_and_the_funnel(settings: Settings):
    text = shown(show_page, read_goal(settings, "bought", "shop"), 200)
    lines = [" ".join(line.split()) for line in text.splitlines()]

    assert lines[0] == f"{LONG} (bought) of shop"
    for line in (
        "impressions 8",
        "conversions 2",
        "impact, EUR 1,234,587.50",
        "of first achievements 1,234,587.50",
    ):
        assert line in lines
    assert "Progress by day, 2024-02-03 to 2024-02-29" in lines
    assert "achievers: 2; most in a day: 1 (2024-02-03)" in lines
    assert "█▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁" in lines
    assert "Welcome welcome 8 8 2 25.0 % 1 1,234,567.50" in lines
    at = lines.index("Funnel to-the-till")
    assert "1. Visited \\x1b[31m[red] visited 8 100.0 % - - -" in lines[at:]
    assert any(line.endswith("bought 2 25.0 % 25.0 % 6 5 days, 12:00:00") for line in lines[at:])


def test_a_sparkline_has_a_bar_for_each_value_and_none_for_nothing():
    assert sparkline([0, 1, 50, 100]) == "▁▂▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_progress_is_by_the_finest_period_that_fits(settings: Settings):
    page = read_goal(settings, "bought", "shop")
    assert "Progress by day" in shown(show_page, page, 80)
    assert "Progress by week" in shown(show_page, page, 26)


def test_for_machines_a_goal_is_a_row_of_csv_and_numbers_are_numbers_in_json(settings: Settings):
    rows = list(csv.DictReader(io.StringIO(goalpost(settings, "report", "--format", "csv").stdout)))
    assert [(row["workspace_id"], row["goal_id"]) for row in rows] == [
        ("other shop", "bought"),
        ("shop", "bought"),
        ("shop", "visited"),
    ]
    assert (rows[1]["enrollments"], rows[1]["conversion_rate"], rows[0]["conversion_rate"]) == (
        "8",
        "0.25",
        "",
    )
    assert rows[2]["name"] == "Visited \x1b[31m[red]", "a file gets the data as they are"

    document = json.loads(goalpost(settings, "report", "--format", "json").stdout)
    assert document["as_of"] == "2024-03-01T00:00:00"
    assert document["goals"][1]["impact"] == 1234587.5
    page = json.loads(
        goalpost(settings, "report", "bought", "--workspace", "shop", "--format", "json").stdout
    )
    assert (page["goal"]["enrollments"], page["goal"]["time_zone"]) == (8, "America/New_York")
    assert page["progress"][0] == {
        "period": "day",
        "period_start": "2024-02-03",
        "achievers": 1,
        "achievements": 1,
        "impact": 1234567.5,
        "impact_first": 1234567.5,
    }
    assert page["sources"][0]["conversions"] == 2
    assert [step["goal_id"] for step in page["funnels"][0]["steps"]] == ["visited", "bought"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["bought"],
            "Several workspaces have a goal 'bought': say which with --workspace (other shop, shop).",
        ),
        (
            ["bouhgt"],
            "There is no goal 'bouhgt': the closest are 'bought' of workspace 'other shop', 'bought' of",
        ),
        (
            ["bought", "--workspace", "x"],
            "There is no goal 'bought' in workspace 'x': no goal has landed there.",
        ),
    ],
)
def test_what_is_not_meant_is_said_in_a_sentence(settings: Settings, arguments, sentence):
    finished = goalpost(settings, "report", *arguments)
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"goalpost: {sentence}")


def test_it_answers_while_a_run_writes(settings: Settings):
    with single_writer(settings), closing(connect(settings)):
        finished = goalpost(settings, "report", "visited")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "Key figures" in finished.stdout


def test_before_anything_is_published_it_says_what_to_do(tmp_path: Path):
    with pytest.raises(GoalpostError, match=r"Nothing is published at .*: `goalpost run`"):
        read_goals(Settings(home=tmp_path))


def test_a_published_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path):
    (tmp_path / "marts.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(GoalpostError, match=r"marts.duckdb cannot be read .*--full-refresh"):
        read_goals(Settings(home=tmp_path))


def test_marts_that_an_older_version_published_are_told_as_far_as_they_go(settings: Settings, tmp_path: Path):
    shutil.copyfile(settings.published, tmp_path / "marts.duckdb")
    with duckdb.connect(tmp_path / "marts.duckdb") as connection:
        connection.execute("drop table control.publication; drop table dim_workspaces")

    text = shown(show_list, read_goals(Settings(home=tmp_path)), 120)

    assert "Counts until: not known, since an older version published this; `goalpost run` renews it." in text
    assert "25.0 %" in text


# ---- an experiment


def test_an_experiments_page_says_the_verdict_in_a_sentence_with_its_figures(settings: Settings):
    text = goalpost(settings, "report", "--experiment", "Spring sale").stdout

    assert text.startswith(
        "Spring sale (spring) of other shop\n50.0 % planned as control; 0 people in both arms"
    )
    assert "The messages made more people reach the goal: 75.00 % with them, 16.67 % without." in text
    assert "  for one look (Newcombe)  +46.922 to +67.219" in text
    assert "however often you look." in " ".join(text.split())


def test_a_broken_split_is_said_first(settings: Settings):
    text = " ".join(
        goalpost(settings, "report", "--experiment", "broken", "--workspace", "other shop").stdout.split()
    )
    assert (
        "Do not believe these figures: the split is broken. 12.5 % of the people are in the control arm"
        in text
    )


def test_an_experiment_for_machines_has_the_marts_columns(settings: Settings):
    page = json.loads(goalpost(settings, "report", "--experiment", "spring", "--format", "json").stdout)
    assert [(row["horizon"], row["verdict"]) for row in page["lift"]] == [
        ("to_date", "positive"),
        ("window", "positive"),
    ]
    rows = list(
        csv.DictReader(
            io.StringIO(goalpost(settings, "report", "--experiment", "spring", "--format", "csv").stdout)
        )
    )
    assert [row["treatment_achievers"] for row in rows] == ["90", "90"]


@pytest.mark.parametrize("width", WIDTHS)
def test_an_experiments_page_fits_any_width(settings: Settings, width: int):
    text = shown(show_experiment, read_experiment(settings, "spring", None), width)
    assert max(map(cell_len, text.splitlines())) <= width and "…" not in text


def test_an_unknown_experiment_is_refused_with_those_that_there_are(settings: Settings):
    refused = goalpost(settings, "report", "--experiment", "summer")
    assert refused.returncode == 1
    assert "No experiment 'summer' is measured: there is 'broken', 'spring'." in refused.stderr
