"""Section 4: versions, policies, the lock, archiving and deleting, and what counts from when."""

from scenarios import (
    BECOMES_PAID,
    PAID,
    PURCHASE,
    a_microsecond_after,
    a_microsecond_before,
    condition,
    scenario,
)

SIGNUP = {"event": {"name": "signup"}}


# -- when it starts and stops


@scenario
def test_nothing_before_the_goals_start_counts(story):
    story.goal("event", at="2024-03-01")
    story.goal("profile", at="2024-03-01", target=BECOMES_PAID)
    story.goal("opened", at="2024-03-01", target={"message": {"metric": "opened"}})
    for person, moment in (("early", a_microsecond_before("2024-03-01")), ("on_time", "2024-03-01")):
        story.event("purchase", moment, person=person)
        story.snapshot(moment, person=person, plan="paid")
        story.delivery(f"to {person}", moment, person=person)
        story.opened(f"to {person}", moment)
    marts = yield
    for goal_id in ("event", "profile", "opened"):
        assert marts.achievers(goal_id) == {"on_time"}
    assert set(marts.fct_impressions.column("profile_id")) == {"on_time"}


@scenario
def test_nothing_before_data_start_at_counts(story):
    story.workspace(data_start_at="2024-03-01")
    story.goal("event")
    story.goal("profile", target=BECOMES_PAID)
    story.goal("opened", target={"message": {"metric": "opened"}})
    story.goal("retroactive", definition_policy="retroactive")
    for person, moment in (("early", a_microsecond_before("2024-03-01")), ("on_time", "2024-03-01")):
        story.event("purchase", moment, person=person)
        story.snapshot(moment, person=person, plan="paid")
        story.delivery(f"to {person}", moment, person=person)
        story.opened(f"to {person}", moment)
    marts = yield
    for goal_id in ("event", "profile", "opened", "retroactive"):
        assert marts.achievers(goal_id) == {"on_time"}
    assert set(marts.fct_impressions.column("profile_id")) == {"on_time"}


@scenario
def test_for_events_data_start_at_is_tested_against_received_at(story):
    story.workspace(data_start_at="2024-03-01")
    story.goal("received")
    story.goal("occurred", target={"event": {"name": "purchase", "clock": "occurred"}})
    story.event("purchase", "2024-02-28", received_at="2024-03-01", person="late")
    story.event("purchase", "2024-03-02", received_at=a_microsecond_before("2024-03-01"), person="early")
    marts = yield
    assert marts.fct_achievements.by("goal_id", "profile_id") == {"received": "late", "occurred": "late"}


@scenario
def test_a_goals_start_is_tested_by_the_goals_clock(story):
    story.goal("received", at="2024-03-01")
    story.goal("occurred", at="2024-03-01", target={"event": {"name": "purchase", "clock": "occurred"}})
    story.event("purchase", "2024-02-28", received_at="2024-03-01")
    marts = yield
    assert marts.fct_achievements.column("goal_id") == ["received"]


@scenario
def test_a_retroactive_goal_has_no_start(story):
    story.goal(at="2024-06-01", definition_policy="retroactive")
    story.delivery("d1", "2024-03-01")
    story.event("purchase", "2024-03-02")
    marts = yield
    assert marts.fct_conversions.column("converted_at") == ["2024-03-02"]
    assert marts.fct_achievements.column("goal_version") == ["2024-06-01"]


@scenario
def test_an_archived_goal_stops_counting_from_the_archiving_row_on_and_keeps_what_it_counted(story):
    for goal_id, target in (
        ("event", PURCHASE),
        ("profile", BECOMES_PAID),
        ("sent", {"message": {"metric": "sent"}}),
    ):
        story.goal(goal_id, target=target)
        story.goal(goal_id, at="2024-03-01", target=target, status="archived")
    for person, moment in (("in_time", a_microsecond_before("2024-03-01")), ("late", "2024-03-01")):
        story.event("purchase", moment, person=person)
        story.snapshot(moment, person=person, plan="paid")
        story.delivery(f"to {person}", moment, person=person)
    marts = yield
    for goal_id in ("event", "profile", "sent"):
        assert marts.achievers(goal_id) == {"in_time"}
    assert set(marts.fct_impressions.column("profile_id")) == {"in_time"}
    assert set(marts.rpt_goal_summary.column("status")) == {"archived"}


