"""Malicious and faulty definitions in real runs: each affects only itself (quarantine, or no results), all
others continue; and what `goalpost goals apply` knows from a run's results (SEMANTICS, sections 2 to 4)."""

import json
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import duckdb
import hypothesis
import pytest
from hypothesis import given
from pipeline import Pipeline
from test_goals_reading import ANYTHING, LEAST

from orchestration.checks.suites import run_steps
from orchestration.goals.apply import apply
from orchestration.goals.reading import read_definition

AS_OF = datetime(2024, 12, 31)
NOW = datetime(2024, 12, 30, tzinfo=UTC)

PURCHASE = {"event": {"name": "purchase"}}
PAID = {"property": "plan", "op": "eq", "value": "paid"}
ODD = [
    "it's \"quoted\"; drop table raw.goals; --", "{{ 1 / 0 }} {% raw %} {# #}", "\x00\x01\x1f\x7f",
    "\U0001f600\u2028", "/", "/~2", "~", "", "a" * 5_000, "$.a", "$$", "\\", "%s {0} :x ?", "null", "NaN",
]  # fmt: skip
NUMBERS = [0, -0.0, 1e308, 5e-324, 10**300, -(10**18), 0.1, 1e16]

# Ann's are in the lists below; Bob's only look like it.
ANN_AND_BOB = {
    "ann": {"odd": "it's\x00{{", "number": "12.0", "flag": "true", "digits": "1.50"},
    "bob": {"odd": {"a": 1}, "number": [12], "flag": "True", "digits": 1.25},
}


def values(count: int) -> dict:
    return {"property": "email", "op": "in", "value": [f"v{number}" for number in range(count)]}


def exactly_one(segment: str, number: int) -> dict:
    """Either in the segment or with the property, not both: this cannot be simplified."""
    inner, other = {"segment": segment}, {"property": "n", "op": "gt", "value": number}
    return {"any": [{"all": [inner, {"not": other}]}, {"all": [{"not": inner}, other]}]}


def random_definitions() -> list[dict]:
    """Definitions that hypothesis finds and the reader accepts."""
    found: list[dict] = []

    @given(ANYTHING)
    @hypothesis.settings(max_examples=1_500, derandomize=True, database=None, deadline=None)
    def look(document):
        for definition in (
            LEAST | (document if isinstance(document, dict) else {}),
            LEAST | {"eligibility": document},
            LEAST | {"target": {"event": {"name": "purchase", "filter": document}}},
            LEAST | {"impact": document, "target": PURCHASE},
        ):
            text = json.dumps(definition)
            if read_definition(text).reason_code is None and "\\ud" not in text:
                found.append(definition)

    look()
    unlike = {json.dumps(definition, sort_keys=True): definition for definition in found}
    return sorted(unlike.values(), key=lambda each: (-len(json.dumps(each)), json.dumps(each)))[:150]


