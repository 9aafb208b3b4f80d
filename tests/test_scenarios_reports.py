"""Section 10: the reports, as of midnight at the end of 30 December 2024, and the dimensions."""

from decimal import Decimal

from scenarios import (
    AS_OF,
    BECOMES_PAID,
    PURCHASE,
    a_microsecond_after,
    a_microsecond_before,
    condition,
    moment_text,
    scenario,
)

NOW = moment_text(AS_OF)
LATER = a_microsecond_after(NOW)

# -- the clock


@scenario
def test_reports_count_the_facts_at_or_before_as_of(story):
    story.segment("everyone", {"all": []})
    story.goal(impact={"value": 10}, sources=["welcome", "news"])
    for person, moment in (("now", NOW), ("later", LATER)):
        story.snapshot(moment, person=person)
        story.delivery(f"to {person}", moment, person=person)
        story.event("purchase", moment, person=person)
    story.delivery("only later", LATER, source="news", person="news")
    story.event("purchase", LATER, person="now")
    marts = yield
    assert len(marts.fct_achievements) == len(marts.fct_impressions) == 3
    (summary,) = marts.rpt_goal_summary
    figures = {
        "impressions": 1,
        "enrollments": 1,
        "conversions": 1,
        "achievers": 1,
        "impact": 10,
        "impact_first": 10,
    }
    figures |= {
        "attributed_achievers": 1,
        "audience": 1,
        "audience_achiever_rate": 1.0,
        "achiever_rate": 1.0,
        "median_seconds_to_convert": 0,
    }
    assert {name: summary[name] for name in figures} == figures
    by_source = marts.rpt_source_performance.by("source_id", "impressions")
    assert by_source == {"welcome": 1, "news": 0}
    figures = {
        "enrollments": 1,
        "conversions": 1,
        "deliveries": 1,
        "converted_deliveries": 1,
        "attributed_achievements": 1,
    }
    welcome = marts.rpt_source_performance.where(source_id="welcome").one
    assert {name: welcome[name] for name in figures} == figures
    assert marts.rpt_goal_cohorts.one["enrollments"] == 1
    segment = marts.rpt_segment_performance.one
    assert (segment["enrolled"], segment["converted"], segment["members"], segment["achievers"]) == (
        1,
        1,
        1,
        1,
    )
    assert marts.rpt_goal_progress.where(period="day").column("achievements") == [1]


@scenario
def test_a_conversion_after_as_of_is_not_counted_yet(story):
    story.goal()
    story.segment("everyone", {"all": []})
    story.delivery("d1", "2024-12-30")
    story.event("purchase", LATER)
    marts = yield
    assert len(marts.fct_conversions) == 1
    for report in (marts.rpt_goal_summary, marts.rpt_source_performance, marts.rpt_goal_cohorts):
        assert (report.one["enrollments"], report.one["conversions"]) == (1, 0)
    assert marts.rpt_goal_summary.one["median_seconds_to_convert"] is None
    assert marts.rpt_source_performance.one["converted_deliveries"] == 0
    segment = marts.rpt_segment_performance.one
    assert (segment["enrolled"], segment["converted"], segment["members"], segment["achievers"]) == (
        1,
        0,
        0,
        0,
    )
    assert marts.rpt_goal_progress == []


# -- the summary


@scenario
def test_a_goal_without_facts_has_zeros_and_rates_of_null(story):
    story.goal(sources=["welcome"], impact={"value": 1})
    marts = yield
    (summary,) = marts.rpt_goal_summary
    zeros = (
        "impressions",
        "enrollments",
        "conversions",
        "achievers",
        "attributed_achievers",
        "unattributed_achievers",
        "audience",
    )
    assert {name: summary[name] for name in zeros} == dict.fromkeys(zeros, 0)
    assert summary["impact"] == summary["impact_first"] == 0
    rates = (
        "conversion_rate",
        "closed_conversion_rate",
        "achiever_rate",
        "audience_achiever_rate",
        "median_seconds_to_convert",
    )
    assert {name: summary[name] for name in rates} == dict.fromkeys(rates)
    (source,) = marts.rpt_source_performance
    names = (
        "impressions",
        "journeys",
        "deliveries",
        "conversions",
        "converted_journeys",
        "converted_deliveries",
        "attributed_impact",
    )
    assert {name: source[name] for name in names} == dict.fromkeys(names, 0)
    assert (
        source["conversion_rate"]
        is source["converted_journey_share"]
        is source["converted_delivery_share"]
        is None
    )


