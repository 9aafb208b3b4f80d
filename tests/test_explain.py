"""`goalpost explain`: each reason, for one person; the tables of reasons compared with the facts of generated
worlds."""

import io
import json
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import typer
from pipeline import Pipeline
from rich.console import Console
from scenarios import BECOMES_PAID, LEAVES_PAID, PAID, Story
from typer.testing import CliRunner
from worlds import merged, world, write

from orchestration.errors import GoalpostError
from orchestration.explain import Explanation, explain, explain_command, render
from orchestration.explain.command import _rows as rows_of
from orchestration.explain.history import NonAchievement
from orchestration.explain.words import failed_conditions, words_of_a_row
from orchestration.goals.predicates import predicate
from orchestration.settings import Settings
from orchestration.warehouse import connect, single_writer

STORIES = []
TRIGGER = [{"event_property": "course", "op": "eq", "trigger_property": "course"}]
WORLDS = 20


def story(tell):
    STORIES.append(tell)
    return tell


@story
def messages(story: Story):
    """Every reason in the message itself why it is no impression."""
    story.workspace(data_start_at="2024-01-05")
    story.source(name="Welcome")
    story.goal(at="2024-01-02", attribution={"webhook_message_ids": ["m1"]})
    story.goal(at="2024-06-01", status="archived", attribution={"webhook_message_ids": ["m1"]})
    story.delivery("left", "2024-02-01", message_id="m7")
    story.delivery("never left", None)
    story.delivery("anonymous", "2024-02-01", is_anonymous=True)
    story.delivery("held out", "2024-02-01", is_holdout=True)
    story.delivery("receipt", "2024-02-01", source_type="transactional")
    story.delivery("slack", "2024-02-01", channel="slack")
    story.delivery("bounced", "2024-02-01")
    story.engagement("bounced", "bounced", "2024-02-01T00:01:00")
    story.delivery("webhook", "2024-02-01", channel="webhook", message_id="m2")
    story.delivery("too early", "2024-01-01")
    story.delivery("before the data", "2024-01-03")
    story.delivery("after the archiving", "2024-06-01")
    story.delivery("of another source", "2024-02-01", source="news")


@story
def versions(story: Story):
    """A versioned goal whose sources change."""
    for at, sources in {
        "2024-01-01": ["welcome"],
        "2024-02-01": ["welcome", "news"],
        "2024-03-01": ["news"],
    }.items():
        story.goal(
            at=at,
            definition_policy="versioned",
            sources=sources,
            eligibility=PAID if at > "2024-01" else None,
        )
    story.journey("begun before", "2024-01-20", source="news")
    story.delivery("begun before", "2024-02-05", source="news", journey_id="begun before")
    story.delivery("detached", "2024-03-02")


@story
def delivered(story: Story):
    """A goal that counts messages when they are delivered, later when they are sent."""
    for at, impression in {"2024-01-01": "delivered", "2024-02-01": "sent"}.items():
        story.goal(at=at, definition_policy="versioned", impression=impression)
    story.delivery("never", "2024-01-10")
    story.delivery("between", "2024-01-31")
    story.engagement("delivered", "between", "2024-02-02")


@story
def outcomes(story: Story):
    """Each outcome of an impression; conversions and none."""
    story.goal(target=BECOMES_PAID, eligibility={"property": "country", "op": "in", "value": ["US", "CA"]})
    story.goal("left", target=LEAVES_PAID, measurement_window_days=None)
    story.delivery("of a stranger", "2024-01-10")
    story.snapshot("2024-01-15", country="DE")
    story.delivery("of a German", "2024-01-20")
    story.snapshot("2024-02-01", country="US", plan="free")
    story.journey("journey", "2024-02-02")
    story.delivery("first", "2024-02-02", journey_id="journey")
    story.delivery("second", "2024-02-03", journey_id="journey")
    story.snapshot("2024-02-05T12:00", country="US", plan="paid")
    story.delivery("of a customer", "2024-02-10")
    story.delivery("without success", "2024-02-03", person="bob")
    story.snapshot("2024-01-01", person="bob", country="CA")


@story
def changes(story: Story):
    """A state that changes made."""
    story.goal(target=BECOMES_PAID, eligibility={"property": "country", "op": "eq", "value": "US"})
    story.snapshot("2024-01-01", country="US", home={"city": "Oslo"})
    story.change("2024-02-01", country="DE")
    story.delivery("of a German", "2024-02-02")
    story.change("2024-02-03", plan="paid")


