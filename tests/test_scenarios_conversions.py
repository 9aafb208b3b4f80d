"""Section 7, second half: measurement windows, and which achievement converts."""

from decimal import Decimal

from scenarios import BECOMES_PAID, PURCHASE, a_microsecond_after, a_microsecond_before, scenario

SAME_COURSE = PURCHASE | {
    "trigger_match": [{"event_property": "course_id", "op": "eq", "trigger_property": "course_id"}]
}


@scenario
def test_a_measurement_window_is_closed_at_both_ends(story):
    story.goal(measurement_window_days=14)
    edges = {
        "before": a_microsecond_before("2024-03-01"),
        "start": "2024-03-01",
        "end": "2024-03-15",
        "after": a_microsecond_after("2024-03-15"),
    }
    for person, moment in edges.items():
        story.delivery(f"to {person}", "2024-03-01", person=person)
        story.event("purchase", moment, person=person)
    marts = yield
    assert set(marts.fct_conversions.column("profile_id")) == {"start", "end"}
    assert set(marts.fct_enrollments.column("window_ends_at")) == {"2024-03-15"}


@scenario
def test_a_day_of_a_window_is_24_hours_whatever_the_clocks_do(story):
    story.workspace(time_zone="Europe/Berlin")
    story.goal(measurement_window_days=1)
    story.delivery("d1", "2024-03-30T12:00:00")
    marts = yield
    assert marts.fct_enrollments.column("window_ends_at") == ["2024-03-31T12:00:00"]


@scenario
def test_a_window_of_0_days_ends_at_the_last_microsecond_of_the_calendar_day(story):
    story.workspace(time_zone="America/New_York")
    story.goal(measurement_window_days=0)
    for person, moment in (("same_day", "2024-03-02T04:59:59.999999"), ("next_day", "2024-03-02T05:00:00")):
        story.delivery(f"to {person}", "2024-03-01T12:00:00", person=person)
        story.event("purchase", moment, person=person)
    story.delivery("on the 23-hour day", "2024-03-10T12:00:00", person="bob")
    marts = yield
    assert set(marts.fct_conversions.column("profile_id")) == {"same_day"}
    ends = marts.fct_enrollments.by("delivery_id", "window_ends_at")
    assert ends["to next_day"] == "2024-03-02T04:59:59.999999"
    assert ends["on the 23-hour day"] == "2024-03-11T03:59:59.999999"


@scenario
def test_where_midnight_comes_twice_the_day_ends_at_the_first(story):
    story.workspace(time_zone="America/Havana")
    story.goal(measurement_window_days=0)
    story.delivery("d1", "2024-11-02T12:00:00")
    marts = yield
    assert marts.fct_enrollments.column("window_ends_at") == ["2024-11-03T03:59:59.999999"]


@scenario
def test_where_midnight_is_put_off_by_an_hour_the_day_has_25(story):
    story.workspace(time_zone="America/Santiago")
    story.goal(measurement_window_days=0)
    story.delivery("d1", "2024-04-06T12:00:00")
    marts = yield
    assert marts.fct_enrollments.column("window_ends_at") == ["2024-04-07T03:59:59.999999"]


@scenario
def test_a_day_without_a_midnight_begins_an_hour_later(story):
    story.workspace(time_zone="Asia/Beirut")
    story.goal(measurement_window_days=0)
    story.delivery("d1", "2024-03-30T12:00:00")
    marts = yield
    assert marts.fct_enrollments.column("window_ends_at") == ["2024-03-30T21:59:59.999999"]


@scenario
def test_a_window_of_null_days_has_no_end(story):
    story.goal(measurement_window_days=None)
    story.delivery("d1", "2024-01-01")
    story.event("purchase", "2024-12-30")
    marts = yield
    assert marts.fct_conversions.column("converted_at") == ["2024-12-30"]
    assert marts.fct_enrollments.column("window_ends_at") == [None]


@scenario
def test_a_conversion_sticks_when_the_property_reverts(story):
    story.goal(target=BECOMES_PAID)
    story.snapshot("2024-02-01", plan="free")
    story.delivery("d1", "2024-03-01")
    story.snapshot("2024-03-02", plan="paid")
    story.snapshot("2024-03-03", plan="free")
    story.snapshot("2024-03-04", deleted=True)
    marts = yield
    assert marts.fct_conversions.column("converted_at") == ["2024-03-02"]


@scenario
def test_the_first_achievement_in_the_window_converts_and_those_outside_do_not(story):
    story.goal(impact={"event_property": "total"})
    story.delivery("d1", "2024-03-01")
    for total, moment in enumerate(("2024-02-28", "2024-03-03", "2024-03-02", "2024-03-20")):
        story.event("purchase", moment, total=total)
    marts = yield
    assert marts.fct_conversions.column("converted_at") == ["2024-03-02"]
    assert marts.fct_conversions.column("impact_value") == [2]
    assert marts.fct_conversions.column("impact_currency") == ["USD"]
    second = marts.fct_achievements.by("achievement_number", "achievement_id")[2]
    assert marts.fct_conversions.column("achievement_id") == [second]


