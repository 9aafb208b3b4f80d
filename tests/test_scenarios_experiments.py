"""Sections 10 and 11: experiments and the conversion curve, as of midnight at the end of 30 December 2024."""

from decimal import Decimal

import pytest
from scenarios import (
    AS_OF,
    BECOMES_PAID,
    PURCHASE,
    a_microsecond_after,
    a_microsecond_before,
    moment_text,
    scenario,
)

NOW = moment_text(AS_OF)
LATER = a_microsecond_after(NOW)


def to_date(marts, **values):
    return marts.rpt_goal_lift.where(horizon="to_date", **values).one


def within(marts, **values):
    return marts.rpt_goal_lift.where(horizon="window", **values).one


def profiles(row) -> tuple[int, int]:
    return row["treatment_profiles"], row["control_profiles"]


def achievers(row) -> tuple[int, int]:
    return row["treatment_achievers"], row["control_achievers"]


def achieved_before(row) -> tuple[int, int]:
    return row["treatment_achieved_before"], row["control_achieved_before"]


# -- who is assigned


@scenario
def test_whoever_is_assigned_counts_in_the_arm_assigned_whatever_was_delivered(story):
    story.goal()
    story.holdout("ann", "treatment")
    story.holdout("bob", "control")
    story.delivery("to the control", "2024-03-01", person="bob")
    story.event("purchase", "2024-03-02", person="bob")
    marts = yield
    row = to_date(marts)
    assert (profiles(row), achievers(row)) == ((1, 1), (0, 1))


@scenario
def test_a_source_with_trapped_deliveries_is_an_experiment_by_itself(story):
    story.goal()
    story.delivery("trapped", "2024-03-01", person="ann", is_holdout=True)
    story.delivery("sent", "2024-03-01", person="bob")
    story.delivery("another source", "2024-03-01", person="cid", source="news")
    story.event("purchase", "2024-03-02", person="ann")
    marts = yield
    row = to_date(marts)
    assert (row["experiment_id"], row["source_id"]) == ("holdout:welcome", "welcome")
    assert (profiles(row), achievers(row)) == ((1, 1), (0, 1))


@scenario
def test_the_first_trapped_or_sent_delivery_assigns(story):
    story.goal(measurement_window_days=1)
    for person, held_out in (("ann", None), ("bob", True)):
        story.delivery(f"second of {person}", "2024-03-05", person=person, is_holdout=held_out)
        story.delivery(f"first of {person}", "2024-03-01", person=person, is_holdout=held_out)
        story.event("purchase", "2024-03-02", person=person)
    marts = yield
    assert achievers(within(marts)) == (1, 1)


@scenario
def test_neither_an_anonymous_delivery_assigns_nor_one_that_was_never_sent(story):
    story.goal()
    story.delivery("trapped", "2024-03-01", person="ann", is_holdout=True)
    story.delivery("anonymous", "2024-03-01", person="bob", is_anonymous=True)
    story.delivery("never sent", None, person="cid")
    story.delivery("reported", None, person="dan")
    story.engagement("sent", "reported", "2024-03-01")
    story.delivery("only an unsent trap", None, source="news", person="eve", is_holdout=True)
    story.delivery("sent", "2024-03-01", source="news", person="eve")
    marts = yield
    assert profiles(to_date(marts)) == (1, 1)
    assert {row["experiment_id"] for row in marts.rpt_goal_lift} == {"holdout:welcome"}


@scenario
def test_any_sent_delivery_of_the_source_assigns_also_one_that_bounced_or_is_no_impression(story):
    story.goal()
    story.delivery("trapped", "2024-03-01", person="ann", is_holdout=True)
    story.delivery("bounced", "2024-03-01", person="bob")
    story.engagement("bounced", "bounced", "2024-03-01")
    story.delivery("to a chat", "2024-03-01", person="cid", channel="slack")
    marts = yield
    assert profiles(to_date(marts)) == (2, 1)


@scenario
def test_a_profile_in_both_arms_is_in_neither_and_counted_as_conflicting_in_both_horizons(story):
    story.goal()
    story.holdout("ann", "treatment", sequence=1)
    story.holdout("ann", "control", sequence=1)
    story.holdout("bob", "control")
    marts = yield
    for row in (to_date(marts), within(marts)):
        assert (profiles(row), row["conflicting"]) == ((0, 1), 1)