@story
def triggers(story: Story):
    story.goal(target={"event": {"name": "purchase"}, "trigger_match": TRIGGER})
    story.journey("sql", "2024-02-01", trigger={"course": "sql"})
    story.delivery("sql", "2024-02-01", journey_id="sql")
    story.journey("rust", "2024-02-01", trigger={"course": "rust"})
    story.delivery("rust", "2024-02-01", journey_id="rust")
    story.delivery("lost", "2024-02-01", journey_id="not landed")
    story.event("purchase", "2024-02-02", event_id="e1", course="dbt")
    story.event("purchase", "2024-02-03", event_id="e2", course="dbt")
    story.event("purchase", "2024-02-04", event_id="e3", course="sql")


@story
def credit(story: Story):
    """Candidates for one achievement with every verdict."""
    story.goal(
        attribution={"criteria": {"email": "opened"}, "window_days": 7},
        impact={"currency": "USD", "event_property": "total"},
    )
    for name in ("winner", "loser", "early", "machine", "late", "unopened"):
        story.delivery(name, "2024-02-01")
    story.opened("winner", "2024-02-09")
    story.opened("loser", "2024-02-08")
    story.opened("early", "2024-02-02")
    story.opened("machine", "2024-02-09", machine=True)
    story.opened("late", "2024-02-11")
    story.event("purchase", "2024-02-10", event_id="e1", received_at="2024-02-10T06:00", total=49)
    story.event("purchase", "2024-02-10", person="nobody wrote to", event_id="e2")
    story.delivery("unopened by bob", "2024-02-01", person="bob")
    story.event("purchase", "2024-02-10", person="bob", event_id="e3")
    story.delivery("early to eve", "2024-02-01", person="eve")
    story.opened("early to eve", "2024-02-01")
    for day in range(10, 15):
        story.event("purchase", f"2024-02-{day}", person="eve", total=1)


@story
def refusals(story: Story):
    story.goal(at="2024-01-01", name="Bought")
    story.delivery("first", "2024-01-02")
    story.goal(at="2024-01-03", measurement_window_days=30)
    story.goal(at="2024-01-04", name="Bought \x1b[31m [red]", impact={"currency": "USD", "value": 5})
    story.goal("always", at="2024-01-01", definition_policy="retroactive")
    story.goal(
        "always",
        at="2024-01-05",
        definition_policy="retroactive",
        evaluation_window={"days": 9, "after": {"event": "visit"}},
    )
    story.goal("deleted", at="2024-01-01")
    story.goal("deleted", at="2024-01-02", status="deleted")


@story
def kinds(story: Story):
    """Achievements of the other kinds."""
    story.goal("clicked", target={"message": {"metric": "clicked", "channel": "email"}, "profile": PAID})
    story.goal("sent", target={"message": {"metric": "sent", "source_id": "welcome"}})
    story.goal("left", target=LEAVES_PAID)
    story.snapshot("2024-01-01", plan="paid")
    story.delivery("d1", "2024-02-01")
    story.engagement("clicked", "d1", "2024-02-02")
    story.snapshot("2024-02-03", plan="free")


