"""The intervals of experiments keep what they promise: simulated experiments whose truth is known, with the
functions that the marts use (orchestration/lift.py). Slow, so on request only (CONTRIBUTING.md):

    GOALPOST_SIMULATION=1 .venv/bin/pytest tests/test_simulation.py

GOALPOST_SIMULATION=plot also writes docs/peeking.svg, from the same seed.
"""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pipeline import Pipeline
from test_known_answers import land

from orchestration.lift import Arm, always_valid, figures, newcombe, pooled_test

MODE = os.environ.get("GOALPOST_SIMULATION")
pytestmark = pytest.mark.skipif(
    not MODE, reason="proof by simulation takes minutes: GOALPOST_SIMULATION=1 runs it"
)

SEED = 20260301
EXPERIMENTS, DAYS, PEOPLE_A_DAY, RATE, ALPHA = 2000, 60, 100, 0.1, 0.05
PLOT = Path(__file__).parents[1] / "docs" / "peeking.svg"


def looks(treatment_rate: float, control_rate: float) -> tuple[Arm, Arm]:
    """Experiments by days: each arm gets PEOPLE_A_DAY / 2 people a day, and is looked at every evening."""
    dice = np.random.default_rng(SEED)
    sizes = np.arange(1, DAYS + 1) * PEOPLE_A_DAY // 2
    arms = []
    for rate in (treatment_rate, control_rate):
        achievers = dice.binomial(PEOPLE_A_DAY // 2, rate, (EXPERIMENTS, DAYS)).cumsum(axis=1)
        arms.append(Arm(np.broadcast_to(sizes, achievers.shape), achievers))
    return arms[0], arms[1]


def excludes(interval, truth: float = 0.0) -> np.ndarray:
    low, high = interval
    return (low > truth) | (high < truth)


def ever(found: np.ndarray) -> np.ndarray:
    """By day: the share of the experiments in which it was found on that day or before."""
    return np.maximum.accumulate(found, axis=1).mean(axis=0)


def false_alarms() -> tuple[np.ndarray, np.ndarray]:
    """Of A/A experiments, by day: those called a difference so far: by a naive look, and always-valid."""
    treatment, control = looks(RATE, RATE)
    with np.errstate(all="ignore"):
        _, p = pooled_test(treatment, control)
        return ever(p < ALPHA), ever(excludes(always_valid(treatment, control, ALPHA)))


def test_peeking_every_day_for_60_days_makes_noise_a_win_naively_but_never_always_validly():
    naive, valid = false_alarms()
    print(f"A/A, a look a day: naive {naive[-1]:.1%}, always valid {valid[-1]:.1%}")
    assert naive[-1] > 0.25
    assert valid[-1] <= ALPHA
    if MODE == "plot":
        PLOT.write_text(drawn(naive, valid))


def test_the_always_valid_interval_holds_the_truth_at_all_looks_also_where_there_is_a_difference():
    treatment, control = looks(0.13, 0.1)
    with np.errstate(all="ignore"):
        interval = always_valid(treatment, control, ALPHA)
    assert ever(excludes(interval, truth=0.03))[-1] <= ALPHA
    assert ever(excludes(interval))[-1] > 0.5  # and it finds most of them


@pytest.mark.parametrize("rates", [(0.0125, 0.0057), (0.1, 0.1), (0.5, 0.4)])
def test_newcombes_interval_covers_the_truth_in_94_to_96_percent(rates):
    dice = np.random.default_rng(SEED)
    arms = [
        Arm(size, dice.binomial(size, rate, 200_000)) for size, rate in zip((2500, 2000), rates, strict=True)
    ]
    covered = 1 - excludes(newcombe(arms[0], arms[1], ALPHA), truth=rates[0] - rates[1]).mean()
    print(f"Newcombe at {rates}: covers {covered:.2%}")
    assert 0.94 <= covered <= 0.96


def test_the_conversion_curve_has_no_bias_where_the_plain_share_has():
    """Enrollments over 60 days, half of them convert within a 30-day window; seen on day 60, the windows of
    the last month are open. The curve by the rule of rpt_conversion_curve."""
    dice = np.random.default_rng(SEED)
    converts_in = np.where(dice.random((500, 2000)) < 0.5, dice.uniform(0, 30, (500, 2000)), np.inf)
    watched = np.minimum(60 - dice.uniform(0, 60, (500, 2000)), 30)
    estimates, plain = np.zeros((500, 31)), np.zeros((500, 31))
    remaining = np.ones(500)
    for day in range(31):
        ends = np.floor(np.minimum(converts_in, watched))
        at_risk = (ends >= day).sum(axis=1)
        conversions = ((ends == day) & (converts_in <= watched)).sum(axis=1)
        remaining = remaining * np.where(at_risk > 0, 1 - conversions / np.maximum(at_risk, 1), 1)
        estimates[:, day] = 1 - remaining
        plain[:, day] = ((ends <= day) & (converts_in <= watched)).mean(axis=1)
    truth = np.minimum(np.arange(1, 32) / 60, 0.5)
    bias, plain_bias = estimates.mean(axis=0) - truth, plain.mean(axis=0) - truth
    print(f"bias on day 29: curve {bias[29]:+.4f}, plain share {plain_bias[29]:+.4f}")
    assert np.abs(bias[:30]).max() < 0.01
    assert plain_bias[29] < -0.1


def test_cuped_keeps_the_estimate_and_narrows_the_interval():
    dice = np.random.default_rng(SEED)
    experiments, people, effect = 1000, 1000, 0.5
    found = []
    for _ in range(experiments):
        before = dice.gamma(2, 10, (2, people))
        spent = 0.8 * before + dice.normal(0, 5, (2, people))
        spent[0] += effect
        arms = [
            Arm(
                people,
                people // 2,
                impact_mean=spent[arm].mean(),
                impact_variance=spent[arm].var(ddof=1),
                covariate_mean=before[arm].mean(),
                covariate_variance=before[arm].var(ddof=1),
                covariance=np.cov(spent[arm], before[arm])[0, 1],
            )
            for arm in (0, 1)
        ]
        found.append(figures(arms[0], arms[1], ALPHA, 0.5))
    plain, adjusted = (
        np.array([[float(each[f"{name}{end}"]) for end in ("", "_lower", "_upper")] for each in found])
        for name in ("impact_difference", "adjusted_impact_difference")
    )
    widths = [(each[:, 2] - each[:, 1]).mean() for each in (plain, adjusted)]
    covered = [1 - excludes((each[:, 1], each[:, 2]), truth=effect).mean() for each in (plain, adjusted)]
    print(
        f"CUPED: mean {adjusted[:, 0].mean():.3f}, width {widths[1] / widths[0]:.0%}, covers {covered[1]:.1%}"
    )
    assert adjusted[:, 0].mean() == pytest.approx(effect, abs=0.02)
    assert widths[1] < 0.5 * widths[0]
    assert 0.93 < covered[1] < 0.97


def test_a_broken_split_is_called_so():
    treatment, control = Arm(9463, 900), Arm(7681, 700)
    row = figures(treatment, control, ALPHA, 0.5)
    assert str(row["verdict"]) == "sample_ratio_mismatch"


def test_a_split_that_is_right_is_called_broken_once_in_a_thousand_times():
    dice = np.random.default_rng(SEED)
    control = dice.binomial(20_000, 0.1, 100_000)
    row = figures(Arm(20_000 - control, 1000), Arm(control, 100), ALPHA, 0.1)
    assert 0.0005 < (row["verdict"] == "sample_ratio_mismatch").mean() < 0.0015


# ---- through the pipeline ----------------------------------------------------------------------------------

BEGINNING, END = datetime(2026, 1, 1), datetime(2026, 3, 2)  # sixty days


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Pipeline:
    """40 A/A experiments, one with a covariate and an effect of 2, one with a broken split; and messages over
    sixty days, after which half of the people buy within thirty."""
    pipeline, dice = Pipeline(tmp_path_factory.mktemp("simulation")), np.random.default_rng(SEED)
    goal = {"target": {"event": {"name": "purchase"}}, "measurement_window_days": 30, "sources": ["news"]}
    goal["impact"] = {"event_property": "total"}
    people: list[tuple[str, str, str]] = [  # experiment, person, arm
        (f"aa {number}", f"aa {number} {person}", ("treatment", "control")[person % 2])
        for number in range(40)
        for person in range(400)
    ]
    buyers = {person: 1.0 for _, person, _ in people if dice.random() < RATE * 2}
    before = {}
    for number in range(1000):
        person, arm = f"cuped {number}", ("treatment", "control")[number % 2]
        people.append(("cuped", person, arm))
        before[person] = round(dice.gamma(2, 10), 2)
        buyers[person] = round(10 + 0.8 * before[person] + dice.normal(0, 5) + 2 * (arm == "treatment"), 2)
    for arm, size in (("treatment", 9463), ("control", 7681)):
        people += [("broken", f"broken {arm} {number}", arm) for number in range(size)]
    sends = [BEGINNING + timedelta(days=float(day)) for day in dice.uniform(0, 60, 4000)]
    bought = [
        (f"reader {number}", sent + timedelta(days=float(dice.uniform(0, 30))))
        for number, sent in enumerate(sends)
        if dice.random() < 0.5
    ]
    everywhere = {"workspace_id": "simulation"}
    land(
        pipeline,
        "goals",
        goal_id=["bought"],
        updated_at="2025-01-01",
        definition=json.dumps(goal),
        **everywhere,
    )
    land(
        pipeline,
        "experiments",
        experiment_id=["cuped", "broken"],
        updated_at="2025-01-01",
        covariate=["before", None],
        **everywhere,
    )
    land(
        pipeline,
        "holdouts",
        experiment_id=[experiment for experiment, _, _ in people],
        profile_id=[person for _, person, _ in people],
        arm=[arm for _, _, arm in people],
        assigned_at="2026-01-10",
        expected_control_share="0.5",
        **everywhere,
    )
    land(
        pipeline,
        "profile_snapshots",
        profile_id=list(before),
        observed_at="2026-01-01",
        properties=[json.dumps({"before": value}) for value in before.values()],
        **everywhere,
    )
    land(
        pipeline,
        "deliveries",
        delivery_id=[str(number) for number in range(len(sends))],
        profile_id=[f"reader {number}" for number in range(len(sends))],
        source_type="campaign",
        source_id="news",
        channel="email",
        sent_at=[sent.isoformat() for sent in sends],
        **everywhere,
    )
    land(
        pipeline,
        "events",
        event_id=[*buyers, *(person for person, _ in bought)],
        profile_id=[*buyers, *(person for person, _ in bought)],
        name="purchase",
        occurred_at=["2026-01-12"] * len(buyers) + [moment.isoformat() for _, moment in bought],
        properties=[json.dumps({"total": total}) for total in [*buyers.values(), *[0] * len(bought)]],
        **everywhere,
    )
    pipeline.run(END)
    return pipeline


def test_in_the_mart_noise_is_no_win_and_a_broken_split_is_called_so(simulated):
    rows = simulated.query("select * from marts.rpt_goal_lift where horizon = 'to_date'")
    verdicts = {row["experiment_id"]: row["verdict"] for row in rows}
    assert len(verdicts) == 42
    assert [name for name, verdict in verdicts.items() if verdict == "sample_ratio_mismatch"] == ["broken"]
    assert sum(verdicts[f"aa {number}"] != "undecided" for number in range(40)) <= 2


def test_in_the_mart_cuped_keeps_the_effect_and_narrows_its_interval(simulated):
    (row,) = simulated.query(
        "select * from marts.rpt_goal_lift where experiment_id = 'cuped' and horizon = 'window'"
    )
    adjusted = row["adjusted_impact_difference_lower"], row["adjusted_impact_difference_upper"]
    assert adjusted[0] < 2 < adjusted[1]
    assert adjusted[1] - adjusted[0] < 0.5 * (row["impact_difference_upper"] - row["impact_difference_lower"])
    assert row["theta"] == pytest.approx(0.8, abs=0.05)


def test_in_the_mart_the_curve_is_near_the_truth_where_the_plain_share_is_far_off(simulated):
    curve = simulated.query("select * from marts.rpt_conversion_curve where source_id is null order by day")
    errors = [row["converted_share"] - min(row["day"] + 1, 30) / 60 for row in curve]
    print(f"in the mart, day 29: curve {errors[29]:+.4f}, plain share {curve[29]['plain_share'] - 0.5:+.4f}")
    assert max(map(abs, errors)) < 0.03
    assert curve[29]["plain_share"] < 0.4 < curve[29]["converted_share_lower"] < 0.5


# ---- the plot for the docs ---------------------------------------------------------------------------------


def drawn(naive: np.ndarray, valid: np.ndarray) -> str:
    """The shares of false alarms by day as an SVG, small enough to read in a diff."""
    width, height, left, top = 640, 300, 60, 20
    most = 0.5

    def point(day: int, share: float) -> str:
        return f"{left + day * width / DAYS:.1f},{top + height * (1 - share / most):.1f}"

    def line(shares: np.ndarray, colour: str) -> str:
        points = " ".join(point(day + 1, share) for day, share in enumerate(shares))
        return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'

    def words(text: str, x: float, y: float, anchor: str = "start", colour: str = "#333") -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'

    grid = []
    for percent in range(0, 51, 10):
        y = top + height * (1 - percent / 100 / most)
        grid.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        grid.append(words(f"{percent} %", left - 8, y + 4, "end"))
    for day in range(0, DAYS + 1, 10):
        grid.append(words(str(day), left + day * width / DAYS, top + height + 18, "middle"))
    limit = top + height * (1 - ALPHA / most)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {top + height + 50}" '
            'font-family="sans-serif" font-size="13">',
            f"<title>Of {EXPERIMENTS:,} experiments without an effect, those called a difference</title>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            *grid,
            f'<line x1="{left}" x2="{left + width}" y1="{limit:.0f}" y2="{limit:.0f}" stroke="#333" '
            'stroke-dasharray="5 4"/>',
            line(naive, "#c0392b"),
            line(valid, "#1f6f8b"),
            words(f"p &lt; 0.05 on some day: {naive[-1]:.1%}", left + 250, top + 60, "start", "#c0392b"),
            words(
                f"always-valid interval excludes 0 on some day: {valid[-1]:.1%}",
                *(left + 250, top + height - 40, "start", "#1f6f8b"),
            ),
            words("promised: at most 5 %", left + 8, limit - 6),
            words("days looked at", left + width / 2, top + height + 40, "middle"),
            "</svg>\n",
        ]
    )
