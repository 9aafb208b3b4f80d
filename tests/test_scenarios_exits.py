"""Section 9: when and why a journey ends."""

from scenarios import (
    BECOMES_PAID,
    LEAVES_PAID,
    PAID,
    PURCHASE,
    Story,
    a_microsecond_after,
    a_microsecond_before,
    condition,
    scenario,
)


def leaves_when_unmatched(story: Story, **columns) -> None:
    story.source(**{"exit_condition": "unmatched", "trigger_filter": PAID} | columns)


def exits(marts) -> dict:
    return {row["journey_id"]: (row["exit_reason"], row["exit_at"]) for row in marts.fct_journey_exits}


# -- which journeys, under which condition


@scenario
def test_only_journeys_of_a_source_with_an_exit_condition_have_a_row(story):
    story.source("never", exit_condition="never")
    story.source("unsaid")
    story.source("goal", exit_condition="goal", exit_goal_id="goal")
    for source_id in ("never", "unsaid", "goal", "unknown"):
        story.journey(f"of {source_id}", "2024-03-01", source=source_id)
    marts = yield
    assert exits(marts) == {"of goal": (None, None)}
    assert marts.fct_journey_exits.one["exit_condition"] == "goal"
    assert marts.fct_journey_exits.one["messages_after_exit"] == 0


@scenario
def test_the_condition_is_that_of_the_sources_row_in_force_on_entering_or_else_the_earliest(story):
    story.source(at="2024-02-01", exit_condition="unmatched", trigger_filter=PAID)
    story.source(at="2024-03-01", exit_condition="goal_or_unmatched", trigger_filter={"not": PAID})
    story.source(at="2024-04-01", exit_condition="never")
    story.snapshot("2023-01-01", plan="paid")
    for journey_id, at in (
        ("before all", "2024-01-01"),
        ("of the first", a_microsecond_before("2024-03-01")),
        ("of the second", "2024-03-01"),
        ("of the third", "2024-04-01"),
    ):
        story.journey(journey_id, at)
    marts = yield
    assert marts.fct_journey_exits.by("journey_id", "exit_condition") == {
        "before all": "unmatched",
        "of the first": "unmatched",
        "of the second": "goal_or_unmatched",
    }
    assert exits(marts) == {
        "before all": (None, None),
        "of the first": (None, None),
        "of the second": ("unmatched", "2024-03-01"),
    }


@scenario
def test_journeys_before_data_start_at_have_no_row(story):
    story.workspace(data_start_at="2024-03-01")
    story.source(exit_condition="goal", exit_goal_id="goal")
    story.journey("early", a_microsecond_before("2024-03-01"))
    story.journey("on time", "2024-03-01")
    marts = yield
    assert set(exits(marts)) == {"on time"}


# -- goal


@scenario
def test_a_goal_exit_is_the_first_achievement_at_or_after_entering(story):
    story.source(exit_condition="goal", exit_goal_id="goal")
    story.goal()
    for journey_id, at in (
        ("before", "2024-02-28"),
        ("at once", "2024-03-01"),
        ("after", a_microsecond_after("2024-03-01")),
    ):
        story.journey(journey_id, at)
    story.event("purchase", "2024-03-01")
    story.event("purchase", "2024-12-30")
    story.event("purchase", "2024-02-01", person="bob")
    marts = yield
    assert exits(marts) == {
        "before": ("goal", "2024-03-01"),
        "at once": ("goal", "2024-03-01"),
        "after": ("goal", "2024-12-30"),
    }