@story
def events(story: Story):
    """Every reason why an event is no achievement."""
    story.workspace(data_start_at="2024-01-05")
    dear = {"property": "total", "op": "gt", "value": 100}
    online = {
        "any": [
            {"property": "shop", "op": "eq", "value": "web"},
            {"profile": "plan", "op": "eq", "value": "paid"},
        ]
    }
    story.goal(
        target={"event": {"name": "purchase", "filter": {"all": [dear, online]}}, "profile": PAID},
        evaluation_window={"after": {"event": "visit"}, "days": 7},
        at="2024-01-02",
    )
    story.goal(
        at="2024-06-01",
        status="archived",
        target={"event": {"name": "purchase", "filter": {"all": [dear, online]}}, "profile": PAID},
        evaluation_window={"after": {"event": "visit"}, "days": 7},
    )
    story.goal(
        "renamed", target={"event": {"name": "Purchase"}}, definition_policy="versioned", at="2024-01-02"
    )
    story.goal("renamed", target={"event": {"name": "order"}}, definition_policy="versioned", at="2024-01-20")
    story.snapshot("2024-01-01", plan="free")
    story.snapshot("2024-02-03", plan="paid")
    story.event("purchase", "2024-01-01", event_id="before the goal")
    story.event("purchase", "2024-01-03", event_id="before the data")
    story.event("purchase", "2024-01-31", event_id="before the window", total=200, shop="web")
    story.event("visit", "2024-02-01")
    story.event("purchase", "2024-02-02", event_id="cheap", total=20, shop="web")
    story.event("purchase", "2024-02-02T01:00", event_id="in the shop", total=200, shop="street")
    story.event("purchase", "2024-02-02T02:00", event_id="of the free", total=200, shop="web")
    story.event("purchase", "2024-02-04", event_id="counts", total=200)
    story.event("purchase", "2024-02-20", event_id="too late", total=200)
    story.event("purchase", "2024-06-02", event_id="archived", total=200)
    story.event("Purchase", "2024-02-04", event_id="another name")
    story.land("events", event_id="no time", profile_id="ann", name="purchase", occurred_at="soon")
    story.event("purchase", "2024-02-05", person="bob", event_id="unanchored", total=200, shop="web")
    story.snapshot("2024-01-01", person="bob", plan="paid")
    story.delivery("after the clock", "2024-02-20")


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory) -> Pipeline:
    """One run of all stories, each in a workspace of its own, and of random worlds full of edge cases."""
    told = []
    for tell in STORIES:
        told.append(Story(tell.__name__))
        tell(told[-1])
    pipeline = Pipeline(tmp_path_factory.mktemp("explain"))
    write(merged([*(each.world for each in told), *map(world, range(WORLDS))]), pipeline.landing)
    pipeline.run(datetime(2024, 2, 12))
    return pipeline


@pytest.fixture
def told(pipeline: Pipeline):
    def told(tell, goal: str = "goal", person: str = "ann") -> Explanation:
        explanation = explain(pipeline.settings, tell.__name__, goal, person)
        assert explanation.not_told == ()
        return explanation

    return told


def shown(explanation: Explanation) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=300).print(render(explanation))
    return [line.strip() for line in output.getvalue().splitlines()]


def candidates(explanation: Explanation) -> dict[str, str]:
    return {each.delivery_id: each.verdict for each in explanation.achievements[0].candidates}


def test_every_message_that_is_no_impression_has_its_reason(told):
    explanation = told(messages)
    assert {each.delivery_id: each.reason or each.outcome for each in explanation.deliveries} == {
        "too early": "before_goal",
        "before the data": "before_data_start",
        "left": "enrolled",
        "anonymous": "anonymous",
        "held out": "holdout",
        "receipt": "no_campaign_or_broadcast",
        "slack": "channel_not_attributable",
        "bounced": "not_received",
        "webhook": "not_opted_in",
        "after the archiving": "not_active",
        "never left": "never_sent",
    }
    lines = shown(explanation)
    assert "delivery bounced, bounced 2024-02-01 00:01:00" in lines
    assert "because it was not received: it bounced, failed, was dropped or undeliverable" in lines
    assert "because messages by slack count for no goal" in lines
    assert "2024-02-01 00:00:00  Message m7 of Welcome (welcome) by email: enrolled" in lines
    assert (
        "2024-06-01 00:00:00  Version 2 of the goal: archived, so that nothing counts from here on" in lines
    )


def test_messages_of_sources_that_the_goal_never_listed_are_only_counted(told):
    explanation = told(messages)
    assert explanation.other_sources == {"news": 1}
    assert "Not shown: 1 message of sources that the goal never listed (news)." in shown(explanation)


def test_what_never_left_comes_last(told):
    assert told(messages).timeline[-1].delivery_id == "never left"


def test_a_journey_that_began_before_its_source_was_attached_does_not_count(told):
    reasons = {each.delivery_id: each.reason for each in told(versions).deliveries}
    assert reasons == {"begun before": "before_attached", "detached": "source_not_listed"}
    lines = shown(told(versions))
    assert "because it began on 2024-01-20 00:00:00, before news was attached on 2024-02-01 00:00:00" in lines
    assert "because the goal did not list welcome then" in lines


def test_a_message_that_was_never_delivered_is_no_impression_of_a_goal_that_asks_for_it(told):
    reasons = {each.delivery_id: each.reason for each in told(delivered).deliveries}
    assert reasons == {"never": "never_delivered", "between": "between_versions"}