@scenario
def test_an_enrollment_is_closed_when_its_window_ended_before_as_of(story):
    story.goal("open", measurement_window_days=1)
    story.goal("endless", measurement_window_days=None)
    for person, sent_at in (("closed", a_microsecond_before("2024-12-30")), ("just open", "2024-12-30")):
        story.delivery(f"to {person}", sent_at, person=person)
    story.event("purchase", "2024-12-30T12:00:00", person="just open")
    marts = yield
    rates = marts.rpt_goal_summary.by("goal_id", "closed_conversion_rate")
    assert rates == {"open": 0.0, "endless": None}
    assert marts.rpt_source_performance.by("goal_id", "closed_conversion_rate") == rates
    cohorts = marts.rpt_goal_cohorts.where(goal_id="open").by("enrollment_day", "is_closed")
    assert cohorts == {"2024-12-29": True, "2024-12-30": False}
    assert set(marts.rpt_goal_cohorts.where(goal_id="endless").column("is_closed")) == {False}


@scenario
def test_a_cohort_is_closed_when_every_window_of_it_is(story):
    story.goal(measurement_window_days=1)
    story.delivery("closed", "2024-12-29T23:59:59", person="ann")
    story.delivery("closed too", "2024-12-29", person="bob")
    story.event("purchase", "2024-12-29T12:00:00", person="bob")
    story.delivery("closed of the next day", "2024-12-30T00:00:00", person="cid")
    marts = yield
    assert marts.rpt_goal_cohorts.by("enrollment_day", "is_closed") == {
        "2024-12-29": True,
        "2024-12-30": False,
    }
    assert marts.rpt_goal_cohorts.by("enrollment_day", "conversion_rate") == {
        "2024-12-29": 0.5,
        "2024-12-30": 0.0,
    }


@scenario
def test_a_cohort_with_one_open_window_is_open(story):
    story.workspace(time_zone="America/New_York")
    story.goal("mixed", measurement_window_days=1)
    story.goal("closed", measurement_window_days=0)
    story.delivery("at noon of the 29th", "2024-12-29T17:00:00", person="ann")
    story.delivery("at 10 p.m. of the 29th", "2024-12-30T03:00:00", person="bob")
    marts = yield
    assert marts.rpt_goal_cohorts.by("goal_id", "is_closed") == {"mixed": False, "closed": True}


@scenario
def test_people_are_counted_once_and_impact_by_all_or_by_the_first(story):
    story.goal(impact={"event_property": "total"})
    story.event("purchase", "2024-03-01", total=10)
    story.event("purchase", "2024-03-02", total=5)
    story.delivery("to bob", "2024-03-01", person="bob")
    story.event("purchase", "2024-03-02", person="bob", total=2)
    marts = yield
    (summary,) = marts.rpt_goal_summary
    figures = {
        "achievers": 2,
        "attributed_achievers": 1,
        "unattributed_achievers": 1,
        "impact": 17,
        "impact_first": 12,
    }
    assert {name: summary[name] for name in figures} == figures


@scenario
def test_the_median_seconds_to_convert_are_exact(story):
    story.goal()
    for person, second in (("ann", 1), ("bob", 2), ("cid", 4), ("dot", 30)):
        story.delivery(f"to {person}", "2024-03-01", person=person)
        story.event("purchase", f"2024-03-01T00:00:{second:02}", person=person)
    story.delivery("to eve", "2024-03-01", person="eve")
    marts = yield
    assert marts.rpt_goal_summary.one["median_seconds_to_convert"] == 3
    assert marts.rpt_goal_summary.one["conversion_rate"] == 0.8