@scenario
def test_a_retroactive_goal_counts_until_the_first_row_after_its_last_active_one(story):
    targets = {"event": PURCHASE, "profile": BECOMES_PAID, "sent": {"message": {"metric": "sent"}}}
    for day, status in enumerate(("archived", "active", "archived", "archived"), start=1):
        at, policy = f"2024-03-0{day}", "retroactive"
        for goal_id, target in targets.items():
            story.goal(goal_id, at=at, status=status, definition_policy=policy, target=target)
        story.goal("never_active", at=at, status="archived", definition_policy=policy)
    moments = {
        "long_before": "2024-02-01",
        "in_time": a_microsecond_before("2024-03-03"),
        "late": "2024-03-03",
        "later": "2024-03-04",
    }
    for person, moment in moments.items():
        story.event("purchase", moment, person=person)
        story.snapshot(moment, person=person, plan="paid")
        story.delivery(f"to {person}", moment, person=person)
    marts = yield
    for goal_id in targets:
        assert marts.achievers(goal_id) == {"long_before", "in_time"}
    assert marts.achievers("never_active") == set()
    assert set(marts.fct_impressions.column("profile_id")) == {"long_before", "in_time"}


@scenario
def test_a_deleted_goal_leaves_every_mart_and_a_later_row_brings_it_back(story):
    for goal_id in ("deleted", "back"):
        story.goal(goal_id)
        story.goal(goal_id, at="2024-03-10", status="deleted")
    story.goal("back", at="2024-03-20")
    story.delivery("d1", "2024-03-01")
    for moment in ("2024-03-02", "2024-03-15", "2024-03-25"):
        story.event("purchase", moment)
    marts = yield
    for mart in (
        "dim_goals",
        "fct_achievements",
        "fct_impressions",
        "fct_enrollments",
        "fct_attributions",
        "rpt_goal_summary",
    ):
        assert set(getattr(marts, mart).column("goal_id")) == {"back"}
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-02", "2024-03-25"]


# -- versions


@scenario
def test_a_version_is_in_force_from_its_updated_at_until_the_next_versions(story):
    story.goal(name="first", definition_policy="versioned")
    story.goal(at="2024-03-01", name="second", definition_policy="versioned")
    story.event("purchase", a_microsecond_before("2024-03-01"), person="ann")
    story.event("purchase", "2024-03-01", person="bob")
    story.delivery("to ann", a_microsecond_before("2024-03-01"), person="ann")
    story.delivery("to bob", "2024-03-01", person="bob")
    for at in ("2024-01-01", "2024-03-01"):
        story.goal("profile", at=at, target=BECOMES_PAID, name="of the profile", sources=[])
        story.goal("opened", at=at, target={"message": {"metric": "opened"}}, name="opened", sources=[])
    for person in ("ann", "bob"):
        moment = a_microsecond_before("2024-03-01") if person == "ann" else "2024-03-01"
        story.snapshot(moment, person=person, plan="paid")
        story.opened(f"to {person}", moment)
    marts = yield
    versions = {"ann": "2024-01-01", "bob": "2024-03-01"}
    for goal_id in ("goal", "profile", "opened"):
        assert marts.fct_achievements.where(goal_id=goal_id).by("profile_id", "goal_version") == versions
    assert marts.fct_impressions.by("profile_id", "goal_version") == versions
    goal = marts.dim_goals.where(goal_id="goal")
    assert goal.by("version_number", "valid_from") == {1: "2024-01-01", 2: "2024-03-01"}
    assert goal.by("version_number", "valid_to") == {1: "2024-03-01", 2: None}
    assert goal.by("name", "is_current") == {"first": False, "second": True}


@scenario
def test_nothing_that_a_versioned_goal_decided_changes_with_a_new_version(story):
    story.goal(definition_policy="versioned", measurement_window_days=2)
    story.goal(at="2024-03-10", definition_policy="versioned", target=SIGNUP, measurement_window_days=1)
    story.delivery("d1", "2024-03-01", person="ann")
    story.event("purchase", "2024-03-03", person="ann")
    story.event("purchase", "2024-03-11", person="bob")
    story.event("signup", "2024-03-02", person="cid")
    story.event("signup", "2024-03-11", person="dot")
    marts = yield
    assert marts.achievers() == {"ann", "dot"}
    assert marts.fct_conversions.one["goal_version"] == "2024-01-01"