@scenario
def test_who_is_in_the_goal_state_on_entering_leaves_at_once(story):
    for goal_id, target in (
        ("enter", BECOMES_PAID),
        ("leave", LEAVES_PAID),
        ("event", PURCHASE | {"profile": PAID}),
    ):
        story.source(f"to {goal_id}", exit_condition="goal", exit_goal_id=goal_id)
        story.goal(goal_id, target=target)
        for person, at in (("paid", "2024-03-01"), ("not yet", a_microsecond_before("2024-03-01"))):
            story.journey(f"{person}, {goal_id}", at, source=f"to {goal_id}", person=person)
    for person in ("paid", "not yet"):
        story.snapshot("2024-03-01", person=person, plan="paid")
        story.snapshot("2024-04-01", person=person, plan="free")
    marts = yield
    early = a_microsecond_before("2024-03-01")
    assert exits(marts) == {
        "paid, enter": ("goal", "2024-03-01"),
        "not yet, enter": ("goal", "2024-03-01"),
        "paid, leave": ("goal", "2024-04-01"),
        "not yet, leave": ("goal", early),
        "paid, event": (None, None),
        "not yet, event": (None, None),
    }


@scenario
def test_the_goal_state_on_entering_needs_a_version_in_force_and_active(story):
    for source_id in ("later", "archived", "replaced", "deleted", "unknown", "active"):
        story.source(source_id, exit_condition="goal", exit_goal_id=source_id)
        story.journey(f"of {source_id}", "2024-03-01", source=source_id)
    story.goal("later", at=a_microsecond_after("2024-03-01"), target=BECOMES_PAID)
    story.goal("archived", target=BECOMES_PAID)
    story.goal("archived", at="2024-03-01", target=BECOMES_PAID, status="archived")
    story.goal("replaced", target=BECOMES_PAID)
    story.goal("replaced", at="2024-03-01", target=PURCHASE)
    story.goal("deleted", target=BECOMES_PAID)
    story.goal("deleted", at="2024-06-01", target=BECOMES_PAID, status="deleted")
    story.goal("active", at="2024-03-01", target=BECOMES_PAID)
    story.snapshot("2024-02-01", plan="paid")
    for person, plans in (("free", ("free", "free")), ("no longer", ("paid", "free"))):
        story.journey(f"of {person}", "2024-03-01", source="active", person=person)
        for at, plan in zip(("2024-02-01", "2024-03-01"), plans, strict=True):
            story.snapshot(at, person=person, plan=plan)
    marts = yield
    assert {journey_id for journey_id, (reason, _) in exits(marts).items() if reason} == {"of active"}


# -- unmatched


@scenario
def test_a_person_who_stops_matching_leaves_before_the_next_message(story):
    leaves_when_unmatched(story)
    story.snapshot("2024-02-01", plan="paid")
    story.journey("j", "2024-03-01")
    story.snapshot("2024-03-03", plan="free")
    for day in (2, 4, 5):
        story.delivery(f"d{day}", f"2024-03-0{day}", journey_id="j")
    marts = yield
    assert exits(marts) == {"j": ("unmatched", "2024-03-03")}
    assert marts.fct_journey_exits.one["messages_after_exit"] == 2


@scenario
def test_who_matches_again_by_the_next_message_stays(story):
    leaves_when_unmatched(story)
    story.snapshot("2024-02-01", plan="paid")
    story.journey("j", "2024-03-01")
    story.snapshot("2024-03-02", plan="free")
    story.delivery("of none", "2024-03-03")
    story.snapshot("2024-03-04", plan="paid")
    story.delivery("d4", "2024-03-04", journey_id="j")
    story.snapshot("2024-03-05", plan="free")
    story.snapshot("2024-03-06", plan="paid")
    marts = yield
    assert exits(marts) == {"j": (None, None)}


@scenario
def test_who_matches_in_between_but_not_at_the_next_message_leaves_at_the_first_moment(story):
    leaves_when_unmatched(story)
    story.snapshot("2024-02-01", plan="paid")
    story.journey("j", "2024-03-01")
    for day, plan in ((2, "free"), (3, "paid"), (4, "free"), (6, "paid")):
        story.snapshot(f"2024-03-0{day}", plan=plan)
    story.delivery("d4", "2024-03-04", journey_id="j")
    story.delivery("d7", "2024-03-07", journey_id="j")
    marts = yield
    assert exits(marts) == {"j": ("unmatched", "2024-03-02")}