@scenario
def test_the_rates_are_of_all_profiles_deleted_ones_included_and_of_the_audience(story):
    story.goal()
    story.snapshot("2024-01-01", person="ann")
    story.snapshot("2024-01-01", person="bob")
    story.snapshot("2024-01-02", person="bob", deleted=True)
    story.snapshot(LATER, person="not yet")
    for person in ("ann", "bob"):
        story.delivery(f"to {person}", "2024-03-05", person=person)
    story.delivery("to ann again", "2024-03-06", person="ann")
    story.event("purchase", "2024-03-01", person="ann")
    story.event("purchase", "2024-03-02", person="ann")
    story.event("purchase", "2024-03-01", person="unseen")
    story.goal("of news", target={"event": {"name": "refund"}}, sources=["news"])
    story.delivery("of another goal", "2024-03-01", person="unseen", source="news")
    story.delivery("later", LATER, person="unseen")
    marts = yield
    summary = marts.rpt_goal_summary.where(goal_id="goal").one
    assert summary["achiever_rate"] == 1.0  # ann and the unseen one, of ann and bob
    assert (summary["audience"], summary["audience_achiever_rate"]) == (2, 0.5)


@scenario
def test_is_locked_when_the_first_send_is_at_or_before_as_of(story):
    for goal_id, sent_at in (("now", NOW), ("later", LATER), ("never", None)):
        story.goal(goal_id, sources=[goal_id])
        story.delivery(goal_id, sent_at, source=goal_id)
    marts = yield
    locked = {"now": True, "later": False, "never": False}
    assert (
        marts.dim_goals.by("goal_id", "is_locked")
        == marts.rpt_goal_summary.by("goal_id", "is_locked")
        == locked
    )
    assert marts.dim_goals.by("goal_id", "first_sent_at") == {"now": NOW, "later": LATER, "never": None}


# -- sources


@scenario
def test_source_performance_has_the_newest_versions_sources_and_any_with_an_impression(story):
    story.goal(sources=["welcome", "dropped"])
    story.goal(at="2024-03-02", sources=["news"])
    story.delivery("d1", "2024-03-01", source="welcome")
    marts = yield
    assert marts.rpt_source_performance.by("source_id", "impressions") == {"news": 0, "welcome": 1}


@scenario
def test_source_performance_counts_outcomes_journeys_and_deliveries(story):
    story.goal(target=BECOMES_PAID, eligibility=condition("exists", of="plan"), impact={"value": 3})
    story.snapshot("2024-02-01", person="ann", plan="free")
    story.snapshot("2024-02-01", person="bob", plan="paid")
    story.journey("j1", "2024-03-01")
    story.delivery("d1", "2024-03-01", journey_id="j1")
    story.delivery("d2", "2024-03-02", journey_id="j1")
    story.delivery("d3", "2024-03-03")
    story.delivery("d4", "2024-03-03", person="bob")
    story.delivery("d5", "2024-03-03", person="cid", journey_id="j2")
    story.snapshot("2024-03-04", person="ann", plan="paid")
    story.snapshot("2024-03-05", person="ann", plan="free")
    story.snapshot("2024-03-06", person="ann", plan="paid")
    marts = yield
    figures = {
        "impressions": 5,
        "not_eligible": 1,
        "already_achieved": 1,
        "already_enrolled": 1,
        "enrollments": 2,
        "conversions": 2,
    }
    figures |= {
        "journeys": 2,
        "converted_journeys": 0,
        "converted_journey_share": 0.0,
        "conversion_rate": 1.0,
    }
    figures |= {"deliveries": 5, "converted_deliveries": 1, "converted_delivery_share": 0.2}
    figures |= {"attributed_achievers": 1, "attributed_achievements": 2, "attributed_impact": 6}
    assert {name: marts.rpt_source_performance.one[name] for name in figures} == figures


@scenario
def test_converted_journeys_are_those_of_converted_deliveries(story):
    story.goal()
    story.journey("j1", "2024-03-01")
    story.journey("j2", "2024-03-03")
    story.delivery("d1", "2024-03-01", journey_id="j1")
    story.event("purchase", "2024-03-02")
    story.delivery("d2", "2024-03-03", journey_id="j1")
    story.delivery("d3", "2024-03-04", journey_id="j1")
    story.event("purchase", "2024-03-05")
    story.delivery("d4", "2024-03-06", journey_id="j2")
    story.event("purchase", "2024-03-07")
    marts = yield
    figures = {"journeys": 2, "converted_journeys": 2, "deliveries": 4, "converted_deliveries": 3}
    assert {name: marts.rpt_source_performance.one[name] for name in figures} == figures