def odd_filters() -> list[dict]:
    return [
        {
            "all": [
                {"property": text, "op": op, "value": text},
                {"property": text, "op": "in", "value": ODD * 8},
            ]
        }
        for text in ODD
        for op in ("eq", "contains", "starts_with", "gt")
    ] + [
        {
            "any": [
                {"property": "n", "op": op, "value": number},
                {"property": "n", "op": "in", "value": NUMBERS * 20},
            ]
        }
        for number in NUMBERS
        for op in ("eq", "lt", "contains")
    ]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> Pipeline:
    """Two people, ann who pays and bob; a purchase and a message each; goals that count, and hostile ones."""
    pipeline = Pipeline(tmp_path_factory.mktemp("definitions"))
    rows: dict[str, list[dict]] = {}

    def land(table: str, **columns) -> None:
        rows.setdefault(table, []).append({"workspace_id": "w"} | columns)

    def goal(goal_id: str, target: dict = PURCHASE, *, at: str = "2024-01-01", **definition) -> None:
        definition = {"target": target, "measurement_window_days": 14, "sources": ["welcome", 7]} | definition
        land("goals", goal_id=goal_id, updated_at=at, definition=definition)

    def segment(segment_id: str, filter_: dict) -> None:
        land("segments", segment_id=segment_id, updated_at="2024-01-01", filter=filter_)

    for person, plan, email in (("ann", "paid", "v2"), ("bob", "free", "x")):
        for at, observed in (("2024-02-01", "free"), ("2024-03-02", plan)):
            properties = {"plan": observed, "email": email, "n": 12} | ANN_AND_BOB[person]
            land("profile_snapshots", profile_id=person, observed_at=at, properties=properties)
        land("events", event_id=person, profile_id=person, name="purchase", occurred_at="2024-03-03")
        land(
            "deliveries", delivery_id=person, profile_id=person, source_type="campaign", source_id="7",
            channel="email", sent_at="2024-03-01",
        )  # fmt: skip
    land(
        "sources", source_id="7", updated_at="2024-01-01", source_type="campaign", status="active",
        exit_condition="unmatched", trigger_filter={"segment": "x0"},
    )  # fmt: skip

    # good ones
    goal("buys", name="Buys")
    goal("pays", {"profile": PAID})
    goal("versioned", definition_policy="versioned", impact={"currency": "EUR", "value": 1})
    land("funnels", funnel_id="numbers", updated_at="2024-01-01", goal_ids=[7, 7.0, "buys"])
    goal("7")

    # each names the next one twice
    for number in range(25):
        segment(f"s{number}", {"all": [{"segment": f"s{number + 1}"}, {"segment": f"s{number + 1}"}]})
    segment("s25", PAID)
    goal("doubling", {"profile": {"segment": "s0"}})
    goal("doubling event", {"event": {"name": "purchase", "filter": {"segment": "s0"}}})
    goal("long list", {"profile": values(10_000)})
    for name, wanted in (
        ("odd", ["it's\x00{{", '{"a":1}']),
        ("number", [12]),
        ("flag", [True]),
        ("digits", ["1.50"]),
    ):
        many = {"property": name, "op": "in", "value": [f"other {number}" for number in range(120)] + wanted}
        goal(f"long list: {name}", {"profile": many})

    # these must fail, and nothing else
    goal("too long a list", {"profile": values(200_000)})
    goal("too many", {"profile": {"any": [PAID | {"value": number} for number in range(1_001)]}})
    for number in range(25):
        segment(f"x{number}", exactly_one(f"x{number + 1}", number))
    segment("x25", PAID)
    goal("exponential", {"profile": {"segment": "x0"}})
    goal(
        "exponential leave",
        {"event": {"name": "purchase"}, "profile": {"segment": "x0"}, "transition": "leave"},
    )
    goal("exponential event", {"event": {"name": "purchase", "filter": {"not": {"segment": "x0"}}}})
    goal("misspelled", tagret=1)
    for number, filter_ in enumerate(odd_filters()):
        goal(f"odd {number}", {"profile": filter_}, name=ODD[number % len(ODD)])
        goal(f"odd event {number}", {"event": {"name": ODD[number % len(ODD)], "filter": filter_}})
    for number, definition in enumerate(random_definitions()):
        land("goals", goal_id=f"random {number}", updated_at="2024-01-01", definition=definition)

    for table, landed in rows.items():
        folder = pipeline.landing / table
        folder.mkdir(parents=True)
        (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in landed))
    definition = '{"target": ' + '{"a":' * 5_000 + "1" + "}" * 5_000 + "}"
    (pipeline.landing / "goals" / "deep.jsonl").write_text(
        json.dumps(
            {"workspace_id": "w", "goal_id": "deep", "updated_at": "2024-01-01", "definition": definition}
        )
    )
    pipeline.run(AS_OF)
    return pipeline


def achievers(pipeline: Pipeline, goal_id: str) -> set[str]:
    return {row["profile_id"] for row in pipeline.mart("fct_achievements") if row["goal_id"] == goal_id}


def test_goals_beside_hostile_ones_count_what_they_counted(pipeline):
    assert achievers(pipeline, "buys") == {"ann", "bob"}
    assert achievers(pipeline, "pays") == {"ann"}
    assert {row["profile_id"] for row in pipeline.mart("fct_enrollments") if row["goal_id"] == "buys"} == {
        "ann", "bob",
    }  # fmt: skip


