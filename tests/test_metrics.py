"""Every metric (dbt_project/models/metrics) is what the report says: MetricFlow is asked, over random worlds
in many time zones, with facts after as_of."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.contracts.graph.semantic_manifest import SemanticManifest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from pipeline import Pipeline, manifest
from worlds import as_of, merged, world, write

from orchestration.publish import publish
from orchestration.settings import DBT_PROJECT

GOAL = ("workspace", "goal_id")
SOURCE = (*GOAL, "source_id")
SERIES = (*SOURCE, "channel")
DERIVED = {
    "attributed_share",
    "impact_per_message",
    "impact_per_thousand_messages",
    "achievements_per_achiever",
}


class Metrics:
    """MetricFlow writes the SQL; it runs in the warehouse of the pipeline."""

    def __init__(self, pipeline: Pipeline, folder: Path):
        document = folder / "semantic_manifest.json"
        SemanticManifest(manifest(DBT_PROJECT)).write_json_to_file(str(document))
        self.manifest = parse_manifest_from_dbt_generated_manifest(document.read_text())
        duckdb = SimpleNamespace(sql_engine_type=SqlEngine.DUCKDB, sql_plan_renderer=DuckDbSqlPlanRenderer())
        self.engine = MetricFlowEngine(SemanticManifestLookup(self.manifest), duckdb)
        self.pipeline = pipeline

    def ask(self, **question: Any) -> list[dict]:
        explained = self.engine.explain(MetricFlowQueryRequest.create(**question))
        return self.pipeline.query(explained.sql_statement.sql)

    def by(self, group: Iterable[str], metrics: Iterable[str]) -> dict[tuple, dict]:
        return keyed(self.ask(metric_names=list(metrics), group_by_names=list(group)), group)


def keyed(rows: list[dict], group: Iterable[str]) -> dict[tuple, dict]:
    """The rows by what they are grouped by. No group occurs twice."""
    found = {tuple(plain(row[name]) for name in group): row for row in rows}
    assert len(found) == len(rows)
    return found


def plain(value: Any) -> Any:
    """A day as text, whether it is a date or a timestamp."""
    return str(value)[:10] if hasattr(value, "isoformat") else value


def close(found: Any, expected: Any) -> bool:
    """Numbers that nothing gives are 0: MetricFlow has no row for a group without facts."""
    return float(found or 0) == pytest.approx(float(expected or 0), rel=1e-9, abs=1e-9)


def same(found: dict[tuple, dict], report: dict[tuple, dict], names: dict[str, str]) -> None:
    """`names`: the report's column of each metric. A group that only the report has is one in which nothing
    happened."""
    assert report and found.keys() <= report.keys()
    for group, row in report.items():
        asked = found.get(group, dict.fromkeys(names))
        for metric, column in names.items():
            assert close(asked[metric], row[column]), (group, metric)
    assert any(any(row[metric] for metric in names) for row in found.values())


@pytest.fixture(scope="module")
def metrics(tmp_path_factory) -> Metrics:
    pipeline = Pipeline(tmp_path_factory.mktemp("metrics"))
    write(merged(world(seed) for seed in range(20)), pipeline.landing)
    pipeline.run(as_of(0))
    return Metrics(pipeline, tmp_path_factory.mktemp("manifest"))


def report(metrics: Metrics, name: str, group: Iterable[str], where: str = "true") -> dict[tuple, dict]:
    return keyed(
        metrics.pipeline.query(f"select *, workspace_id as workspace from marts.{name} where {where}"), group
    )


SUMMARY = {
    "impressions": "impressions",
    "enrollments": "enrollments",
    "conversions": "conversions",
    "converted_enrollments": "conversions",
    "conversion_rate": "conversion_rate",
    "closed_conversion_rate": "closed_conversion_rate",
    "achievers": "achievers",
    "attributed_achievers": "attributed_achievers",
    "unattributed_achievers": "unattributed_achievers",
    "impact": "impact",
    "impact_first": "impact_first",
    "median_seconds_to_convert": "median_seconds_to_convert",
    "audience": "audience",
}
OF_SOURCE = {
    name: name
    for name in (
        "impressions",
        "not_eligible",
        "already_achieved",
        "already_enrolled",
        "enrollments",
        "conversions",
        "conversion_rate",
        "closed_conversion_rate",
        "journeys",
        "converted_journeys",
        "converted_journey_share",
        "converted_deliveries",
        "converted_delivery_share",
        "attributed_achievers",
        "attributed_achievements",
        "attributed_impact",
    )
}
PROGRESS = {name: name for name in ("achievers", "achievements", "impact", "impact_first")}
ENROLLMENT_PROGRESS = {name: name for name in ("impressions", "enrollments", "conversions")} | {
    "conversion_impact": "impact"
}
RUNNING = {name: name for name in ("running_achievers", "running_achievements", "running_impact")}
COHORTS = {
    "enrollments": "enrollments",
    "converted_enrollments": "conversions",
    "conversion_rate": "conversion_rate",
}
MODELS = ("first", "last", "linear", "position", "time_decay")
CREDITED = {f"credited_{model}": f"credit_{model}" for model in MODELS}
CREDITED_IMPACT = {f"credited_impact_{model}": f"impact_{model}" for model in MODELS}
OTHERS = {"closed_enrollments", "closed_conversions"}


def test_every_metric_is_compared_here(metrics: Metrics):
    compared = {
        name
        for names in (SUMMARY, OF_SOURCE, PROGRESS, ENROLLMENT_PROGRESS, RUNNING, COHORTS, CREDITED)
        for name in names
    }
    assert {metric.name for metric in metrics.manifest.metrics} == (
        compared | CREDITED_IMPACT.keys() | DERIVED | OTHERS
    )


def test_a_goals_metrics_are_those_of_its_summary(metrics: Metrics):
    same(metrics.by(GOAL, SUMMARY), report(metrics, "rpt_goal_summary", GOAL), SUMMARY)


def test_a_sources_metrics_are_those_of_its_performance(metrics: Metrics):
    found = metrics.by(SOURCE, OF_SOURCE)
    of_sources = {group: row for group, row in found.items() if group[-1] is not None}
    performance = report(metrics, "rpt_source_performance", SOURCE)
    # The report lists a source only if the goal's newest version does, or it has an impression.
    same(
        {group: of_sources[group] for group in of_sources.keys() & performance.keys()}, performance, OF_SOURCE
    )
    unlisted = [row for group, row in of_sources.items() if group not in performance]
    assert all(not row["impressions"] and not row["enrollments"] for row in unlisted)


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_by_period_the_metrics_are_those_of_progress_in_the_workspaces_calendar(
    metrics: Metrics, period: str
):
    when = f"metric_time__{period}"
    for name, names in (("rpt_goal_progress", PROGRESS), ("rpt_enrollment_progress", ENROLLMENT_PROGRESS)):
        rows = report(metrics, name, (*SERIES, "period_start"), f"period = '{period}'")
        same(metrics.by((*SERIES, when), names), rows, names)


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_what_runs_up_is_what_progress_says(metrics: Metrics, period: str):
    rows = report(metrics, "rpt_goal_progress", (*SERIES, "period_start"), f"period = '{period}'")
    found = metrics.by((*SERIES, f"metric_time__{period}"), RUNNING)
    # Workspaces east of UTC are a day ahead: MetricFlow goes on until that day for all of them.
    same({group: found[group] for group in found.keys() & rows.keys()}, rows, RUNNING)


def test_by_day_of_enrollment_the_metrics_are_those_of_cohorts(metrics: Metrics):
    rows = report(metrics, "rpt_goal_cohorts", (*SOURCE, "enrollment_day"))
    same(metrics.by((*SOURCE, "metric_time__day"), COHORTS), rows, COHORTS)


def test_the_credit_under_each_model_is_that_of_the_touches_until_as_of(metrics: Metrics):
    sums = ", ".join(
        f"sum(credit_{model}) as credit_{model}, "
        f"coalesce(sum(impact_value * credit_{model}), 0) as impact_{model}"
        for model in MODELS
    )
    rows = metrics.pipeline.query(
        f"select workspace_id as workspace, goal_id, source_id, {sums} from marts.fct_touches "
        "inner join marts.fct_achievements using (workspace_id, goal_id, achievement_id, achieved_at) "
        "where achieved_at <= (select as_of from control.clock) group by all"
    )
    names = CREDITED | CREDITED_IMPACT
    same(metrics.by(SOURCE, names), keyed(rows, SOURCE), names)


def test_closed_enrollments_and_their_conversions_give_the_closed_rate(metrics: Metrics):
    rows = metrics.by(GOAL, ["closed_enrollments", "closed_conversions", "closed_conversion_rate"]).values()
    closed = [row for row in rows if row["closed_enrollments"]]
    assert closed
    for row in closed:
        assert close(row["closed_conversion_rate"], row["closed_conversions"] / row["closed_enrollments"])


def test_quotients_are_those_of_the_reports_sums(metrics: Metrics):
    by_goal = metrics.by(GOAL, ["attributed_share", "achievements_per_achiever", "achievements"])
    for group, row in report(metrics, "rpt_goal_summary", GOAL).items():
        if row["achievers"]:
            share = row["attributed_achievers"] / row["achievers"]
            assert close(by_goal[group]["attributed_share"], share)
            per_person = by_goal[group]["achievements"] / row["achievers"]
            assert close(by_goal[group]["achievements_per_achiever"], per_person)
    by_source = metrics.by(SOURCE, ["impact_per_message", "impact_per_thousand_messages"])
    for group, row in report(metrics, "rpt_source_performance", SOURCE, "impressions > 0").items():
        per_message = float(row["attributed_impact"]) / row["impressions"]
        assert close(by_source[group]["impact_per_message"], per_message)
        assert close(by_source[group]["impact_per_thousand_messages"], 1000 * per_message)


def test_names_of_goals_sources_and_workspaces_multiply_nothing(metrics: Metrics):
    names = ["workspace__time_zone", "goal__name", "source__name", "profile__is_deleted"]
    for name in ("achievements", "impressions", "enrollments", "conversions", "converted_deliveries"):
        named = metrics.ask(metric_names=[name], group_by_names=names)
        assert len(named) > 1
        assert sum(row[name] for row in named) == metrics.ask(metric_names=[name])[0][name]


def test_every_saved_query_answers(metrics: Metrics):
    assert len(metrics.manifest.saved_queries) == 6
    for saved in metrics.manifest.saved_queries:
        assert metrics.ask(saved_query_name=saved.name), saved.name


def test_mf_answers_from_the_published_file_that_it_only_reads(metrics: Metrics, tmp_path: Path):
    home = metrics.pipeline.settings.home
    publish(metrics.pipeline.settings, "run")
    environment = os.environ | {
        "GOALPOST_WAREHOUSE": str(metrics.pipeline.settings.warehouse),
        "DBT_TARGET": "published",
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_LOG_PATH": str(tmp_path),
    }
    before = (home / "marts.duckdb").read_bytes()
    for command in (["dbt", "--quiet", "parse"], ["mf", "query", "--quiet", "--metrics", "achievers"]):
        done = subprocess.run(
            [Path(sys.executable).with_name(command[0]), *command[1:]],
            cwd=DBT_PROJECT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    achievers = metrics.ask(metric_names=["achievers"])[0]["achievers"]
    assert str(achievers) in done.stdout
    assert (home / "marts.duckdb").read_bytes() == before