@scenario
def test_a_journey_that_several_people_have_is_one(story):
    story.goal()
    story.delivery("d1", "2024-03-01", journey_id="j1", person="ann")
    story.delivery("d2", "2024-03-02", journey_id="j1", person="bob", channel="sms")
    story.delivery("d3", "2024-03-02", journey_id="j2", person="bob")
    marts = yield
    assert marts.rpt_source_performance.one["journeys"] == 2


@scenario
def test_an_achiever_is_in_the_audience_whichever_came_first(story):
    story.goal()
    for person, moment in (("ann", "2024-03-04"), ("bob", "2024-03-05"), ("cid", "2024-03-06")):
        story.event("purchase", "2024-03-05", person=person)
        story.delivery(f"to {person}", moment, person=person)
        story.snapshot("2024-03-01", person=person)
    marts = yield
    assert marts.rpt_goal_summary.one["audience_achiever_rate"] == 1.0


@scenario
def test_what_lies_at_as_of_counts_and_a_window_that_ends_then_is_open(story):
    story.goal(measurement_window_days=1)
    story.delivery("d1", "2024-12-30", person="ann")
    story.event("purchase", NOW, person="ann")
    marts = yield
    summary, cohort = marts.rpt_goal_summary.one, marts.rpt_goal_cohorts.one
    assert (summary["conversions"], summary["closed_conversion_rate"]) == (1, None)
    assert (summary["median_seconds_to_convert"], cohort["conversions"], cohort["is_closed"]) == (
        86400,
        1,
        False,
    )


# -- progress


@scenario
def test_each_series_has_every_period_from_its_first_achievement_to_as_of(story):
    story.goal(impact={"value": 10})
    story.event("purchase", "2024-12-27T12:00:00")
    story.event("purchase", "2024-12-29T12:00:00")
    story.event("purchase", "2024-12-29T13:00:00", person="bob")
    marts = yield
    days = marts.rpt_goal_progress.where(period="day")
    assert days.column("period_start") == [
        "2024-12-27",
        "2024-12-28",
        "2024-12-29",
        "2024-12-30",
        "2024-12-31",
    ]
    assert days.column("achievers") == [1, 0, 1, 0, 0]
    assert days.column("achievements") == [1, 0, 2, 0, 0]
    assert days.column("impact") == [10, 0, 20, 0, 0]
    assert days.column("impact_first") == [10, 0, 10, 0, 0]
    assert days.column("running_achievers") == [1, 1, 2, 2, 2]
    assert days.column("running_achievements") == [1, 1, 3, 3, 3]
    assert days.column("running_impact") == [10, 10, 30, 30, 30]


@scenario
def test_weeks_begin_on_monday_and_months_on_the_1st(story):
    story.goal()
    for moment in ("2024-11-30", "2024-12-01", "2024-12-02", "2024-12-29"):
        story.event("purchase", moment)
    marts = yield
    weeks, months = (marts.rpt_goal_progress.where(period=period) for period in ("week", "month"))
    starts = ["2024-11-25", "2024-12-02", "2024-12-09", "2024-12-16", "2024-12-23", "2024-12-30"]
    assert weeks.by("period_start", "achievements") == dict(zip(starts, [2, 1, 0, 0, 1, 0], strict=True))
    assert months.by("period_start", "achievements") == {"2024-11-01": 1, "2024-12-01": 3}


@scenario
def test_a_day_of_a_report_is_a_calendar_day_of_the_workspace(story):
    story.workspace(time_zone="America/New_York")
    story.goal()
    for person, moment in (("ann", "2024-12-30T04:59:59.999999"), ("bob", "2024-12-30T05:00:00")):
        story.delivery(f"to {person}", moment, person=person)
        story.event("purchase", moment, person=person)
    marts = yield
    days = {"2024-12-29": 1, "2024-12-30": 1}  # it is still the 30th in New York
    assert marts.rpt_goal_progress.where(period="day").by("period_start", "achievements") == days
    assert marts.rpt_goal_cohorts.by("enrollment_day", "enrollments") == days