@scenario
def test_a_retroactive_goal_recomputes_its_history_by_the_newest_row(story):
    story.goal(definition_policy="retroactive", name="first")
    story.goal(at="2024-03-10", definition_policy="retroactive", target=SIGNUP, sources=["news"])
    story.event("purchase", "2024-03-01", person="ann")
    story.event("signup", "2024-03-01", person="bob")
    story.delivery("d1", "2024-02-01", source="welcome", person="bob")
    story.delivery("d2", "2024-02-02", source="news", person="bob")
    marts = yield
    assert marts.achievers() == {"bob"}
    assert marts.fct_impressions.column("delivery_id") == ["d2"]
    assert marts.dim_goals.by("version_number", "valid_from") == {1: "2024-01-01", 2: None}


@scenario
def test_an_event_counts_at_most_once_under_the_earliest_version_in_whose_interval_it_lies(story):
    by_occurred = {"event": {"name": "purchase", "clock": "occurred"}}
    story.goal("to_occurred", definition_policy="versioned")
    story.goal("to_occurred", at="2024-03-01", definition_policy="versioned", target=by_occurred)
    story.goal("to_received", definition_policy="versioned", target=by_occurred)
    story.goal("to_received", at="2024-03-01", definition_policy="versioned")
    early, late = a_microsecond_before("2024-03-01"), "2024-03-01"
    story.event("purchase", early, received_at=late, person="occurred early")
    story.event("purchase", late, received_at=early, person="received early")
    story.event("purchase", late, received_at=late, person="late")
    story.event("purchase", late, received_at="2024-01-01", person="received at the start")
    story.event("purchase", "2024-01-01", received_at=late, person="occurred at the start")
    story.event("purchase", "2023-12-31", received_at=late, person="occurred before all")
    story.goal("one_clock", definition_policy="versioned", name="first")
    story.goal("one_clock", at="2024-03-01", definition_policy="versioned", name="second")
    story.goal("other", at="2024-02-01", definition_policy="versioned", target=by_occurred)
    marts = yield
    # If both versions could claim it, the first one does; if neither could, no version does.
    assert marts.fct_achievements.where(goal_id="to_occurred").by("profile_id", "goal_version") == {
        "received early": "2024-01-01",
        "received at the start": "2024-01-01",
        "late": "2024-03-01",
    }
    # An occurred_at after the receipt is replaced by the receipt.
    assert marts.fct_achievements.where(goal_id="to_received").by("profile_id", "goal_version") == {
        "received early": "2024-01-01",
        "received at the start": "2024-01-01",
        "occurred early": "2024-01-01",
        "occurred at the start": "2024-01-01",
        "occurred before all": "2024-03-01",
        "late": "2024-03-01",
    }
    assert marts.fct_achievements.where(goal_id="one_clock").by("profile_id", "goal_version") == {
        "received early": "2024-01-01",
        "received at the start": "2024-01-01",
        "occurred early": "2024-03-01",
        "occurred at the start": "2024-03-01",
        "occurred before all": "2024-03-01",
        "late": "2024-03-01",
    }
    assert marts.achievers("other") == {"occurred early", "received early", "late"}


@scenario
def test_a_delivery_is_judged_by_the_earliest_version_in_whose_interval_its_moment_lies(story):
    story.goal("to_delivered")
    story.goal("to_delivered", at="2024-03-01", impression="delivered")
    story.goal("to_sent", impression="delivered")
    story.goal("to_sent", at="2024-03-01")
    story.delivery("straddles", "2024-02-28")
    story.engagement("delivered", "straddles", "2024-03-02")
    story.goal("always_delivered", impression="delivered", name="first")
    story.goal("always_delivered", at="2024-03-01", impression="delivered", name="second")
    story.goal("other", at="2024-02-01")
    story.delivery("before all", "2023-12-31")
    story.engagement("delivered", "before all", "2024-03-02")
    story.delivery("at the start", "2024-01-01")
    story.engagement("delivered", "at the start", "2024-03-02")
    story.delivery("at once", "2024-03-01")
    story.engagement("delivered", "at once", "2024-03-01")
    marts = yield
    assert marts.fct_impressions.where(goal_id="to_delivered").by("delivery_id", "goal_version") == {
        "at the start": "2024-01-01",
        "straddles": "2024-01-01",
        "before all": "2024-03-01",
        "at once": "2024-03-01",
    }
    # Neither version can claim a message that was sent under the first and delivered under the second.
    for goal_id, deliveries in {"to_sent": {"at once"}, "other": {"straddles", "at once"}}.items():
        assert set(marts.fct_impressions.where(goal_id=goal_id).column("delivery_id")) == deliveries
    versions = marts.fct_impressions.where(goal_id="always_delivered").by("delivery_id", "goal_version")
    assert versions == dict.fromkeys(("before all", "at the start", "straddles", "at once"), "2024-03-01")


