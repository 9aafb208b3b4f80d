"""An analytics engineer works on a copy of the project: a new mart, a part built by hand, chosen
assets in Dagster, a changed rule. After each run the published marts are right, and the run says what it
recomputed.

One story of real runs (each needs its start-up time): each test continues the one before.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from homes import first_home
from scenarios import Story
from worlds import write

from orchestration.settings import PROJECT_ROOT

PARTS = ("dbt_project", "expectations", "orchestration", "seeds", "requirements.lock")
OWN_MART = "dbt_project/models/marts/fct_fast_conversions.sql"
NOTES = "dbt_project/models/acme/acme_notes.sql"
COLUMNS = """
models:
  - name: fct_fast_conversions
    description: Enrollments that converted within a day.
    columns:
      - {name: workspace_id, data_type: varchar}
      - {name: enrollment_id, data_type: varchar}
      - {name: converted_at, data_type: timestamp}
      - {name: profile_key, data_type: bigint}
"""

# As the UI does: chosen assets with their checks, or checks alone.
CHOOSE = """
import json, sys
from dagster import AssetKey
from orchestration.definitions import defs
from orchestration.dagster_instance import open_instance
from orchestration.settings import Settings

job, found = defs.resolve_implicit_global_asset_job_def(), []
with open_instance(Settings()) as instance:
    for choice in json.loads(sys.argv[1]):
        keys = [AssetKey(name.split("/")) for name in choice]
        result = job.execute_in_process(instance=instance, raise_on_error=False, asset_selection=keys)
        failures = [event.event_specific_data for event in result.all_events if event.is_step_failure]
        found.append({
            "choice": choice,
            "materialized": len(result.get_asset_materialization_events()),
            "checks": len(result.get_asset_check_evaluations()),
            "passed": all(each.passed for each in result.get_asset_check_evaluations()),
            "refusals": [failure.user_failure_data.description for failure in failures],
        })