@scenario
def test_where_clocks_go_back_over_midnight_in_the_middle_of_an_hour_a_day_is_the_local_one(story):
    """In St. John's, in 2010: at a minute past midnight (02:31 in UTC) it was 23:01 of the day before."""
    story.workspace(time_zone="America/St_Johns")
    story.goal(at="2010-01-01")
    story.delivery("d1", "2010-11-07T02:30:30", person="ann")
    story.delivery("d2", "2010-11-07T02:45", person="bob")
    story.delivery("d3", "2010-11-07T02:46", person="eve")
    marts = yield
    assert marts.rpt_goal_cohorts.by("enrollment_day", "enrollments") == {"2010-11-06": 2, "2010-11-07": 1}


@scenario
def test_progress_has_a_series_for_each_source_and_channel_and_for_unattributed(story):
    story.goal(sources=["welcome", "news"])
    for person, (source, channel) in {
        "a": ("welcome", "email"),
        "b": ("welcome", "sms"),
        "c": ("news", "email"),
    }.items():
        story.delivery(f"to {person}", "2024-12-30", source=source, channel=channel, person=person)
        story.event("purchase", "2024-12-30T12:00:00", person=person)
    story.event("purchase", "2024-12-29T12:00:00", person="d")
    marts = yield
    series: dict = {}
    for row in marts.rpt_goal_progress.where(period="day"):
        series.setdefault((row["source_id"], row["channel"]), []).append(row["running_achievers"])
    assert series == {
        ("welcome", "email"): [1, 1],
        ("welcome", "sms"): [1, 1],
        ("news", "email"): [1, 1],
        (None, None): [1, 1, 1],
    }


# -- segments


@scenario
def test_segment_performance_goes_by_the_newest_definition_and_the_state_as_of_each_moment(story):
    story.goal()
    story.goal("of no one", target={"event": {"name": "refund"}}, sources=[])
    story.segment("gold", condition("eq", "silver"), at="2024-01-01")
    story.segment("gold", condition("eq", "gold"), at="2024-06-01")
    story.segment("nobody", {"any": []})
    states = {
        "gold when enrolled": {"2024-03-01": "gold", a_microsecond_after("2024-03-01"): "silver"},
        "no longer when enrolled": {"2024-02-01": "gold", "2024-03-01": "silver"},
        "gold now": {"2024-03-01": "silver", NOW: "gold"},
        "gold later": {"2024-03-01": "silver", LATER: "gold"},
        "gold until now": {"2024-03-02": "gold", NOW: "silver"},
    }
    for person, plans in states.items():
        for at, plan in plans.items():
            story.snapshot(at, person=person, x=plan)
        story.delivery(f"to {person}", "2024-03-01", person=person)
        story.event("purchase", "2024-03-03", person=person)
        story.event("purchase", "2024-03-04", person=person)
    marts = yield
    figures = {"enrolled": 1, "converted": 1, "conversion_rate": 1.0}
    figures |= {"members": 1, "achievers": 1, "achiever_rate": 1.0}
    none = dict.fromkeys(figures, 0) | {"conversion_rate": None, "achiever_rate": None}
    expected = {
        ("goal", "gold"): figures,
        ("goal", "nobody"): none,
        ("of no one", "gold"): none | {"members": 1, "achiever_rate": 0.0},
        ("of no one", "nobody"): none,
    }
    assert {
        (row["goal_id"], row["segment_id"]): {name: row[name] for name in figures}
        for row in marts.rpt_segment_performance
    } == expected


@scenario
def test_members_have_a_snapshot_and_enrolled_strangers_have_none(story):
    story.goal()
    story.segment("not_gold", condition("neq", "gold"))
    story.snapshot("2024-03-02", person="ann", x="silver")
    story.snapshot("2024-03-02", person="bob", x="silver")
    story.snapshot("2024-03-03", person="bob", deleted=True)
    for person in ("ann", "bob", "stranger"):
        story.delivery(f"to {person}", "2024-03-01", person=person)
    story.event("purchase", "2024-03-04", person="stranger")
    marts = yield
    (row,) = marts.rpt_segment_performance
    assert (row["enrolled"], row["converted"], row["members"], row["achievers"]) == (3, 1, 2, 0)