@scenario
def test_only_the_rows_with_the_highest_sequence_can_conflict(story):
    story.goal()
    story.holdout("ann", "treatment")
    story.holdout("ann", "control", sequence=1)
    story.holdout("bob", "treatment", sequence=0)
    story.holdout("bob", "control")
    marts = yield
    row = to_date(marts)
    assert (profiles(row), row["conflicting"]) == ((0, 1), 1)


@scenario
def test_a_profile_with_a_trapped_and_a_sent_delivery_is_conflicting(story):
    story.goal()
    story.delivery("trapped", "2024-03-01", person="ann", is_holdout=True)
    story.delivery("sent", "2024-03-09", person="ann")
    story.delivery("trapped too", "2024-03-01", person="bob", is_holdout=True)
    story.delivery("sent later than now", LATER, person="bob")
    marts = yield
    row = to_date(marts)
    assert (profiles(row), row["conflicting"]) == ((0, 1), 1)


@scenario
def test_holdouts_and_trapped_deliveries_of_one_experiment_are_counted_together(story):
    story.goal()
    story.delivery("trapped", "2024-03-01", person="ann", is_holdout=True)
    story.holdout("ann", "treatment", experiment="holdout:welcome")
    story.holdout("bob", "treatment", experiment="holdout:welcome")
    marts = yield
    row = to_date(marts)
    assert (profiles(row), row["conflicting"]) == ((1, 0), 1)


@scenario
def test_an_assignment_after_as_of_does_not_count_yet(story):
    story.goal()
    story.holdout("ann", "treatment", NOW)
    story.holdout("bob", "control", LATER)
    marts = yield
    assert profiles(to_date(marts)) == (1, 0)


# -- what counts


@scenario
def test_who_had_achieved_before_is_in_neither_arm_and_counted_by_arm(story):
    story.goal()
    for person, arm in (("ann", "treatment"), ("bob", "control"), ("cid", "control")):
        story.holdout(person, arm)
        story.event("purchase", a_microsecond_before("2024-03-01"), person=person)
        story.event("purchase", "2024-03-02", person=person)
    story.holdout("dan", "treatment")
    story.event("purchase", "2024-03-01", person="dan")
    marts = yield
    for row in (to_date(marts), within(marts)):
        assert (profiles(row), achievers(row), achieved_before(row)) == ((1, 0), (1, 0), (1, 2))


@scenario
def test_to_date_counts_from_assigned_at_to_as_of(story):
    story.goal()
    for person, moment in (("ann", "2024-03-01"), ("bob", NOW), ("cid", LATER)):
        story.holdout(person, "treatment")
        story.event("purchase", moment, person=person)
    marts = yield
    assert achievers(to_date(marts)) == (2, 0)


@scenario
def test_the_window_begins_at_assigned_at_and_is_closed_at_both_ends(story):
    story.goal()
    for person, moment in (
        ("ann", "2024-03-01"),
        ("bob", "2024-03-15"),
        ("cid", a_microsecond_after("2024-03-15")),
    ):
        story.holdout(person, "treatment")
        story.event("purchase", moment, person=person)
    marts = yield
    assert achievers(within(marts)) == (2, 0)


@scenario
def test_only_windows_that_ended_before_as_of_are_in_the_horizon_window(story):
    story.goal()
    story.holdout("ann", "treatment", a_microsecond_before("2024-12-17"))
    story.holdout("bob", "control", "2024-12-17")
    story.holdout("cid", "control", "2024-12-17")
    story.event("purchase", "2024-12-16", person="cid")
    marts = yield
    row = within(marts)
    assert (profiles(row), achieved_before(row)) == ((1, 0), (0, 0))


@scenario
def test_the_window_is_that_of_the_goals_newest_version(story):
    story.goal(definition_policy="versioned")
    story.goal(definition_policy="versioned", measurement_window_days=3, at="2024-06-01")
    story.holdout("ann", "treatment")
    story.event("purchase", "2024-03-10")
    marts = yield
    assert achievers(within(marts)) == (0, 0)