def test_who_is_not_eligible_sees_the_filter_and_the_state_that_failed_it(told):
    lines = shown(told(outcomes))
    at = lines.index("2024-01-20 00:00:00  Message of welcome by email: not eligible")
    assert lines[at + 1 : at + 4] == [
        "delivery of a German",
        'candidates: country is one of "US", "CA"',
        'the person then: country was "DE" (observed 2024-01-15 00:00:00)',
    ]
    assert "the person then: nothing was known yet" in lines


def test_a_state_that_changes_made_is_shown_as_a_whole(told):
    lines = shown(told(changes))
    assert 'the person then: country was "DE" (observed 2024-02-01 00:00:00)' in lines
    assert 'the person entered the state, plan was "paid"' in lines


def test_who_is_there_already_sees_the_state(told):
    lines = shown(told(outcomes))
    at = lines.index("2024-02-10 00:00:00  Message of welcome by email: already achieved")
    assert lines[at + 2 : at + 4] == [
        'in the state already: plan is "paid"',
        'the person then: plan was "paid" (observed 2024-02-05 12:00:00)',
    ]
    assert 'out of the state already: plan is "paid"' in shown(told(outcomes, "left"))


def test_a_second_message_of_a_journey_names_the_delivery_that_enrolled(told):
    assert "by delivery first on 2024-02-02 00:00:00: a window starts once" in shown(told(outcomes))


def test_an_enrollment_that_converted_says_by_what_and_when(told):
    explanation = told(outcomes)
    (enrollment,) = [each.enrollment for each in explanation.deliveries if each.delivery_id == "first"]
    assert (enrollment.achievement_number, enrollment.converted_at) == (1, datetime(2024, 2, 5, 12))
    assert (
        "window until 2024-02-16 00:00:00: "
        "converted by achievement 1 on 2024-02-05 12:00:00, after 3 days, 12:00:00" in shown(explanation)
    )
    assert explanation.achievements[0].converted_deliveries == ("first",)


def test_an_enrollment_without_success_says_whether_its_window_is_still_open(told):
    lines = shown(told(outcomes, person="bob"))
    assert "window until 2024-02-17 00:00:00: not yet converted, it is still open" in lines
    assert "the goal has not been reached inside the window yet" in lines
    assert "the goal was not reached inside the window" not in lines


def test_an_achievement_of_another_trigger_does_not_convert(told):
    lines = shown(told(triggers))
    assert any("converted by achievement 3" in line for line in lines)
    other = "another trigger, course was"
    assert (
        f'achievements 1, 2 inside the window: {other} "dbt" in the event, course was "rust" in the journey'
        in lines
    )
    assert (
        f'achievement 3 inside the window: {other} "sql" in the event, course was "rust" in the journey'
        in lines
    )
    assert "achievements 1, 2, 3 inside the window: no trigger to match, the journey has not landed" in lines


def test_each_candidate_says_why_it_did_or_did_not_get_the_credit(told):
    explanation = told(credit)
    assert candidates(explanation) == {
        "winner": "credited",
        "loser": "not_last",
        "early": "outside_window",
        "late": "no_touch",
        "machine": "no_touch",
        "unopened": "no_touch",
    }
    lines = shown(explanation)
    at = next(number for number, line in enumerate(lines) if "Achievement 1, worth 49.00 USD" in line)
    assert lines[at + 1 :] == [
        "event 'purchase' e1, occurred 2024-02-10 00:00:00, received 2024-02-10 06:00:00",
        "converts the enrollment by delivery early",
        "credit: delivery winner of welcome, opened 2024-02-09 00:00:00 "
        "[last 100%, linear 50%, position 50%, time decay 52%]",
        "not the last touch, lost to winner: delivery loser of welcome, opened 2024-02-08 00:00:00 "
        "[first 100%, linear 50%, position 50%, time decay 48%]",
        "touched, but not in the 7 days before: early (opened 2024-02-02 00:00:00)",
        "no touch: late (opened 2024-02-11 00:00:00 after the achievement), "
        "machine (opened 2024-02-09 00:00:00 by a machine, which this goal does not count), "
        "unopened (never opened)",
    ]


def test_what_nobody_gets_the_credit_for_says_why(told):
    def reason(person):
        return told(credit, person=person).achievements[0].unattributed_reason

    assert reason("nobody wrote to") == "no_delivery"
    assert reason("bob") == "no_qualifying_metric"
    assert reason("eve") == "outside_window"