# -- pinned segments


@scenario
def test_a_version_pins_the_segments_in_force_when_it_begins(story):
    story.segment("rich", condition("gte", 10), at="2024-01-01")
    story.segment("rich", condition("gte", 100), at="2024-02-01")
    story.goal("pinned", eligibility={"segment": "rich"})
    story.goal("renamed", eligibility={"segment": "rich"})
    story.goal(
        "renamed", at="2024-02-02", eligibility={"segment": "rich"}, name="another name is no other core"
    )
    story.goal("new_core", eligibility={"segment": "rich"})
    story.goal("new_core", at="2024-02-02", eligibility={"segment": "rich"}, measurement_window_days=15)
    story.goal("at_once", at="2024-02-01", eligibility={"segment": "rich"})
    story.goal(
        "retroactive", at="2024-01-15", eligibility={"segment": "rich"}, definition_policy="retroactive"
    )
    story.snapshot("2024-02-28", x=50)
    story.delivery("d1", "2024-03-01")
    marts = yield
    assert marts.fct_impressions.by("goal_id", "outcome") == {
        "pinned": "enrolled",
        "renamed": "enrolled",
        "new_core": "not_eligible",
        "at_once": "not_eligible",
        "retroactive": "not_eligible",
    }


@scenario
def test_a_core_that_comes_back_pins_anew(story):
    for at, days in (("2024-01-01", 14), ("2024-02-02", 7), ("2024-02-03", 14)):
        story.goal(
            at=at,
            definition_policy="versioned",
            eligibility={"segment": "rich"},
            measurement_window_days=days,
        )
    story.segment("rich", condition("gte", 10), at="2024-01-01")
    story.segment("rich", condition("gte", 100), at="2024-02-01")
    story.snapshot("2024-02-28", x=50)
    story.delivery("d1", "2024-03-01")
    marts = yield
    assert marts.fct_impressions.column("outcome") == ["not_eligible"]


# -- locked


@scenario
def test_a_locked_goal_refuses_a_new_target_and_keeps_counting_under_the_old_one(story):
    story.goal()
    story.delivery("d1", "2024-03-01")
    story.goal(at="2024-03-02", target=SIGNUP)
    story.event("purchase", "2024-03-03", person="ann")
    story.event("signup", "2024-03-03", person="bob")
    marts = yield
    assert marts.quarantined("goals") == ["goal_locked"]
    assert marts.achievers() == {"ann"}
    assert marts.dim_goals.one["valid_to"] is None
    assert marts.dim_goals.one["is_locked"]


@scenario
def test_the_core_is_eligibility_target_evaluation_window_and_measurement_window(story):
    changes = {
        "eligibility": {"eligibility": PAID},
        "target": {"target": SIGNUP},
        "evaluation_window": {"evaluation_window": {"after": "first_seen", "days": 7}},
        "measurement_window": {"measurement_window_days": None},
        "everything_else": {
            "name": "New",
            "description": "new",
            "tags": ["new"],
            "sources": ["welcome", "news"],
            "impression": "delivered",
            "attribution": {"window_days": 1, "criteria": {"email": "opened"}},
            "impact": {"value": 1},
        },
        "default_written_out": {"target": {"event": {"name": "purchase", "clock": "received"}}},
    }
    story.delivery("d1", "2024-03-01")
    for goal_id, change in changes.items():
        story.goal(goal_id)
        story.goal(goal_id, at="2024-03-02", **change)
    marts = yield
    assert marts.quarantined("goals") == ["goal_locked"] * 4
    assert set(marts.dim_goals.where(version_number=2).column("goal_id")) == {
        "everything_else",
        "default_written_out",
    }