@scenario
def test_a_window_of_0_days_ends_with_the_calendar_day(story):
    story.workspace(time_zone="America/New_York")
    story.goal(measurement_window_days=0)
    for person, moment in (
        ("ann", a_microsecond_before("2024-03-02T05:00:00")),
        ("bob", "2024-03-02T05:00:00"),
    ):
        story.holdout(person, "treatment", "2024-03-01T12:00:00")
        story.event("purchase", moment, person=person)
    marts = yield
    assert achievers(within(marts)) == (1, 0)


@scenario
def test_a_window_without_a_limit_never_ends(story):
    story.goal(measurement_window_days=None)
    story.holdout("ann", "treatment")
    marts = yield
    assert (profiles(to_date(marts)), profiles(within(marts))) == ((1, 0), (0, 0))


@scenario
def test_impact_sums_all_achievements_within_the_horizon_and_is_0_for_whoever_did_not_achieve(story):
    story.goal(impact={"event_property": "total"})
    for person in ("ann", "bob", "cid"):
        story.holdout(person, "treatment")
    for moment, total in (("2024-03-02", 10), ("2024-03-03", 20.5), ("2024-05-01", 6), ("2024-05-02", "x")):
        story.event("purchase", moment, total=total)
    story.event("purchase", "2024-03-15", person="bob", total=7)
    marts = yield
    row = within(marts)
    assert (row["treatment_impact"], row["treatment_impact_mean"]) == (Decimal("37.5"), 12.5)
    assert row["treatment_impact_variance"] == pytest.approx((18**2 + 5.5**2 + 12.5**2) / 2)
    assert to_date(marts)["treatment_impact"] == Decimal("43.5")


# -- for which goals


@scenario
def test_an_experiment_is_measured_for_its_goal_ids_and_the_first_is_the_primary_one(story):
    for goal_id in ("one", "two", "three"):
        story.goal(goal_id)
    story.experiment(goal_ids=["two", "unknown", "one", "two"], source_id="welcome")
    marts = yield
    rows = marts.rpt_goal_lift.where(horizon="to_date")
    assert rows.by("goal_id", "is_primary") == {"two": True, "one": False}


@scenario
def test_without_goal_ids_it_is_measured_for_every_goal_whose_newest_version_lists_its_source(story):
    story.goal("lists", sources=["welcome"])
    story.goal("listed", sources=["welcome"])
    story.goal("listed", sources=["news"], at="2024-02-01")
    story.experiment(source_id="welcome", goal_ids=[])
    marts = yield
    assert marts.rpt_goal_lift.where(horizon="to_date").column("goal_id") == ["lists"]


@scenario
def test_or_else_it_is_measured_for_all_goals(story):
    story.goal("one")
    story.goal("archived", status="archived")
    story.experiment("without a source")
    story.experiment("of another source", source_id="elsewhere")
    marts = yield
    for experiment_id in ("without a source", "of another source"):
        rows = marts.rpt_goal_lift.where(horizon="to_date", experiment_id=experiment_id)
        assert rows.by("goal_id", "is_primary") == {"archived": False, "one": False}


@scenario
def test_never_for_a_deleted_goal(story):
    story.goal("stays", sources=["news"])
    story.goal("gone")
    story.goal("gone", status="deleted", at="2024-02-01")
    story.experiment("names it", goal_ids=["gone"])
    story.experiment("of its source", source_id="welcome")
    marts = yield
    rows = marts.rpt_goal_lift.where(horizon="to_date")
    assert [(row["experiment_id"], row["goal_id"]) for row in rows] == [("of its source", "stays")]


@scenario
def test_an_experiment_without_assignments_still_has_its_rows(story):
    story.goal()
    story.experiment(name="Nobody yet", expected_control_share=0.5)
    marts = yield
    assert len(marts.rpt_goal_lift) == 2
    row = to_date(marts)
    assert (row["experiment_name"], profiles(row), row["verdict"]) == ("Nobody yet", (0, 0), "too_few")
    empty = ("difference", "newcombe_lower", "z", "p", "ratio", "impact_difference", "sample_ratio_p")
    assert [row[name] for name in empty] == [None] * len(empty)
    assert (row["treatment_rate"], row["treatment_impact"], row["conflicting"]) == (None, 0, 0)