def test_achievements_in_a_row_that_changed_nothing_are_told_as_one(told):
    explanation = told(credit, person="eve")
    assert [each.achievement_number for each in explanation.achievements] == [1, 2, 3, 4, 5]
    lines = shown(explanation)
    assert (
        "2024-02-11 00:00:00  Achievements 2 to 5, the last on 2024-02-14 00:00:00, worth 4.00 USD together"
        in lines
    )


def test_a_refused_change_says_why_and_the_version_before_stays(told):
    lines = shown(told(refusals))
    at = lines.index("2024-01-03 00:00:00  A change of the goal was refused (goal_locked)")
    assert lines[at + 1].startswith("the goal sent its first message at 2024-01-02")
    assert "time to reach it: 30 days, from the message that enrolls" not in lines


def test_a_later_version_tells_only_what_it_changed(told):
    lines = shown(told(refusals))
    at = lines.index("2024-01-04 00:00:00  Version 2 of the goal")
    assert lines[at + 1 :] == ["worth: 5.00 USD"]


def test_a_version_tells_what_is_no_longer_asked(told):
    lines = shown(told(versions))
    at = lines.index("2024-03-01 00:00:00  Version 3 of the goal")
    assert lines[at + 1] == "messages: when sent, of news"


def test_a_retroactive_goal_is_its_newest_row_for_all_time(told):
    lines = shown(told(refusals, "always"))
    assert (
        lines[4]
        == "2024-01-05 00:00:00  Version 2 of the goal, in force for all time: the goal is retroactive"
    )
    assert (
        "2024-01-01 00:00:00  Version 1 of the goal: "
        "replaced by the newest for all time, since the goal is retroactive" in lines
    )
    assert "evaluation window: 9 days from the person's first event 'visit'" in lines


def test_names_cannot_steer_the_terminal(told):
    assert shown(told(refusals))[0] == "Bought \\x1b[31m [red] (goal), for ann of refusals"


def test_achievements_say_what_reached_the_target(told):
    assert "delivery d1 was clicked" in shown(told(kinds, "clicked"))
    assert 'success: a message clicked, by email, while in the state: plan is "paid"' in shown(
        told(kinds, "clicked")
    )
    assert "delivery d1 was sent" in shown(told(kinds, "sent"))
    assert 'the person left the state, plan was "free"' in shown(told(kinds, "left"))


def test_an_event_that_is_no_achievement_says_why(told):
    explanation = told(events)
    assert {each.event_id: each.reason for each in explanation.non_achievements} == {
        "before the goal": "before_goal",
        "before the data": "before_data_start",
        "before the window": "profile_not_met",
        "cheap": "filter_not_met",
        "in the shop": "filter_not_met",
        "of the free": "profile_not_met",
        "too late": "after_evaluation_window",
        "archived": "not_active",
        "no time": "quarantined",
    }
    assert [each.natural_key for each in explanation.achievements] == ["counts"]
    assert {each.event_id: each.reason for each in told(events, person="bob").non_achievements} == {
        "unanchored": "no_anchor"
    }


def test_of_a_filter_that_is_not_met_it_says_which_condition(told):
    lines = shown(told(events))
    at = lines.index("2024-02-02 00:00:00  Event 'purchase': no achievement")
    assert lines[at + 1 : at + 4] == [
        "event cheap",
        "because this part of the goal's filter does not hold: total is more than 100",
        'the event: shop was "web", total was 20, the person then: plan was "free"',
    ]
    assert (
        'because this part of the goal\'s filter does not hold: shop is "web"; the person\'s plan is "paid"'
        in lines
    )


def test_an_event_of_another_name_or_in_quarantine_is_told(told):
    lines = shown(told(events))
    assert any(line.startswith("because its row is quarantined, bad_timestamp") for line in lines)
    assert any(line.startswith("event no time, events/") for line in lines)
    assert (
        "Almost the name that the goal asks for: 'Purchase'. "
        "A name counts only if it is written just so, upper and lower case included." in lines
    )
    assert any(
        line.startswith("Not shown: 2 events of other names than the goal asks for ('Purchase' 1, 'visit' 1)")
        for line in lines
    )