@scenario
def test_a_goal_locks_at_its_first_send_and_a_row_of_that_very_moment_is_not_later(story):
    for goal_id, at in (
        ("at_once", "2024-03-01"),
        ("later", a_microsecond_after("2024-03-01")),
        ("before", "2024-02-28"),
    ):
        story.goal(goal_id)
        story.goal(goal_id, at=at, measurement_window_days=1)
    story.goal("at_once", at="2024-03-02", measurement_window_days=1, name="the core of that very moment")
    story.goal("at_once", at="2024-03-03", name="the core before it")
    story.delivery("d2", "2024-03-05")
    story.delivery("d1", "2024-03-01")
    marts = yield
    assert marts.quarantined("goals") == ["goal_locked", "goal_locked"]
    assert marts.dim_goals.where(version_number=1).by("goal_id", "is_current") == {
        "at_once": False,
        "later": True,
        "before": False,
    }
    assert set(marts.dim_goals.column("first_sent_at")) == {"2024-03-01"}


@scenario
def test_the_lock_compares_with_the_core_in_force_at_the_first_send(story):
    story.goal(measurement_window_days=1)
    story.goal(at="2024-02-01", measurement_window_days=2)
    story.delivery("d1", "2024-03-01")
    story.goal(at="2024-03-02", measurement_window_days=1)
    story.goal(at="2024-03-03", measurement_window_days=3)
    story.goal(at="2024-03-04", measurement_window_days=2, name="the same core")
    marts = yield
    assert marts.quarantined("goals") == ["goal_locked", "goal_locked"]
    assert marts.dim_goals.by("version_number", "measurement_window_days") == {1: 1, 2: 2, 3: 2}


@scenario
def test_only_a_sendable_delivery_from_a_listed_source_locks(story):
    quiet = {
        "unsent": {"at": None},
        "anonymous": {"is_anonymous": True},
        "held out": {"is_holdout": True},
        "transactional": {"source_type": "transactional"},
        "slack": {"channel": "slack"},
        "webhook": {"channel": "webhook", "message_id": "m1"},
        "other source": {"source": "news"},
        "before the goal": {"at": a_microsecond_before("2024-01-01")},
    }
    for delivery_id, columns in quiet.items():
        story.delivery(delivery_id, **{"at": "2024-03-01"} | columns)
    story.goal()
    story.goal(at="2024-06-01", measurement_window_days=1)
    marts = yield
    assert marts.quarantined("goals") == []
    assert not any(marts.dim_goals.column("is_locked"))


@scenario
def test_a_bounced_message_and_one_of_an_archived_goal_or_before_data_start_at_locks_too(story):
    story.workspace(data_start_at="2024-06-01")
    story.goal("bounces")
    story.goal("archived", status="archived", sources=["news"])
    story.goal("opted_in", sources=["hooks"], attribution={"webhook_message_ids": ["m1"]})
    story.delivery("d1", "2024-03-01")
    story.engagement("bounced", "d1", "2024-03-01")
    story.delivery("d2", "2024-03-01", source="news")
    story.delivery("d3", "2024-03-01", source="hooks", channel="webhook", message_id="m1")
    for goal_id, sources in (("bounces", ["welcome"]), ("archived", ["news"]), ("opted_in", ["hooks"])):
        story.goal(goal_id, at="2024-04-01", sources=sources, measurement_window_days=1)
    marts = yield
    assert marts.quarantined("goals") == ["goal_locked"] * 3


@scenario
def test_a_versioned_or_retroactive_goal_never_locks(story):
    for policy in ("versioned", "retroactive"):
        story.goal(policy, definition_policy=policy)
        story.goal(policy, at="2024-03-02", definition_policy=policy, target=SIGNUP)
    story.delivery("d1", "2024-03-01")
    marts = yield
    assert marts.quarantined("goals") == []
    assert not any(marts.dim_goals.column("is_locked"))
    assert {row["goal_id"]: row["version_number"] for row in marts.dim_goals} == {
        "versioned": 2,
        "retroactive": 2,
    }


@scenario
def test_the_first_send_of_a_retroactive_goal_is_under_its_newest_row_for_all_time(story):
    story.goal(definition_policy="retroactive", sources=["news"])
    story.goal(at="2024-02-01", definition_policy="retroactive", sources=["welcome"])
    story.delivery("of news", "2023-01-01", source="news")
    story.delivery("of welcome", "2023-06-01", source="welcome")
    marts = yield
    assert set(marts.dim_goals.column("first_sent_at")) == {"2023-06-01"}