@scenario
def test_what_its_newest_row_leaves_empty_the_greatest_value_of_its_holdouts_says(story):
    story.goal()
    story.experiment(at="2024-02-01", expected_control_share=0.25)
    story.experiment(at="2024-01-01", source_id="older", expected_control_share=0.3, alpha=0.2)
    story.holdout("ann", "control", source_id="a", expected_control_share="0.5")
    story.holdout("bob", "control", source_id="b", expected_control_share="5e-1")
    story.holdout("cid", "control", experiment="only holdouts", expected_control_share="0.1")
    story.holdout("dan", "control", experiment="only holdouts", expected_control_share="9e-2")
    marts = yield
    row = to_date(marts, experiment_id="test")
    assert (row["source_id"], row["expected_control_share"], row["alpha"]) == ("b", 0.25, 0.05)
    row = to_date(marts, experiment_id="only holdouts")
    assert (row["source_id"], row["expected_control_share"], row["alpha"]) == (None, 0.1, 0.05)


# -- the figures


@scenario
def test_the_figures_of_rates(story):
    story.goal()
    story.crowd("treatment", 70, 56)
    story.crowd("control", 80, 48)
    marts = yield
    row = to_date(marts)
    assert (row["treatment_rate"], row["control_rate"], row["difference"]) == (0.8, 0.6, pytest.approx(0.2))
    # the first example of Newcombe (1998), methods 1 and 10
    known = {
        "wald_lower": 0.0575,
        "wald_upper": 0.3425,
        "newcombe_lower": 0.0524,
        "newcombe_upper": 0.3339,
        "z": 2.6502,
        "p": 0.0080,
        "ratio": 1.3333,
        "ratio_lower": 1.0766,
        "ratio_upper": 1.6512,
        "incremental_achievers": 14,
    }
    assert {name: row[name] for name in known} == pytest.approx(known, abs=5e-5)


@scenario
def test_a_ratio_needs_two_rates_above_0_and_z_an_achiever(story):
    story.goal()
    story.goal("unreached", target={"event": {"name": "nothing"}})
    story.crowd("treatment", 4, 2)
    story.crowd("control", 4, 0)
    marts = yield
    row = to_date(marts, goal_id="goal")
    assert (row["ratio"], row["ratio_lower"], row["ratio_upper"]) == (None, None, None)
    assert row["z"] == pytest.approx(1.632993)
    row = to_date(marts, goal_id="unreached")
    assert (row["difference"], row["wald_lower"], row["z"], row["p"], row["adjusted_p"]) == (
        0,
        0,
        None,
        None,
        None,
    )


@scenario
def test_welch_is_null_where_an_arm_has_under_two_profiles_or_nothing_varies(story):
    story.goal(impact={"value": 3})
    story.crowd("treatment", 3, 1)
    story.crowd("control", 1, 1)
    for person, arm in (("d", "treatment"), ("e", "treatment"), ("f", "control"), ("g", "control")):
        story.holdout(person, arm, experiment="nothing varies")
    marts = yield
    row = to_date(marts, experiment_id="test")
    assert (row["impact_difference"], row["impact_p"], row["control_impact_variance"]) == (-2, None, None)
    row = to_date(marts, experiment_id="nothing varies")
    assert (row["impact_difference"], row["impact_difference_lower"], row["impact_p"]) == (0, None, None)