@scenario
def test_the_next_message_is_the_first_sent_strictly_after(story):
    leaves_when_unmatched(story)
    for person, back_at in (("ann", "2024-03-04"), ("bob", a_microsecond_after("2024-03-04"))):
        story.snapshot("2024-02-01", person=person, plan="paid")
        story.journey(f"of {person}", "2024-03-01", person=person)
        story.snapshot("2024-03-02", person=person, plan="free")
        story.delivery(f"at that moment, to {person}", "2024-03-02", person=person, journey_id=f"of {person}")
        story.snapshot(back_at, person=person, plan="paid")
        story.delivery(f"next, to {person}", "2024-03-04", person=person, journey_id=f"of {person}")
    marts = yield
    assert exits(marts) == {"of ann": (None, None), "of bob": ("unmatched", "2024-03-02")}
    assert marts.fct_journey_exits.by("journey_id", "messages_after_exit") == {"of ann": 0, "of bob": 1}


@scenario
def test_after_the_last_message_the_newest_snapshot_decides(story):
    leaves_when_unmatched(story)
    for person, plans in (("leaves", ("free", "paid", "free")), ("returns", ("free", "free", "paid"))):
        story.snapshot("2024-02-01", person=person, plan="paid")
        story.journey(f"{person}", "2024-03-01", person=person)
        story.delivery(f"to {person}", "2024-03-02", person=person, journey_id=person)
        for day, plan in enumerate(plans, start=3):
            story.snapshot(f"2024-03-0{day}", person=person, plan=plan)
    marts = yield
    assert exits(marts) == {"leaves": ("unmatched", "2024-03-03"), "returns": (None, None)}


@scenario
def test_who_does_not_match_on_entering_or_has_no_snapshot_leaves_at_once(story):
    leaves_when_unmatched(story)
    story.snapshot("2024-02-01", person="free", plan="free")
    story.snapshot("2024-03-02", person="seen later", plan="paid")
    for person in ("free", "stranger", "seen later"):
        story.journey(person, "2024-03-01", person=person)
    marts = yield
    assert exits(marts) == {
        "free": ("unmatched", "2024-03-01"),
        "stranger": ("unmatched", "2024-03-01"),
        "seen later": (None, None),
    }


@scenario
def test_a_snapshot_at_entered_at_is_the_state_on_entering(story):
    leaves_when_unmatched(story)
    story.snapshot("2024-02-01", plan="free")
    story.snapshot("2024-03-01", plan="paid")
    story.snapshot("2024-03-03", plan="free")
    story.snapshot("2024-03-01", person="first seen then", plan="paid")
    story.snapshot("2024-03-03", person="first seen then", plan="free")
    for person in ("ann", "first seen then"):
        story.journey(person, "2024-03-01", person=person)
    marts = yield
    assert set(exits(marts).values()) == {("unmatched", "2024-03-03")}


@scenario
def test_without_a_filter_nobody_is_unmatched(story):
    leaves_when_unmatched(story, trigger_filter=None)
    story.journey("j", "2024-03-01")
    marts = yield
    assert exits(marts) == {"j": (None, None)}


@scenario
def test_the_segments_of_a_trigger_filter_are_those_in_force_on_entering(story):
    leaves_when_unmatched(story, trigger_filter={"segment": "members"})
    story.segment("members", condition("exists"), at="2024-02-01")
    story.segment("members", condition("eq", "gold"), at="2024-03-01")
    story.snapshot("2024-01-01", x="silver")
    for journey_id, at in (
        ("no segment yet", a_microsecond_before("2024-02-01")),
        ("old", a_microsecond_before("2024-03-01")),
        ("new", "2024-03-01"),
    ):
        story.journey(journey_id, at)
    marts = yield
    assert {journey_id: reason for journey_id, (reason, _) in exits(marts).items()} == {
        "no segment yet": "unmatched",
        "old": None,
        "new": "unmatched",
    }