# -- funnels


@scenario
def test_a_funnel_counts_who_takes_each_step_at_or_after_the_one_before(story):
    for name in ("visit", "signup", "purchase"):
        story.goal(name, target={"event": {"name": name}})
    story.funnel("visit", "signup", "purchase")
    moments = {
        "all": ("2024-03-01", "2024-03-02", "2024-03-05"),
        "at once": ("2024-03-01", "2024-03-01", "2024-03-01"),
        "out of order": ("2024-03-05", a_microsecond_before("2024-03-05"), "2024-03-06"),
        "visits": ("2024-03-01",),
    }
    for person, times in moments.items():
        for name, moment in zip(("visit", "signup", "purchase"), times, strict=False):
            story.event(name, moment, person=person)
    marts = yield
    funnel = marts.rpt_goal_funnel
    assert funnel.column("goal_id") == ["visit", "signup", "purchase"]
    assert funnel.column("profiles") == [4, 2, 2]
    assert funnel.column("share_of_first") == [1.0, 0.5, 0.5]
    assert funnel.column("share_of_previous") == [None, 0.5, 1.0]
    assert funnel.column("drop_off") == [None, 2, 0]
    day = 86400
    assert funnel.column("median_seconds") == [None, day / 2, 3 * day / 2]


@scenario
def test_a_funnels_window_runs_from_step_1_and_is_closed(story):
    for name in ("visit", "purchase"):
        story.goal(name, target={"event": {"name": name}})
    story.funnel("visit", "purchase", "visit", window_days=7)
    for person, moment in (("in time", "2024-03-08"), ("late", a_microsecond_after("2024-03-08"))):
        story.event("visit", "2024-03-01", person=person)
        story.event("visit", "2024-03-07", person=person)
        story.event("purchase", moment, person=person)
        story.event("visit", "2024-03-09", person=person)
    marts = yield
    assert marts.rpt_goal_funnel.column("profiles") == [2, 1, 0]


@scenario
def test_each_next_step_of_a_funnel_is_at_its_goals_earliest_achievement_after_the_one_before(story):
    for name in ("visit", "purchase"):
        story.goal(name, target={"event": {"name": name}})
    story.funnel("visit", "purchase", "visit")
    story.event("visit", "2024-03-01")
    story.event("visit", "2024-03-02")
    for day in (6, 4, 8):
        story.event("purchase", f"2024-03-0{day}")
    story.event("visit", "2024-03-05")
    story.event("visit", "2024-03-09")
    marts = yield
    day = 86400
    assert marts.rpt_goal_funnel.column("median_seconds") == [None, 3 * day, day]


@scenario
def test_a_funnel_goes_by_its_newest_row_and_an_unknown_goal_has_nobody(story):
    story.goal("visit", target={"event": {"name": "visit"}})
    story.event("visit", "2024-03-01")
    story.event("visit", NOW, person="now")
    story.event("visit", LATER, person="later")
    story.funnel("visit", at="2024-03-01")
    story.funnel("visit", "unknown", "visit", at="2024-03-02")
    story.funnel("unknown", "visit", funnel_id="of nobody")
    story.funnel("visit", "visit", funnel_id="of both")
    marts = yield
    newest, of_nobody, of_both = (
        marts.rpt_goal_funnel.where(funnel_id=funnel_id) for funnel_id in ("funnel", "of nobody", "of both")
    )
    assert newest.column("profiles") == [2, 0, 0]
    assert newest.column("share_of_previous") == [None, 0.0, None]
    assert of_nobody.column("profiles") == [0, 0]
    assert of_both.column("profiles") == [2, 2]


# -- dimensions