@scenario
def test_the_covariate_is_the_property_as_a_number_as_of_assigned_at_and_0_where_it_is_missing(story):
    story.goal(impact={"event_property": "total"})
    story.experiment(covariate="score")
    for person, arm, score, total in (
        ("a", "treatment", 10, 12),
        ("b", "treatment", "2e1", 25),
        ("c", "treatment", True, 1),
        ("d", "control", 30, 28),
        ("e", "control", None, 2),
    ):
        story.holdout(person, arm)
        story.snapshot("2024-02-01", person=person, score=score)
        story.snapshot("2024-03-01T00:00:01", person=person, score=99)
        story.event("purchase", "2024-03-02", person=person, total=total)
    story.holdout("f", "control")
    story.snapshot("2024-02-01", person="f", score=7)
    story.snapshot("2024-03-01", person="f", deleted=True)
    marts = yield
    row = to_date(marts)
    # impact 12, 25, 1 against 28, 2, 0; score 10, 20, 0 against 30, 0, 0
    theta = (12 * 10 + 25 * 20 + 28 * 30 - 6 * (68 / 6) * 10) / (100 + 400 + 900 - 6 * 100)
    assert row["theta"] == pytest.approx(theta)
    assert row["adjusted_impact_difference"] == pytest.approx((38 - 30) / 3 - theta * 0)


@scenario
def test_without_a_covariate_the_adjusted_figures_are_null(story):
    story.goal(impact={"event_property": "total"})
    story.crowd("treatment", 4, 3)
    story.crowd("control", 4, 2)
    marts = yield
    row = to_date(marts)
    assert row["impact_p"] is not None
    names = ("theta", "adjusted_impact_difference", "adjusted_impact_difference_lower", "adjusted_impact_p")
    assert [row[name] for name in names] == [None] * 4


@scenario
def test_a_covariate_that_does_not_vary_adjusts_nothing(story):
    story.goal(impact={"event_property": "total"})
    story.experiment(covariate="score")
    story.crowd("treatment", 4, 3)
    story.crowd("control", 4, 2)
    marts = yield
    row = to_date(marts)
    assert (row["theta"], row["adjusted_impact_difference"]) == (0, row["impact_difference"])
    assert row["adjusted_impact_p"] == row["impact_p"]


@scenario
def test_a_covariate_may_be_a_pointer_and_a_number_too_large_to_square_is_missing(story):
    story.goal(impact={"event_property": "total"})
    story.experiment(covariate="/spent/last year")
    for person, arm, spent in (
        ("a", "treatment", 4),
        ("b", "treatment", 1e300),
        ("c", "control", 2),
        ("d", "control", 0),
    ):
        story.holdout(person, arm)
        story.snapshot("2024-02-01", person=person, spent={"last year": spent})
        story.event("purchase", "2024-03-02", person=person, total=3 if spent == 4 else 1)
    marts = yield
    assert to_date(marts)["theta"] == pytest.approx((4 * 3 + 2 * 1 - 4 * 1.5 * 1.5) / (16 + 4 - 4 * 1.5**2))


@scenario
def test_the_sample_ratio_counts_those_that_had_achieved_before(story):
    story.goal()
    story.experiment(expected_control_share=0.25)
    for number in range(30):
        story.holdout(f"t{number}", "treatment")
    for number in range(20):
        story.holdout(f"c{number}", "control")
        story.event("purchase", "2024-02-01", person=f"c{number}")
    marts = yield
    row = to_date(marts)
    assert (profiles(row), achieved_before(row)) == ((30, 0), (0, 20))
    # 30 and 20 against 37.5 and 12.5: chi-square 6
    assert row["sample_ratio_p"] == pytest.approx(0.0143059, abs=1e-7)


@scenario
def test_without_an_expected_share_the_split_is_not_tested(story):
    story.goal()
    story.crowd("treatment", 2, 1)
    marts = yield
    assert to_date(marts)["sample_ratio_p"] is None


@scenario
def test_holm_adjusts_over_the_experiments_goals_within_a_horizon(story):
    story.goal("all", target=PURCHASE)
    story.goal(
        "some",
        target={"event": {"name": "purchase", "filter": {"property": "total", "op": "lt", "value": 6}}},
    )
    story.goal("nobody", target={"event": {"name": "nothing"}})
    story.crowd("treatment", 40, 20)
    story.crowd("control", 40, 8)
    marts = yield
    of_all, of_some = to_date(marts, goal_id="all"), to_date(marts, goal_id="some")
    assert of_all["p"] < of_some["p"]
    assert of_all["adjusted_p"] == pytest.approx(2 * of_all["p"])
    assert of_some["adjusted_p"] == pytest.approx(max(2 * of_all["p"], of_some["p"]))
    assert to_date(marts, goal_id="nobody")["adjusted_p"] is None