@scenario
def test_the_seconds_to_convert_are_exact_to_the_microsecond(story):
    story.goal()
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-01T00:01:02.345678")
    marts = yield
    assert marts.fct_enrollments.column("seconds_to_convert") == [Decimal("62.345678")]


@scenario
def test_one_achievement_may_convert_enrollments_of_several_sources(story):
    story.goal(sources=["welcome", "news"])
    story.delivery("d1", "2024-03-01", source="welcome")
    story.delivery("d2", "2024-03-02", source="news")
    story.event("purchase", "2024-03-03")
    marts = yield
    assert marts.fct_conversions.column("source_id") == ["welcome", "news"]
    assert len(set(marts.fct_conversions.column("achievement_id"))) == 1


@scenario
def test_a_course_is_completed_only_for_the_journey_that_it_triggered(story):
    story.goal("same_course", target=SAME_COURSE)
    story.goal("any_course")
    story.journey("j7", "2024-03-01", trigger={"course_id": 7})
    story.journey("j8", "2024-03-01", trigger={"course_id": 8})
    story.delivery("of 7", "2024-03-01", journey_id="j7")
    story.delivery("of 8", "2024-03-01", journey_id="j8")
    story.delivery("of none", "2024-03-01")
    story.delivery("of one that never landed", "2024-03-01", journey_id="j9")
    story.event("purchase", "2024-03-02", course_id="8.0")
    story.event("purchase", "2024-03-03", course_id="7")
    marts = yield
    assert marts.fct_enrollments.where(goal_id="same_course").by("delivery_id", "converted_at") == {
        "of 7": "2024-03-03",
        "of 8": "2024-03-02",
        "of none": None,
        "of one that never landed": None,
    }
    assert set(marts.fct_enrollments.where(goal_id="any_course").column("converted_at")) == {"2024-03-02"}


@scenario
def test_every_pair_of_a_trigger_match_must_hold_by_its_op(story):
    pairs = [
        {"event_property": "course_id", "trigger_property": "course_id"},
        {"event_property": "score", "op": "gte", "trigger_property": "/wanted/score"},
    ]
    story.goal(target=PURCHASE | {"trigger_match": pairs})
    story.journey("j", "2024-03-01", trigger={"course_id": "a", "wanted": {"score": 5}})
    story.delivery("d1", "2024-03-01", journey_id="j")
    story.event("purchase", "2024-03-02", course_id="a", score=4)
    story.event("purchase", "2024-03-03", course_id="b", score=5)
    story.event("purchase", "2024-03-04", course_id="a", score="5")
    marts = yield
    assert marts.fct_conversions.column("converted_at") == ["2024-03-04"]


@scenario
def test_where_no_journey_landed_nothing_matches_not_even_neq(story):
    pair = {"event_property": "course_id", "op": "neq", "trigger_property": "course_id"}
    story.goal(target=PURCHASE | {"trigger_match": [pair]})
    story.journey("j", "2024-03-01", trigger={"course_id": 7})
    story.delivery("of j", "2024-03-01", journey_id="j")
    story.delivery("of none", "2024-03-02")
    story.event("purchase", "2024-03-03", course_id=8)
    marts = yield
    assert marts.fct_conversions.column("delivery_id") == ["of j"]
    assert marts.fct_delivery_conversions.column("delivery_id") == ["of j"]


@scenario
def test_a_missing_value_matches_no_trigger(story):
    story.goal(target=SAME_COURSE)
    story.journey("j", "2024-03-01", trigger={"other": 1})
    story.delivery("d1", "2024-03-01", journey_id="j")
    story.event("purchase", "2024-03-02", course_id=7)
    story.event("purchase", "2024-03-02")
    marts = yield
    assert marts.fct_conversions == []


@scenario
def test_the_trigger_match_is_that_of_the_achievements_version(story):
    for goal_id, targets in (("loosened", (SAME_COURSE, PURCHASE)), ("tightened", (PURCHASE, SAME_COURSE))):
        for at, target in zip(("2024-01-01", "2024-03-02"), targets, strict=True):
            story.goal(goal_id, at=at, target=target, definition_policy="versioned")
    story.journey("j", "2024-03-01", trigger={"course_id": 7})
    story.delivery("d1", "2024-03-01", journey_id="j")
    story.event("purchase", "2024-03-03", course_id=8)
    marts = yield
    assert marts.fct_enrollments.by("goal_id", "converted_at") == {
        "loosened": "2024-03-03",
        "tightened": None,
    }


@scenario
def test_a_person_deleted_after_converting_stays_converted(story):
    story.goal()
    story.snapshot("2024-02-01", plan="free")
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-02")
    story.snapshot("2024-03-03", deleted=True)
    marts = yield
    assert marts.fct_conversions.column("converted_at") == ["2024-03-02"]
    assert marts.dim_profiles.one["is_deleted"]