@scenario
def test_dimensions_show_the_newest_state_and_deleted_ones_stay_marked(story):
    story.source(at="2024-01-01", name="Old", exit_condition="goal")
    story.source(at="2024-02-01", name="New", status="deleted")
    story.segment("s", condition("eq", 1), at="2024-01-01", name="Old")
    story.segment("s", condition("eq", 2), at="2024-02-01", name="New")
    story.snapshot("2024-01-01", plan="free")
    story.snapshot("2024-02-01", plan="paid", deleted=True)
    marts = yield
    source, segment, profile = marts.dim_sources.one, marts.dim_segments.one, marts.dim_profiles.one
    assert (source["name"], source["is_deleted"], source["exit_condition"]) == ("New", True, "never")
    assert segment["name"] == "New"
    assert (profile["is_deleted"], profile["properties"], profile["observed_at"]) == (
        True,
        None,
        "2024-02-01",
    )
    assert profile["first_observed_at"] == "2024-01-01"


@scenario
def test_dim_goals_shows_the_windows_and_defaults_of_a_version(story):
    story.goal("defaults", target=PURCHASE)
    story.goal(
        "stated",
        evaluation_window={"after": "first_seen", "days": 3},
        attribution={"window_days": 30},
        impact={"value": 49, "currency": "EUR"},
        impression="delivered",
        tags=["growth"],
    )
    marts = yield
    columns = (
        "measurement_window_days",
        "evaluation_window_days",
        "attribution_window_days",
        "impression",
        "impact_value",
        "impact_currency",
    )
    rows = {row["goal_id"]: tuple(row[column] for column in columns) for row in marts.dim_goals}
    assert rows == {
        "defaults": (14, None, 7, "sent", None, None),
        "stated": (14, 3, 30, "delivered", Decimal(49), "EUR"),
    }
    assert marts.dim_goals.by("goal_id", "definition_policy") == {"defaults": "locked", "stated": "locked"}
    assert marts.dim_goals.by("goal_id", "tags") == {"defaults": [], "stated": ["growth"]}


# -- the vendor's own answer


@scenario
def test_the_vendors_conversions_stand_beside_ours_each_difference_with_its_reason(story):
    story.goal(attribution={"criteria": {"email": "opened"}, "window_days": 7}, sources=["welcome", "news"])
    people = (
        *("agreed", "only ours", "bounced", "no purchase", "purchase before", "purchase at once"),
        *("unopened", "too late"),
    )
    for person in people:
        story.delivery(person, "2024-02-01", person=person)
    for person in ("agreed", "only ours", "bounced", "too late"):
        story.engagement("opened", person, "2024-02-02")
    story.engagement("bounced", "bounced", "2024-02-01T00:01")
    for person in ("agreed", "only ours", "bounced", "unopened"):
        story.event("purchase", "2024-02-03", person=person)
    story.event("purchase", "2024-01-31", person="purchase before")
    story.event("purchase", "2024-02-01", person="purchase at once")
    story.event("purchase", "2024-02-10", person="too late")
    for number in (1, 2):
        story.delivery(f"message {number}", f"2024-02-0{number}", person="twice")
        story.engagement("opened", f"message {number}", f"2024-02-0{number}")
    story.event("purchase", "2024-02-03", person="twice")
    for delivery in (*people, "message 1", "message 1"):
        if delivery != "only ours":
            story.engagement("converted", delivery, "2024-02-11")
    marts = yield
    news, welcome = marts.rpt_vendor_conversions
    assert {name: welcome[name] for name in welcome if isinstance(welcome[name], int)} == {
        "our_conversions": 3,
        "vendor_conversions": 8,
        "agreeing": 1,
        "only_ours": 2,
        "only_theirs": 7,
        "not_an_impression": 1,
        "not_an_achievement": 2,
        "no_qualifying_touch": 3,
        "another_delivery_credited": 1,
    }
    assert (news["our_conversions"], news["vendor_conversions"]) == (0, 0)


@scenario
def test_a_vendors_conversion_after_the_clock_is_not_known_yet(story):
    story.goal()
    story.delivery("d1", "2024-02-01")
    story.event("purchase", "2024-02-02")
    story.engagement("converted", "d1", "2025-06-01")
    marts = yield
    assert marts.rpt_vendor_conversions.one["vendor_conversions"] == 0
    assert marts.rpt_vendor_conversions.one["only_ours"] == 1