def test_events_in_a_row_that_are_no_achievements_for_one_reason_are_told_as_one():
    event = {"event_name": "purchase", "reason": "before_goal", "asked_name": "purchase"}
    entries = [NonAchievement(moment=datetime(2024, 1, day), event_id=str(day), **event) for day in (1, 2, 3)]
    assert words_of_a_row(entries)[0][0] == (
        "3 events 'purchase', the last on 2024-01-03 00:00:00: no achievements"
    )
    assert [len(each) for each in rows_of(entries)] == [3]


@pytest.mark.parametrize(
    ("filter", "met", "failed"),
    [
        ({"all": []}, [], []),
        ({"any": []}, [], ["never"]),
        ({"not": {"any": []}}, [], []),
        ({"property": "a", "op": "eq", "value": 1}, [False], ["a is 1"]),
        ({"property": "a", "op": "neq", "value": 1}, [True], ["not (a is 1)"]),
        (
            {"any": [{"property": "a", "op": "exists"}, {"property": "/b/c", "op": "in", "value": [1, 2]}]},
            [False, False],
            ["a is there", "b/c is one of 1, 2"],
        ),
        (
            {"property": "a", "op": "in", "value": list(range(12))},
            [False],
            ["a is one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2 more"],
        ),
        (
            {"property": "a", "op": "eq", "value": "x" * 500},
            [False],
            [f'a is "{"x" * 199} …'],
        ),
        (
            {"not": {"all": [{"property": "a", "op": "exists"}, {"profile": "b", "op": "exists"}]}},
            [True, True],
            ["not (a is there)", "not (the person's b is there)"],
        ),
    ],
)
def test_the_conditions_that_failed_are_those_that_made_the_filter_false(filter, met, failed):
    assert failed_conditions(predicate(filter).as_json(), met) == failed


def test_what_lies_after_as_of_is_told_to_be_in_no_report_yet(told):
    assert "later than the reports count: not in any report yet" in shown(told(events))


# ---- the tables of reasons against the facts, over worlds made to be nasty ---------------------------------


def test_every_message_of_a_listed_source_is_an_impression_or_has_a_reason(pipeline):
    """Exactly one of the two, so the reasons are the checks the other way round."""
    listed = """
        select distinct deliveries.workspace_id, sources.goal_id, deliveries.delivery_id
        from staging.stg_deliveries as deliveries
        inner join intermediate.int_goal_sources as sources using (workspace_id, source_id)
        inner join intermediate.int_goal_rules as rules
            on sources.workspace_id = rules.workspace_id and sources.goal_id = rules.goal_id
    """
    judged = """
        select workspace_id, goal_id, delivery_id from marts.fct_impressions
        union all select workspace_id, goal_id, delivery_id from intermediate.int_non_impressions
    """
    assert difference(pipeline, listed, judged) == []
    reasons = {
        row["reason"]
        for row in pipeline.query("select distinct reason from intermediate.int_non_impressions")
    }
    assert len(reasons) == 14


def test_every_event_that_a_goal_asks_for_is_an_achievement_or_has_a_reason(pipeline):
    """Exactly one of the two, so the reasons are the conditions the other way round."""
    asked = """
        select distinct events.workspace_id, rules.goal_id, events.profile_id, events.event_id
        from staging.stg_events as events
        inner join intermediate.int_goal_rules as rules
            on events.workspace_id = rules.workspace_id and events.name = rules.event_name
    """
    judged = """
        select workspace_id, goal_id, profile_id, natural_key from marts.fct_achievements where kind = 'event'
        union all select workspace_id, goal_id, profile_id, event_id from intermediate.int_non_achievements
    """
    assert difference(pipeline, asked, judged) == []
    reasons = {
        row["reason"]
        for row in pipeline.query("select distinct reason from intermediate.int_non_achievements")
    }
    assert len(reasons) == 10, sorted(reasons)


def test_every_enrollment_converted_or_has_a_reason(pipeline):
    enrolled = "select enrollment_id from marts.fct_enrollments where converted_at is null"
    assert (
        difference(pipeline, enrolled, "select distinct enrollment_id from intermediate.int_non_conversions")
        == []
    )
    reasons = pipeline.query("select distinct reason from intermediate.int_non_conversions order by reason")
    assert [row["reason"] for row in reasons] == [
        "journey_not_landed",
        "no_achievement",
        "trigger_not_matched",
    ]


