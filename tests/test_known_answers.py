"""Hillstrom's e-mail test, from landed rows to the mart: its published counts give these figures.

64,000 customers of a shop were assigned at random to an e-mail with men's goods, one with women's goods, or
none (Kevin Hillstrom, "The MineThatData E-Mail Analytics And Data Mining Challenge", 2008). The men's e-mail:
21,307 people, 267 of them bought; no e-mail: 21,306 people, 122 bought.
"""

import json
from datetime import datetime

import pyarrow
import pyarrow.parquet
import pytest
from pipeline import Pipeline
from statsmodels.duration.survfunc import SurvfuncRight

PEOPLE = {"treatment": (21307, 267), "control": (21306, 122)}
DEFINITION = {
    "target": {"event": {"name": "conversion"}},
    "measurement_window_days": 14,
    "sources": ["mens-email"],
    "impact": {"event_property": "spend"},
}


def land(pipeline: Pipeline, table: str, **columns) -> None:
    """One Parquet file; a value that is no list stands in every row."""
    rows = max(len(values) for values in columns.values() if isinstance(values, list))
    filled = {
        name: values if isinstance(values, list) else [values] * rows for name, values in columns.items()
    }
    (pipeline.landing / table).mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(filled), pipeline.landing / table / "rows.parquet")


@pytest.fixture(scope="module")
def hillstrom(tmp_path_factory) -> Pipeline:
    pipeline = Pipeline(tmp_path_factory.mktemp("hillstrom"))
    people = [(arm, number) for arm, (size, _) in PEOPLE.items() for number in range(size)]
    buyers = [f"{arm} {number}" for arm, number in people if number < PEOPLE[arm][1]]
    land(
        pipeline,
        "goals",
        workspace_id="shop",
        goal_id=["bought"],
        updated_at="2008-01-01",
        definition=json.dumps(DEFINITION),
    )
    land(
        pipeline,
        "experiments",
        workspace_id="shop",
        experiment_id=["mens-email"],
        updated_at="2008-01-01",
        source_id="mens-email",
        expected_control_share="0.5",
    )
    land(
        pipeline,
        "holdouts",
        workspace_id="shop",
        experiment_id="mens-email",
        profile_id=[f"{arm} {number}" for arm, number in people],
        arm=[arm for arm, _ in people],
        assigned_at="2008-03-01",
    )
    land(
        pipeline,
        "events",
        workspace_id="shop",
        event_id=buyers,
        profile_id=buyers,
        name="conversion",
        occurred_at=[f"2008-03-{2 + place % 13:02}" for place in range(len(buyers))],
        properties='{"spend": 100}',
    )
    land(
        pipeline,
        "deliveries",
        workspace_id="shop",
        delivery_id=[f"to {number}" for number in range(21307)],
        profile_id=[f"treatment {number}" for number in range(21307)],
        source_type="campaign",
        source_id="mens-email",
        channel="email",
        sent_at=[f"2008-03-0{1 + number % 9}" for number in range(21307)],
    )
    pipeline.run(datetime(2008, 3, 20))
    return pipeline


@pytest.mark.parametrize("horizon", ["to_date", "window"])
def test_the_mens_email_made_more_people_buy(hillstrom, horizon):
    (row,) = hillstrom.query(f"select * from marts.rpt_goal_lift where horizon = '{horizon}'")
    counts = {name: row[name] for name in row if name.endswith(("profiles", "achievers", "conflicting"))}
    assert counts == {
        "conflicting": 0,
        "treatment_profiles": 21307,
        "treatment_achievers": 267,
        "control_profiles": 21306,
        "control_achievers": 122,
        "incremental_achievers": pytest.approx(144.994274),
    }
    known = {
        "difference": 0.0068050,
        "wald_lower": 0.0050002,
        "wald_upper": 0.0086098,
        "newcombe_lower": 0.0050143,
        "newcombe_upper": 0.0086407,
        "always_valid_lower": 0.0038394,
        "always_valid_upper": 0.0097706,
        "impact_difference": 0.680501,
    }
    assert {name: row[name] for name in known} == pytest.approx(known, abs=5e-8, rel=1e-6)
    assert row["z"] == pytest.approx(7.3851, abs=5e-5)
    assert row["sample_ratio_p"] == pytest.approx(0.996135, abs=5e-7)
    assert (row["verdict"], row["p"] < 1e-12, row["adjusted_p"] == row["p"]) == ("positive", True, True)


def test_the_conversion_curve_is_that_of_statsmodels(hillstrom):
    """Windows opened over nine days; as of the 20th, those of the last days are still open."""
    enrollments = hillstrom.query("""
        select
            (coalesce(converted_at, least(window_ends_at, timestamp '2008-03-20')) - enrolled_at) as time,
            converted_at is not null as has_converted
        from marts.fct_enrollments
    """)
    estimate = SurvfuncRight(
        [row["time"].days for row in enrollments], [row["has_converted"] for row in enrollments]
    )
    curve = {
        row["day"]: row
        for row in hillstrom.query("select * from marts.rpt_conversion_curve where source_id is null")
    }
    assert len(estimate.surv_times) > 10
    for day, remaining, at_risk in zip(estimate.surv_times, estimate.surv_prob, estimate.n_risk, strict=True):
        assert curve[day]["converted_share"] == pytest.approx(1 - remaining, rel=1e-9)
        assert curve[day]["at_risk"] == at_risk