@scenario
def test_a_locked_goals_lock_goes_by_the_source_list_of_the_version_in_force(story):
    story.goal(sources=["news"])
    story.goal(at="2024-02-01", sources=["welcome"])
    story.delivery("too early for welcome", "2024-01-15", source="welcome")
    story.delivery("too late for news", "2024-02-15", source="news")
    story.delivery("locks", "2024-03-01", source="welcome")
    marts = yield
    assert set(marts.dim_goals.column("first_sent_at")) == {"2024-03-01"}


# -- policy and currency


@scenario
def test_a_goals_policy_and_currency_are_those_of_its_first_row(story):
    story.goal("policy")
    story.goal("policy", at="2024-02-01", definition_policy="versioned")
    story.goal("currency", impact={"value": 1, "currency": "EUR"})
    story.goal("currency", at="2024-02-01", impact={"value": 1, "currency": "USD"})
    story.goal("workspaces_currency")
    story.goal("workspaces_currency", at="2024-02-01", impact={"value": 1, "currency": "EUR"})
    story.goal("no_other_currency", impact={"value": 1, "currency": "EUR"})
    story.goal("no_other_currency", at="2024-02-01")
    story.goal("no_other_currency", at="2024-02-02", impact={"value": 2, "currency": "EUR"})
    marts = yield
    assert marts.quarantined("goals") == ["bad_definition"] * 3
    numbers = {row["goal_id"]: row["version_number"] for row in marts.dim_goals}
    assert numbers == {"policy": 1, "currency": 1, "workspaces_currency": 1, "no_other_currency": 3}


@scenario
def test_a_refused_row_leaves_nothing_under_its_key(story):
    story.goal()
    story.goal(at="2024-02-01", name="stands not", sequence=1)
    story.goal(at="2024-02-01", definition_policy="versioned", sequence=2)
    marts = yield
    assert marts.quarantined("goals") == ["bad_definition"]
    assert marts.dim_goals.column("version_number") == [1]


# -- attachment


@scenario
def test_of_a_running_campaign_a_versioned_goal_counts_only_journeys_that_enter_after_its_attachment(story):
    for policy in ("versioned", "locked", "retroactive"):
        story.goal(policy, definition_policy=policy, sources=[])
        story.goal(policy, at="2024-03-01", definition_policy=policy)
    story.journey("old", a_microsecond_before("2024-03-01"))
    story.journey("new", "2024-03-01")
    story.delivery("of old", "2024-03-02", journey_id="old")
    story.delivery("of new", "2024-03-03", journey_id="new")
    story.delivery("of none", "2024-03-04")
    story.event("purchase", "2024-03-05")
    marts = yield
    impressions = {
        policy: marts.fct_impressions.where(goal_id=policy).column("delivery_id")
        for policy in ("versioned", "locked")
    }
    assert impressions == {"versioned": ["of new", "of none"], "locked": ["of old", "of new", "of none"]}
    assert len(marts.fct_impressions.where(goal_id="retroactive")) == 3
    touches = {policy: len(marts.fct_touches.where(goal_id=policy)) for policy in ("versioned", "locked")}
    assert touches == {"versioned": 2, "locked": 3}


@scenario
def test_a_source_was_attached_at_the_first_row_of_the_unbroken_run_that_lists_it(story):
    for goal_id, lists in (
        ("unbroken", (["welcome"], ["welcome", "news"], ["welcome"])),
        ("broken", (["welcome"], [], ["welcome"])),
    ):
        for month, sources in enumerate(lists, start=1):
            story.goal(goal_id, at=f"2024-0{month}-01", definition_policy="versioned", sources=sources)
    story.journey("j", "2024-01-15")
    story.delivery("d1", "2024-03-15", journey_id="j")
    story.event("purchase", "2024-03-16")
    marts = yield
    assert marts.fct_impressions.column("goal_id") == ["unbroken"]
    assert marts.fct_attributions.by("goal_id", "is_attributed") == {"unbroken": True, "broken": False}


@scenario
def test_unknown_keys_are_ignored_and_a_broken_definition_is_refused(story):
    story.goal("ignored", colour="blue")
    story.goal("no_target", target={})
    story.goal("two_kinds", target=PURCHASE | {"message": {"metric": "opened"}})
    story.goal("long_window", measurement_window_days=91)
    marts = yield
    assert marts.quarantined("goals") == ["bad_definition"] * 3
    assert marts.dim_goals.column("goal_id") == ["ignored"]