def test_the_candidates_that_are_told_are_those_that_the_marts_decide_by(pipeline):
    in_the_window = """
        select achievement_id, delivery_id, touch_metric, touch_at
        from intermediate.int_candidates where is_within_window
    """
    touches = "select achievement_id, delivery_id, touch_metric, touch_at from marts.fct_touches"
    assert difference(pipeline, in_the_window, touches) == []
    told = """
        select
            achievements.achievement_id,
            case
                when count(candidates.delivery_id) = 0 then 'no_delivery'
                when count(candidates.touch_at) = 0 then 'no_qualifying_metric'
                else 'outside_window'
            end as reason
        from marts.fct_achievements as achievements
        left join intermediate.int_candidates as candidates
            on achievements.achievement_id = candidates.achievement_id
            and candidates.sent_at >= achievements.achieved_at - interval 90 day
        anti join intermediate.int_candidates as touched
            on achievements.achievement_id = touched.achievement_id and touched.is_within_window
        group by achievements.achievement_id
    """
    reasons = "select achievement_id, unattributed_reason from marts.fct_attributions where not is_attributed"
    assert difference(pipeline, told, reasons) == []
    assert len(pipeline.query("select distinct unattributed_reason from marts.fct_attributions")) == 4


def test_the_touch_of_a_candidate_is_the_latest_moment_that_has_no_reason_against_it(pipeline):
    touches = """
        select achievement_id, delivery_id, touch_at
        from intermediate.int_candidates where touch_at is not null
    """
    moments = """
        with moments as (
            select achievement_id, delivery_id, engagement_id, occurred_at
            from intermediate.int_candidates as candidates
            inner join staging.stg_engagements as engagements using (workspace_id, delivery_id)
            where engagements.metric = candidates.touch_metric and engagements.metric <> 'sent'
            union all
            select achievement_id, delivery_id, null, sent_at
            from intermediate.int_candidates where touch_metric = 'sent'
        )
        select achievement_id, delivery_id, max(occurred_at)
        from moments
        anti join intermediate.int_non_touches as missed
            on moments.achievement_id = missed.achievement_id and moments.delivery_id = missed.delivery_id
            and moments.engagement_id is not distinct from missed.engagement_id
        group by achievement_id, delivery_id
    """
    assert difference(pipeline, touches, moments) == []
    reasons = pipeline.query("select distinct reason from intermediate.int_non_touches order by reason")
    assert [row["reason"] for row in reasons] == ["after_achievement", "before_start", "machine"]


def test_every_person_of_every_goal_can_be_told(pipeline):
    """Whatever lands: no reason without words, no entry twice, and as many as the marts hold."""
    people = pipeline.query("""
        select workspace_id, goal_id, profile_id, count(*) as impressions
        from marts.fct_impressions
        group by all
        order by impressions desc, workspace_id, goal_id, profile_id
        limit 8
    """)
    for person in people:
        explanation = explain(
            pipeline.settings, person["workspace_id"], person["goal_id"], person["profile_id"]
        )
        assert explanation.not_told == ()
        assert sum(each.outcome is not None for each in explanation.deliveries) == person["impressions"]
        assert len({each.delivery_id for each in explanation.deliveries}) == len(explanation.deliveries)
        assert shown(explanation)


def difference(pipeline: Pipeline, one: str, other: str) -> list[dict]:
    return pipeline.query(
        f"((({one}) except all ({other})) union all (({other}) except all ({one}))) limit 5"
    )


# ---- the command -------------------------------------------------------------------------------------------


def run(home: Path, monkeypatch, *arguments: str):
    app = typer.Typer()
    app.command("explain")(explain_command)
    monkeypatch.setenv("GOALPOST_HOME", str(home))
    return CliRunner().invoke(app, list(arguments))


def test_the_command_prints_the_history(pipeline, monkeypatch):
    result = run(
        pipeline.settings.home, monkeypatch, "--goal", "goal", "--profile", "ann", "--workspace", "credit"
    )
    assert result.exit_code == 0, result.output
    assert "goal, for ann of credit" in result.output


def test_the_history_as_data_has_the_words_too(pipeline, monkeypatch):
    arguments = ("--goal", "goal", "--profile", "ann", "--workspace", "credit", "--json")
    explanation = json.loads(run(pipeline.settings.home, monkeypatch, *arguments).output)
    achievement = explanation["timeline"][-1]
    assert achievement["entry"] == "achievement" and achievement["impact_value"] == "49.000000"
    assert achievement["candidates"][0]["credits"]["last"] == "1.000000000000"
    assert achievement["words"][0] == "Achievement 1, worth 49.00 USD"