@scenario
def test_every_interval_is_at_1_minus_alpha(story):
    story.goal()
    story.experiment(alpha=0.32)
    story.crowd("treatment", 100, 50)
    story.crowd("control", 100, 50)
    marts = yield
    row = to_date(marts)
    assert row["wald_upper"] == pytest.approx(0.99446 * 0.0707107, abs=1e-6)
    assert row["alpha"] == 0.32


# -- the verdict


@scenario
def test_a_difference_whose_always_valid_interval_excludes_0_is_positive(story):
    story.goal()
    story.crowd("treatment", 150, 100)
    story.crowd("control", 150, 20)
    marts = yield
    row = to_date(marts)
    assert (row["verdict"], row["always_valid_lower"] > 0) == ("positive", True)


@scenario
def test_or_negative(story):
    story.goal()
    story.crowd("treatment", 150, 20)
    story.crowd("control", 150, 100)
    marts = yield
    assert to_date(marts)["verdict"] == "negative"


@scenario
def test_a_difference_that_one_look_calls_significant_may_be_undecided(story):
    story.goal()
    story.crowd("treatment", 150, 30)
    story.crowd("control", 150, 14)
    marts = yield
    row = to_date(marts)
    assert (row["verdict"], row["p"] < 0.05) == ("undecided", True)


@scenario
def test_under_100_profiles_or_5_achievers_or_5_others_in_an_arm_are_too_few(story):
    story.goal()
    for name, treatment, control in (
        ("profiles", (100, 90), (99, 5)),
        ("achievers", (100, 90), (100, 4)),
        ("others", (100, 96), (100, 5)),
        ("enough", (100, 95), (100, 5)),
    ):
        for arm, (people, achieved) in (("treatment", treatment), ("control", control)):
            for number in range(people):
                person = f"{name} {arm} {number}"
                story.holdout(person, arm, experiment=name)
                if number < achieved:
                    story.event("purchase", "2024-03-02", person=person)
    marts = yield
    verdicts = marts.rpt_goal_lift.where(horizon="to_date").by("experiment_id", "verdict")
    assert verdicts == {
        "profiles": "too_few",
        "achievers": "too_few",
        "others": "too_few",
        "enough": "positive",
    }


@scenario
def test_a_broken_split_is_the_verdict_whatever_else_holds(story):
    story.goal()
    story.experiment(expected_control_share=0.5)
    story.crowd("treatment", 60, 10)
    story.crowd("control", 10, 1)
    marts = yield
    assert to_date(marts)["verdict"] == "sample_ratio_mismatch"


# -- the conversion curve


def curve(marts, source_id=None, **values) -> dict:
    """By day: at risk, converted, censored."""
    rows = marts.rpt_conversion_curve.where(source_id=source_id, **values)
    return {row["day"]: (row["at_risk"], row["conversions"], row["censored"]) for row in rows}


@scenario
def test_the_curve_has_a_row_per_day_from_0_to_the_window_for_each_source_and_for_all(story):
    story.goal(measurement_window_days=2, sources=["welcome", "news", "never sent"])
    story.delivery("d1", "2024-03-01")
    story.delivery("d2", "2024-03-01", source="news", person="bob")
    story.event("purchase", "2024-03-02")
    story.event("purchase", "2024-03-03", person="bob")
    marts = yield
    assert curve(marts, "welcome") == {0: (1, 0, 0), 1: (1, 1, 0), 2: (0, 0, 0)}
    assert curve(marts, "news") == {0: (1, 0, 0), 1: (1, 0, 0), 2: (1, 1, 0)}
    assert curve(marts) == {0: (2, 0, 0), 1: (2, 1, 0), 2: (1, 1, 0)}
    assert len(marts.rpt_conversion_curve) == 9