# -- both, and afterwards


@scenario
def test_goal_or_unmatched_is_the_earlier_and_a_tie_is_goal(story):
    story.source(exit_condition="goal_or_unmatched", exit_goal_id="goal", trigger_filter=PAID)
    story.goal()
    for person, bought_at in (
        ("goal first", "2024-03-02"),
        ("tie", "2024-03-03"),
        ("unmatched first", "2024-03-04"),
        ("no goal", None),
    ):
        story.snapshot("2024-02-01", person=person, plan="paid")
        story.journey(person, "2024-03-01", person=person)
        story.snapshot("2024-03-03", person=person, plan="free")
        if bought_at:
            story.event("purchase", bought_at, person=person)
    marts = yield
    assert exits(marts) == {
        "goal first": ("goal", "2024-03-02"),
        "tie": ("goal", "2024-03-03"),
        "unmatched first": ("unmatched", "2024-03-03"),
        "no goal": ("unmatched", "2024-03-03"),
    }


@scenario
def test_each_condition_looks_only_at_its_own(story):
    story.source("goal", exit_condition="goal", exit_goal_id="goal", trigger_filter=PAID)
    story.source(
        "unmatched", exit_condition="unmatched", exit_goal_id="goal", trigger_filter=condition("not_exists")
    )
    story.goal()
    story.event("purchase", "2024-03-02")
    for source_id in ("goal", "unmatched"):
        story.journey(source_id, "2024-03-01", source=source_id)
    marts = yield
    assert exits(marts) == {"goal": ("goal", "2024-03-02"), "unmatched": (None, None)}


@scenario
def test_after_finished_at_there_is_no_exit(story):
    story.source(exit_condition="goal", exit_goal_id="goal")
    story.goal()
    story.event("purchase", "2024-03-02")
    story.journey("finished before", "2024-03-01", finished_at=a_microsecond_before("2024-03-02"))
    story.journey("finished then", "2024-03-01", finished_at="2024-03-02")
    marts = yield
    assert exits(marts) == {"finished before": (None, None), "finished then": ("goal", "2024-03-02")}


@scenario
def test_messages_after_exit_are_the_journeys_sendable_ones_sent_after_that_moment(story):
    story.source(exit_condition="goal", exit_goal_id="goal")
    story.goal(attribution={"webhook_message_ids": ["m1"]})
    story.journey("j", "2024-03-01")
    story.journey("bobs", "2024-03-01", person="bob")
    story.event("purchase", "2024-03-02")
    later = a_microsecond_after("2024-03-02")
    story.delivery("at that moment", "2024-03-02", journey_id="j")
    story.delivery("after", later, journey_id="j")
    story.delivery("bounced", later, journey_id="j")
    story.engagement("bounced", "bounced", later)
    story.delivery("webhook", later, journey_id="j", channel="webhook", message_id="m1")
    story.delivery("slack", later, journey_id="j", channel="slack")
    story.delivery("held out", later, journey_id="j", is_holdout=True)
    story.delivery("another journey's", later, journey_id="bobs")
    story.delivery("of none", later)
    marts = yield
    assert marts.fct_journey_exits.by("journey_id", "messages_after_exit") == {"j": 2, "bobs": 0}


@scenario
def test_a_webhook_is_not_the_next_message(story):
    leaves_when_unmatched(story)
    story.snapshot("2024-02-01", plan="paid")
    story.journey("j", "2024-03-01")
    story.snapshot("2024-03-02", plan="free")
    story.delivery("webhook", "2024-03-03", journey_id="j", channel="webhook", message_id="m1")
    story.snapshot("2024-03-04", plan="paid")
    story.delivery("email", "2024-03-05", journey_id="j")
    marts = yield
    assert exits(marts) == {"j": (None, None)}