print("found: " + json.dumps(found))
"""


@dataclass
class Project:
    root: Path
    home: Path
    landing: Path

    def call(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.root / "dbt_project",
            env=os.environ
            | {
                "PYTHONPATH": str(self.root),
                "GOALPOST_HOME": str(self.home),
                "GOALPOST_LANDING": str(self.landing),
                "GOALPOST_WAREHOUSE": str(self.home / "warehouse.duckdb"),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
        )
        return done.stdout + done.stderr

    def run(self) -> str:
        told = self.call(sys.executable, "-m", "orchestration", "run")
        assert "Published: " in told, told
        return told

    def dbt(self, *arguments: str) -> str:
        dbt = str(Path(sys.executable).with_name("dbt"))
        return self.call(dbt, "--quiet", *arguments, "--profiles-dir", ".")

    def choose(self, *choices: list[str]) -> list[dict]:
        told = self.call(sys.executable, "-c", CHOOSE, json.dumps(choices))
        found = re.findall("^found: (.*)$", told, flags=re.MULTILINE)
        assert found, told
        return json.loads(found[0])

    def published(self, query: str) -> list[tuple]:
        with duckdb.connect(self.home / "marts.duckdb", read_only=True) as connection:
            return connection.execute(query).fetchall()

    def working(self, query: str) -> list[tuple]:
        with duckdb.connect(self.home / "warehouse.duckdb", read_only=True) as connection:
            marts = str(self.home / "warehouse.marts.duckdb")
            connection.execute(f"attach '{marts}' as marts (read_only)")
            return connection.execute(query).fetchall()

    def was_full_refresh(self) -> bool:
        query = "select is_full_refresh from control.runs order by started_at desc limit 1"
        return self.working(query)[0][0]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """On a home after its first run, a full refresh of one achievement. The second is an increment: then most
    intermediate tables hold little."""
    folder = tmp_path_factory.mktemp("code changes")
    settings = first_home(folder)
    project = Project(folder / "project", settings.home, Path(settings.landing))
    for part in PARTS:
        source, place = PROJECT_ROOT / part, project.root / part
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
            shutil.copytree(source, place, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, place)
    story = Story("story")
    story.goal()
    for number in range(9):
        story.delivery(f"d{number}", "2024-03-01T08:00:00", person=f"p{number}")
        story.event("purchase", f"2024-03-01T1{number}:00:00", person=f"p{number}", event_id=f"e{number}")
    write(story.world, project.landing, files_per_table=1, formats=("jsonl",), seed=1)
    later = Story("story")
    later.event("purchase", "2024-03-05T10:00:00", person="p1", event_id="later")
    write(later.world, folder / "later", files_per_table=1, formats=("jsonl",), seed=1)
    [file] = (folder / "later").rglob("*.jsonl")
    shutil.copy(file, project.landing / "events" / "later.jsonl")
    assert "Running: 4 new files." in project.run()
    assert not project.was_full_refresh()
    return project


def test_a_mart_copied_from_the_docs_is_built_by_hand_with_all_of_its_rows(project):
    page = (PROJECT_ROOT / "docs" / "increments.md").read_text()
    [example] = re.findall(r"```sql\n(-- Grain: .*?)```", page, flags=re.DOTALL)
    (project.root / OWN_MART).write_text(example)
    (project.root / OWN_MART).with_name("_own.yml").write_text(COLUMNS)
    (project.root / NOTES).parent.mkdir()
    (project.root / NOTES).write_text("select 1 as one")
    project.dbt("build", "--select", "fct_fast_conversions", "acme_notes")
    assert project.working("select count(*) from marts.fct_fast_conversions") == [(10,)]


def test_a_run_builds_the_own_mart_alone_and_publishes_it_and_a_model_that_moves_leaves_its_old_table(
    project,
):
    (project.root / NOTES).write_text("{{ config(schema='acme') }} select 1 as one")
    told = project.run()
    assert f", {OWN_MART} changed, built outside a run: acme_notes, fct_fast_conversions." in told
    assert "Computed from scratch, because they changed: acme_notes, fct_fast_conversions." in told
    assert "Built but not published, because they are not in models/marts: acme_notes." in told
    assert not project.was_full_refresh()
    assert project.published("select count(*) from fct_fast_conversions") == [(10,)]
    places = "select table_schema from information_schema.tables where table_name = 'acme_notes'"
    assert project.working(places) == [("acme",)]


def test_any_choice_of_assets_in_dagster_runs_right_or_is_refused_in_a_sentence(project):
    facts = "select count(*), count(distinct achievement_id) from marts.fct_achievements"
    one, raw, published, two = project.choose(
        ["marts/fct_achievements"],
        ["raw/events"],
        ["published_marts"],
        ["marts/fct_touches", "marts/dim_goals"],
    )
    assert (one["refusals"], one["materialized"], one["passed"]) == ([], 1, True)
    assert one["checks"] > 3
    assert (raw["refusals"], raw["materialized"], raw["passed"]) == ([], 1, True)
    assert published["materialized"] == 0
    assert published["refusals"] == [
        "published_marts publishes what one run has built and checked, so it cannot be chosen without all "
        "the others: launch the job `goalpost`, or materialize all assets with their checks."
    ]
    assert (two["refusals"], two["materialized"], two["passed"]) == ([], 2, True)
    assert project.working(facts) == [(11, 11)]


def test_a_changed_rule_in_the_middle_asks_for_a_full_refresh_which_says_for_which_file(project):
    rule = "dbt_project/models/intermediate/attribution/int_touch_credits.sql"
    text = (project.root / rule).read_text()
    (project.root / rule).write_text(text.replace("when touches = 2 then 0.5", "when touches = 2 then 0.50"))
    (project.root / OWN_MART).unlink()
    (project.root / OWN_MART).with_name("_own.yml").unlink()
    told = project.run()
    # Assets built in Dagster are not trusted either: the run reports one of the reasons.
    assert "Everything is recomputed: " in told
    assert project.was_full_refresh()
    assert project.published("select count(*) from fct_achievements") == [(11,)]
    names = project.published("select table_name from information_schema.tables where table_schema = 'main'")
    assert ("fct_achievements",) in names
    assert ("fct_fast_conversions",) not in names  # its rule is gone


def test_a_row_that_is_there_twice_where_nothing_landed_is_not_published(project):
    with duckdb.connect(project.home / "warehouse.marts.duckdb") as connection:
        connection.execute("insert into fct_attributions from fct_attributions")
    events = project.landing / "events"
    (events / "elsewhere.jsonl").write_text(
        (events / "later.jsonl").read_text().replace("p1", "nobody").replace("later", "e")
    )
    told = project.call(sys.executable, "-m", "orchestration", "run")
    assert "Nothing was published, the old marts stay: critical checks failed" in told
    assert "intermediate.int_fact_months.every_key_is_there_once" in told