def test_twenty_five_segments_that_each_name_the_next_one_twice_count_right(pipeline):
    assert achievers(pipeline, "doubling") == achievers(pipeline, "doubling event") == {"ann"}
    members = {row["segment_id"]: row["members"] for row in pipeline.mart("rpt_segment_performance")}
    assert members["s0"] == 1


def test_a_list_of_ten_thousand_values_counts_and_a_longer_one_is_quarantined_with_what_to_do(pipeline):
    assert achievers(pipeline, "long list") == {"ann"}
    for name in ("odd", "number", "flag", "digits"):
        assert achievers(pipeline, f"long list: {name}") == {"ann"}, name
    found = {row["goal_id"]: row for row in pipeline.query("select * from quarantine.goals")}
    refused = {goal: found[goal]["reason_code"] for goal in ("too long a list", "too many")}
    assert refused == dict.fromkeys(refused, "bad_filter")
    assert found["too long a list"]["problem"].endswith(
        "value: more than 10,000 values: land them as a property or a segment"
    )
    assert "more than 1,000 conditions" in found["too many"]["problem"]
    assert found["deep"]["reason_code"] in ("bad_json", "bad_filter")


def test_what_is_too_large_with_its_segments_counts_nothing_and_a_check_tells_it(pipeline):
    for goal in ("exponential", "exponential leave", "exponential event"):
        assert achievers(pipeline, goal) == set()
    exits = [row["exit_reason"] for row in pipeline.mart("fct_journey_exits")]
    assert exits == []
    told = {
        f"{result.suite}.{result.expectation}": result.figures
        for result in run_steps(pipeline.settings, ["intermediate"])
        if not result.success
    }
    assert set(told) == {
        "intermediate.int_filters.every_filter_is_computed",
        "intermediate.int_goal_versions.no_key_is_unknown",
    }
    assert "more than 1,000 conditions with its segments written out" in json.dumps(told)
    assert "tagret" in json.dumps(told) or "unknown_keys" in json.dumps(told)


def test_every_odd_name_and_value_that_is_accepted_is_in_force(pipeline):
    in_force = {row["goal_id"] for row in pipeline.mart("dim_goals")}
    odd = {f"odd {number}" for number in range(len(odd_filters()))}
    quarantined = {row["goal_id"]: row["problem"] for row in pipeline.query("select * from quarantine.goals")}
    assert odd - in_force - set(quarantined) == set()
    assert {goal: quarantined[goal] for goal in odd & set(quarantined)} == {}
    assert len([goal for goal in in_force if goal.startswith("random")]) > 50


def test_whole_numbers_are_ids_in_sources_and_funnels(pipeline):
    steps = [row for row in pipeline.mart("rpt_goal_funnel") if row["funnel_id"] == "numbers"]
    assert [row["goal_id"] for row in sorted(steps, key=lambda row: row["step"])] == ["7", "7", "buys"]
    sources = {row["goal_id"]: row["sources"] for row in pipeline.mart("dim_goals")}
    assert sources["buys"] == ["welcome", "7"]


# --- apply knows the landed rows


GOALS = """\
workspace: w
goals:
  buys:
    name: Buys again
    target: {event: {name: purchase}}
    measurement_window_days: 14
    sources: [welcome, 7]
"""


@pytest.fixture
def applied(pipeline, tmp_path):
    """Applies a text, each a second later; each test has its own landing, so that it does not see another's
    rows."""
    settings = pipeline.settings.model_copy(update={"landing": str(tmp_path / "landing")})
    seconds = count()

    def applied_(text: str):
        path = tmp_path / "goals.yml"
        path.write_text(text)
        return apply([path], settings, NOW + timedelta(seconds=next(seconds)))

    return applied_


def findings(found) -> list[str]:
    return [f"{finding.path.name}:{finding.line}: {finding.text}" for finding in found]


def test_apply_lets_a_locked_goal_change_all_but_its_core(applied):
    report = applied(GOALS.replace("[welcome, 7]", "[7]").replace("Buys again", "Renamed"))
    assert (report.errors, report.warnings, report.note) == ((), (), None)
    assert len(report.landed_files) == 1