@pytest.mark.parametrize(
    ("workspace", "goal", "profile", "sentence"),
    [
        (
            "credit",
            "gaol",
            "ann",
            "There is no goal 'gaol' in workspace 'credit': the closest is 'goal' of workspace 'credit'.",
        ),
        (
            None,
            "clickd",
            "ann",
            "There is no goal 'clickd': the closest are 'clicked' of workspace 'kinds', ",
        ),
        (
            "nowhere",
            "goal",
            "ann",
            "There is no goal 'goal' in workspace 'nowhere': no goal has landed there.",
        ),
        ("credit", "goal", "Ann", "Nothing of profile 'Ann' has landed in workspace 'credit': check the id "),
        (
            None,
            "goal",
            "ann",
            "Several workspaces have a goal 'goal': say which with --workspace (changes, credit, delivered, ",
        ),
        (
            "refusals",
            "deleted",
            "ann",
            "Goal 'deleted' was deleted on 2024-01-02 00:00:00 UTC and left every mart",
        ),
    ],
)
def test_an_error_says_what_is_meant(pipeline, workspace, goal, profile, sentence):
    with pytest.raises(GoalpostError) as error:
        explain(pipeline.settings, workspace, goal, profile)
    assert str(error.value).startswith(sentence)


def test_before_the_first_run_it_says_what_to_do(tmp_path):
    with pytest.raises(GoalpostError, match=r"There is no warehouse .* start with `goalpost run`"):
        explain(Settings(home=tmp_path), None, "goal", "ann")


def test_before_the_first_marts_it_says_what_to_do(tmp_path):
    settings = Settings(home=tmp_path)
    connect(settings).close()
    with pytest.raises(GoalpostError, match="no marts yet: compute them with `goalpost run`"):
        explain(settings, None, "goal", "ann")


def test_after_a_run_that_was_killed_it_says_to_run_again(tmp_path):
    settings = Settings(home=tmp_path)
    with closing(connect(settings)) as connection:
        connection.execute(
            "insert into control.runs (run_id, started_at, as_of, outcome, is_full_refresh) "
            "values ('one', '2024-01-01', '2024-01-01', 'running', false)"
        )
    with pytest.raises(
        GoalpostError, match=r"The last run, started 2024-01-01 00:00:00 UTC, did not finish.*`goalpost run`"
    ):
        explain(settings, None, "goal", "ann")


def test_while_a_run_writes_it_says_so_at_once_and_what_can_be_asked_meanwhile(pipeline):
    with single_writer(pipeline.settings):
        started = time.monotonic()
        with pytest.raises(
            GoalpostError, match=f"writing just now .process {os.getpid()} .*, since .*goalpost report goal"
        ):
            explain(pipeline.settings, "credit", "goal", "ann")
    assert time.monotonic() - started < 1


def test_near_names_of_people_are_listed(pipeline):
    with pytest.raises(GoalpostError, match="the closest are 'ann'"):
        explain(pipeline.settings, "credit", "goal", "anne")


def test_while_somebody_has_the_file_open_it_says_who_and_does_not_wait(tmp_path):
    settings = Settings(home=tmp_path)
    connect(settings).close()
    hold = f"import duckdb, time; held = duckdb.connect({str(settings.warehouse)!r}); "
    hold += "print(1, flush=True); time.sleep(60)"
    writer = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE)
    try:
        assert writer.stdout and writer.stdout.readline()
        with pytest.raises(GoalpostError, match=f"is held by process {writer.pid}"):
            explain(settings, None, "goal", "ann")
    finally:
        writer.kill()
        writer.wait()


def test_a_warehouse_of_an_older_version_is_told_as_far_as_it_goes(pipeline, tmp_path):
    older = Pipeline(tmp_path)
    pipeline.copy_databases(older)
    copy = older.settings
    with closing(connect(copy)) as connection:
        for name in ("int_non_impressions", "int_non_conversions", "int_non_touches"):
            connection.execute(f"drop view intermediate.{name}")
        connection.execute("alter table marts.fct_achievements drop column natural_key")
    explanation = explain(copy, "credit", "goal", "ann")
    assert len(explanation.not_told) == 4
    assert any(line.startswith("Not told: why an enrollment did not convert") for line in shown(explanation))
