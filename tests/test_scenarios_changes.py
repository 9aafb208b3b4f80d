"""Section 5: changes of a person, laid over the snapshots, key by key."""

import json

from scenarios import BECOMES_PAID, LEAVES_PAID, condition, scenario

IN_OSLO_AND_PAID = {
    "profile": {"all": [condition("eq", "paid", of="plan"), condition("eq", "Oslo", of="/home/city")]}
}


@scenario
def test_a_change_leaves_the_keys_that_it_does_not_name(story):
    story.goal(target=IN_OSLO_AND_PAID)
    story.snapshot("2024-03-01", plan="free", home={"city": "Oslo"})
    story.change("2024-03-02", plan="paid")
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-02"]
    assert json.loads(marts.dim_profiles.one["properties"]) == {"home": {"city": "Oslo"}, "plan": "paid"}


@scenario
def test_a_change_replaces_a_key_whole_and_a_key_set_to_null_is_missing(story):
    story.goal("in oslo", target={"profile": condition("eq", "Oslo", of="/home/city")})
    story.goal("homeless", target={"profile": {"property": "home", "op": "not_exists"}})
    story.snapshot("2024-03-01", home={"city": "Oslo"})
    story.change("2024-03-02", home={"street": "Karl Johan"})
    story.change("2024-03-03", home={"city": "Oslo"})
    story.change("2024-03-04", home=None)
    marts = yield
    assert marts.fct_achievements.where(goal_id="in oslo").column("achieved_at") == [
        "2024-03-01",
        "2024-03-03",
    ]
    assert marts.fct_achievements.where(goal_id="homeless").column("achieved_at") == ["2024-03-04"]


@scenario
def test_who_has_changes_only_is_known_from_the_first_on(story):
    story.goal(target=BECOMES_PAID)
    story.change("2024-03-01", x=1)
    story.change("2024-03-02", plan="paid")
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-02"]
    profile = marts.dim_profiles.one
    assert (profile["first_observed_at"], profile["observed_at"]) == ("2024-03-01", "2024-03-02")
    assert json.loads(profile["properties"]) == {"plan": "paid", "x": 1}


@scenario
def test_a_snapshot_ends_what_the_changes_before_it_said(story):
    story.goal(target=LEAVES_PAID)
    story.change("2024-03-01", plan="paid")
    story.snapshot("2024-03-02", x=1)
    story.change("2024-03-02", plan="paid")
    story.snapshot("2024-03-03", x=1)
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-03"]


@scenario
def test_the_observations_of_one_moment_are_one_in_the_order_of_their_ids(story):
    story.goal(target=BECOMES_PAID)
    story.snapshot("2024-03-01", plan="free")
    story.change("2024-03-02", change_id="b", plan="free")
    story.change("2024-03-02", change_id="a", plan="paid")
    story.change("2024-03-03", change_id="10", plan="free")
    story.change("2024-03-03", change_id="9", plan="paid")
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-03"]


@scenario
def test_a_change_that_deletes_is_the_last_of_its_moment_and_what_follows_begins_from_nothing(story):
    story.goal("paid", target=BECOMES_PAID)
    story.goal("left", target=LEAVES_PAID)
    story.snapshot("2024-03-01", plan="paid", x=1)
    story.change("2024-03-02", change_id="a", deleted=True, plan="paid")
    story.change("2024-03-02", change_id="b", plan="paid", z=1)
    story.change("2024-03-03", y=2)
    story.change("2024-03-04", plan="paid")
    marts = yield
    assert marts.fct_achievements.where(goal_id="paid").column("achieved_at") == ["2024-03-01", "2024-03-04"]
    assert marts.achievers("left") == set()
    profile = marts.dim_profiles.one
    assert json.loads(profile["properties"]) == {"plan": "paid", "y": 2}
    assert not profile["is_deleted"]


@scenario
def test_a_person_whom_a_change_deletes_stays_marked_and_without_properties(story):
    story.goal(target=BECOMES_PAID)
    story.snapshot("2024-03-01", plan="paid")
    story.change("2024-03-02", change_id="before", deleted=True)
    story.change("2024-03-02", change_id="later", plan="free")
    marts = yield
    assert marts.dim_profiles.one["is_deleted"]
    assert marts.dim_profiles.one["properties"] is None
    assert marts.achievers() == {"ann"}


@scenario
def test_a_stay_in_a_segment_begins_and_ends_with_a_change(story):
    story.segment("payers", {"property": "plan", "op": "eq", "value": "paid"})
    story.goal(target=BECOMES_PAID)
    story.snapshot("2024-03-01", plan="free")
    story.change("2024-03-02", plan="paid")
    story.change("2024-03-03", x=1)
    story.change("2024-03-04", plan="free")
    marts = yield
    stay = marts.fct_segment_memberships.one
    assert (stay["entered_at"], stay["left_at"]) == ("2024-03-02", "2024-03-04")


@scenario
def test_an_evaluation_window_begins_at_the_first_change_of_whom_no_snapshot_was_observed(story):
    story.goal(target={"event": {"name": "purchase"}}, evaluation_window={"after": "first_seen", "days": 2})
    story.change("2024-03-01", x=1)
    story.event("purchase", "2024-03-03")
    story.event("purchase", "2024-03-04")
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-03"]


@scenario
def test_an_event_is_compared_with_the_state_that_changes_made(story):
    story.goal(
        target={
            "event": {
                "name": "purchase",
                "filter": {"property": "total", "op": "gt", "value": {"profile": "limit"}},
            }
        }
    )
    story.snapshot("2024-03-01", limit=10)
    story.event("purchase", "2024-03-02", total=20)
    story.change("2024-03-03", limit=30)
    story.event("purchase", "2024-03-04", total=20)
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-02"]


@scenario
def test_of_two_rows_of_one_change_the_one_with_the_higher_sequence_stands(story):
    story.goal(target=BECOMES_PAID)
    story.change("2024-03-01", change_id="a", plan="free", sequence=2)
    story.change("2024-03-01", change_id="a", plan="paid", sequence=1)
    marts = yield
    assert marts.achievers() == set()


@scenario
def test_a_change_without_an_id_or_with_text_that_is_no_object_is_quarantined(story):
    story.goal(target=BECOMES_PAID)
    story.land("profile_changes", profile_id="ann", changed_at="2024-03-01", properties='{"plan": "paid"}')
    story.land(
        "profile_changes", profile_id="ann", changed_at="2024-03-01", change_id="a", properties='["plan"]'
    )
    marts = yield
    assert marts.quarantined("profile_changes") == ["bad_json", "missing_key"]