@scenario
def test_a_window_still_open_at_as_of_is_censored_there(story):
    story.goal(measurement_window_days=14)
    for number, sent_at in enumerate(("2024-12-28", "2024-12-28", "2024-12-01", "2024-12-01")):
        story.delivery(f"d{number}", sent_at, person=f"p{number}")
    story.event("purchase", "2024-12-29", person="p0")
    story.event("purchase", "2024-12-11", person="p2")
    marts = yield
    days = curve(marts)
    assert (days[1], days[3], days[4], days[10], days[11]) == (
        (4, 1, 0),
        (3, 0, 1),
        (2, 0, 0),
        (2, 1, 0),
        (1, 0, 0),
    )
    shares = marts.rpt_conversion_curve.where(source_id=None).by("day", "converted_share")
    assert (shares[0], shares[1], shares[14]) == (0, pytest.approx(1 / 4), pytest.approx(1 - 3 / 4 * 1 / 2))
    plain = marts.rpt_conversion_curve.where(source_id=None).by("day", "plain_share")
    assert (plain[1], plain[14]) == (0.25, 0.5)


@scenario
def test_a_shorter_closed_window_is_censored_at_its_end_and_one_as_long_is_followed_to_the_last_day(story):
    story.goal(measurement_window_days=2, definition_policy="versioned")
    story.goal(measurement_window_days=5, definition_policy="versioned", at="2024-04-01")
    story.delivery("under the old version", "2024-03-01")
    story.delivery("under the new one", "2024-05-01", person="bob")
    marts = yield
    assert curve(marts)[2] == (2, 0, 1)
    assert curve(marts)[5] == (1, 0, 0)


@scenario
def test_a_longer_window_is_followed_to_the_last_day_of_the_newest_versions(story):
    story.goal(measurement_window_days=30, definition_policy="versioned")
    story.goal(measurement_window_days=5, definition_policy="versioned", at="2024-04-01")
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-20")
    marts = yield
    assert list(curve(marts)) == [0, 1, 2, 3, 4, 5]
    assert curve(marts)[5] == (1, 0, 0)


@scenario
def test_a_window_of_0_days_has_day_0_only_and_one_without_a_limit_has_90_days(story):
    story.workspace(time_zone="America/New_York")
    story.goal("same day", measurement_window_days=0)
    story.goal("ever", measurement_window_days=None)
    # the day on which clocks go back has 25 hours
    story.delivery("d1", "2024-11-03T04:00:00")
    story.event("purchase", "2024-11-04T04:30:00")
    marts = yield
    assert curve(marts, goal_id="same day") == {0: (1, 1, 0)}
    assert list(curve(marts, goal_id="ever")) == list(range(91))


@scenario
def test_with_nobody_at_risk_the_share_stays_and_the_interval_is_null_where_the_share_is_0_or_1(story):
    story.goal(measurement_window_days=3)
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-02")
    marts = yield
    rows = marts.rpt_conversion_curve.where(source_id=None)
    assert rows.by("day", "converted_share") == {0: 0, 1: 1, 2: 1, 3: 1}
    assert set(rows.column("converted_share_lower")) == {None}


@scenario
def test_the_interval_of_the_curve_is_greenwoods_on_the_log_log_scale(story):
    story.goal(measurement_window_days=3)
    for number in range(10):
        story.delivery(f"d{number}", "2024-03-01", person=f"p{number}")
    for number in range(3):
        story.event("purchase", "2024-03-02", person=f"p{number}")
    marts = yield
    row = marts.rpt_conversion_curve.where(source_id=None, day=1).one
    # 0.7 ** exp(∓ 1.96 · sqrt(3 / (10 · 7)) / ln 0.7)
    known = {"converted_share": 0.3, "converted_share_lower": 0.10805, "converted_share_upper": 0.67128}
    assert {name: row[name] for name in known} == pytest.approx(known, abs=5e-5)


@scenario
def test_only_what_happened_by_as_of_is_in_the_curve(story):
    story.goal()
    story.delivery("d1", "2024-12-30")
    story.delivery("d2", LATER, person="bob")
    story.event("purchase", LATER)
    marts = yield
    assert curve(marts)[1] == (1, 0, 1)


@scenario
def test_an_experiment_of_an_unreadable_workspace_is_in_no_mart(story):
    story.workspace(time_zone="Mars/Olympus")
    story.goal(target=BECOMES_PAID)
    story.holdout("ann", "treatment")
    marts = yield
    assert marts.rpt_goal_lift == []