def test_apply_refuses_another_core_of_a_locked_goal_and_says_since_when_and_what_to_do(applied, tmp_path):
    report = applied(GOALS.replace("days: 14", "days: 30"))
    assert findings(report.errors) == [
        "goals.yml:6: goals.buys.measurement_window_days: eligibility, target, evaluation window and "
        "measurement window of this goal are locked since its first message was sent, at 2024-03-01 "
        "00:00:00 UTC; nothing of this goal is applied, a new name or source neither. Put "
        "measurement_window_days back "
        "to change the rest, or make a new goal under another id (with `definition_policy: versioned`, to be "
        "able to edit it later) and archive this one"
    ]
    assert not (tmp_path / "landing").exists()


def test_apply_refuses_another_policy_and_another_currency_than_the_first_rows(applied):
    policy = applied(GOALS.replace("    name", "    definition_policy: versioned\n    name"))
    assert findings(policy.errors) == [
        "goals.yml:4: goals.buys.definition_policy: 'versioned' is not 'locked', which this goal began with "
        "and keeps; put 'locked' back, or make a new goal under another id"
    ]
    currency = applied(
        GOALS.replace("  buys", "  versioned").replace(
            "    name", "    definition_policy: versioned\n    impact: {value: 2}\n    name"
        )
    )
    assert findings(currency.errors) == [
        "goals.yml:5: goals.versioned.impact.currency: 'USD' is not 'EUR', which this goal began with and "
        "keeps; put 'EUR' back, or make a new goal under another id"
    ]


def test_apply_warns_of_sources_and_workspaces_that_no_row_names(applied):
    text = GOALS.replace("buys", "new").replace("[welcome, 7]", "[7,\n      wellcome]")
    assert findings(applied(text).warnings) == [
        "goals.yml:8: goals.new.sources[1]: no row that has landed names the source 'wellcome'"
    ]
    assert findings(applied(text.replace("workspace: w", "workspace: W")).warnings) == [
        "goals.yml:1: workspace: no row that has landed names 'W'; they name w"
    ]


def test_apply_knows_the_segments_and_goals_that_landed_by_other_ways(applied):
    text = "workspace: w\nsegments:\n  s: {filter: {any: [{segment: s0}, {segment: nowhere}]}}\n"
    report = applied(text + "funnels:\n  f: {goals: [buys, nothing]}\n")
    assert findings(report.warnings) == [
        "goals.yml:3: segments.s.filter.any[1].segment: no segment 'nowhere' in these files, and none has "
        "landed: nobody is in it",
        "goals.yml:5: funnels.f.goals[1]: no goal 'nothing' in these files, and none has landed: nobody "
        "reaches it",
    ]
    too_large = applied("workspace: w\nsegments:\n  s:\n    filter: {segment: x0}\n")
    assert ["goals.yml:4: segments.s.filter: more than 1,000 conditions with its segments" in each
            for each in findings(too_large.errors)] == [True]  # fmt: skip


def test_apply_asks_the_published_marts_while_a_run_writes_and_waits_for_nobody(applied, pipeline):
    changed = GOALS.replace("days: 14", "days: 30")
    published = pipeline.settings.published
    try:
        with writing(pipeline):
            started = datetime.now()
            report = applied(changed)
            assert report.errors == ()
            assert "A run is writing just now, and there are no published marts to ask instead" in report.note
        with duckdb.connect(published) as connection:
            connection.execute(f"attach '{pipeline.settings.warehouse_marts}' as working (read_only)")
            for mart in ("dim_goals", "dim_segments", "dim_sources", "fct_impressions"):
                connection.execute(f"create table {mart} as from working.{mart}")
        with writing(pipeline):
            report = applied(changed)
            assert "locked since its first message was sent, at 2024-03-01" in findings(report.errors)[0]
            assert "judged by the published marts" in report.note
            assert datetime.now() - started < timedelta(seconds=20)
    finally:
        published.unlink(missing_ok=True)


@contextmanager
def writing(pipeline: Pipeline):
    """As a run does: in another process, because within one process DuckDB shares open files."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(pipeline.settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline() == b"open\n"
        yield
    finally:
        process.communicate()
