"""Which landed filters and definitions are valid (SEMANTICS, sections 3 and 4)."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestration.goals.reading import read_definition, read_filter
from orchestration.goals.shape import DEFINITIONS, SCHEMA_FILE

PAID = {"property": "plan", "op": "eq", "value": "paid"}
LEAST = {"target": {"profile": PAID}, "measurement_window_days": 14}


def reading_of(**changes):
    return read_definition(json.dumps(LEAST | changes))


def reading_of_event_filter(filter_):
    return reading_of(target={"event": {"name": "purchase", "filter": filter_}})


def normal_form(**changes):
    reading = reading_of(**changes)
    assert reading.reason_code is None, reading.problem
    return json.loads(reading.normal_form)


# --- JSON


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        '{"all": [],}',
        "{'all': []}",
        '{"property": "a", "op": "eq", "value": NaN}',
        '{"property": "a", "op": "eq", "value": -Infinity}',
        '{"property": "a", "op": "eq", "value": 01}',
        '{"property": "a", "op": "eq", "value": "tab\there"}',
        '{"all": []} {"all": []}',
        '\ufeff{"all": []}',
    ],
)
def test_text_that_is_not_json_is_bad_json(text):
    assert read_filter(text).reason_code == "bad_json"
    assert read_definition(text).reason_code == "bad_json"


def test_a_surrogate_pair_is_one_character_and_control_characters_may_be_escaped():
    reading = read_filter(r'{"property": "mood", "op": "eq", "value": "\ud83d\ude00\u0000\n"}')
    assert json.loads(reading.normal_form)["value"] == "😀\x00\n"


def test_half_a_surrogate_pair_is_the_replacement_character_in_keys_and_values():
    reading = read_filter(
        r'{"property": "a\ud83d", "op": "in", "value": ["\udc00", "\ude00\ud83d", "\ud83d\ude00"]}'
    )
    assert json.loads(reading.normal_form) == {
        "property": "a\ufffd", "op": "in", "value": ["\ufffd", "\ufffd\ufffd", "\U0001f600"],
    }  # fmt: skip


def test_of_a_repeated_key_the_first_wins_at_every_depth():
    reading = read_filter('{"not": {"property": "a", "op": "exists", "op": "nonsense"}, "not": 1}')
    assert json.loads(reading.normal_form) == {"not": {"property": "a", "op": "exists"}}


def test_a_number_beyond_64_bit_floats_is_no_value_but_may_stand_where_it_is_ignored():
    for number in ("1e400", "-1e400", "9" * 5000):
        assert read_filter(f'{{"property": "a", "op": "eq", "value": {number}}}').reason_code == "bad_filter"
        assert (
            read_filter(f'{{"property": "a", "op": "in", "value": [{number}]}}').reason_code == "bad_filter"
        )
        assert read_filter(f'{{"property": "a", "op": "exists", "value": {number}}}').reason_code is None
        assert reading_of(impact={"value": 0}).reason_code is None
        text = json.dumps(LEAST | {"impact": {"value": "?"}}).replace('"?"', number)
        assert read_definition(text).reason_code == "bad_definition"


# --- filters


@pytest.mark.parametrize(
    "filter_",
    [
        {"all": []},
        {"any": []},
        {"not": {"all": [PAID, {"segment": "vip"}]}},
        {"segment": "vip", "op": "ignored", "note": "so is this"},
        {"property": "", "op": "exists"},
        {"property": "/address/country", "op": "not_exists", "value": None},
        {"property": "a", "op": "exists", "value": {"anything": [1]}},
        {"property": "a", "op": "eq", "value": ""},
        {"property": "a", "op": "neq", "value": False},
        {"property": "a", "op": "gt", "value": 9.99},
        {"property": "a", "op": "lte", "value": "not a time, but text"},
        {"property": "a", "op": "in", "value": []},
        {"property": "a", "op": "not_in", "value": ["US", 1, 1.5, True]},
        {"property": "a", "op": "contains", "value": 3},
        {"property": "a", "op": "not_contains", "value": True},
        {"property": "a", "op": "starts_with", "value": "x"},
        {"property": "a'; drop table goals --", "op": "ends_with", "value": '"; {{ 1 }}'},
        {"property": "a", "op": "eq", "value": "x", "vaule": "ignored"},
    ],
)
def test_a_filter_that_says_something_is_accepted_as_written(filter_):
    reading = read_filter(json.dumps(filter_))
    assert (reading.reason_code, reading.problem) == (None, None)
    assert json.loads(reading.normal_form) == filter_


@pytest.mark.parametrize(
    ("filter_", "where"),
    [
        ({}, ""),
        ([], ""),
        ("plan", ""),
        (None, ""),
        ({"all": {}}, "all"),
        ({"all": [PAID, {}]}, "all[1]"),
        ({"not": []}, "not"),
        ({"segment": 5.5}, "segment"),
        ({"segment": True}, "segment"),
        ({"segment": None}, "segment"),
        ({"all": [], "any": []}, ""),
        ({"all": [], "property": "a", "op": "exists"}, ""),
        ({"property": "a", "segment": "b", "op": "exists"}, ""),
        ({"property": "a", "profile": "b", "op": "exists"}, ""),
        ({"profile": "plan", "op": "exists"}, "profile"),
        ({"property": 1, "op": "exists"}, "property"),
        ({"property": "a"}, "op"),
        ({"property": "a", "op": None}, "op"),
        ({"property": "a", "op": ["eq"]}, "op"),
        ({"property": "a", "op": "EQ", "value": 1}, "op"),
        ({"property": "a", "op": "eq"}, "value"),
        ({"property": "a", "op": "neq", "value": None}, "value"),
        ({"property": "a", "op": "eq", "value": []}, "value"),
        ({"property": "a", "op": "eq", "value": {"profile": "b"}}, "value"),
        ({"property": "a", "op": "gt", "value": True}, "value"),
        ({"property": "a", "op": "in", "value": "US"}, "value"),
        ({"property": "a", "op": "in", "value": ["US", None]}, "value[1]"),
        ({"property": "a", "op": "in", "value": [["US"]]}, "value[0]"),
        ({"property": "a", "op": "contains", "value": ["US"]}, "value"),
        ({"property": "a", "op": "starts_with", "value": 1}, "value"),
        ({"property": "a", "op": "ends_with", "value": None}, "value"),
    ],
)
def test_a_filter_that_says_nothing_is_bad_wherever_it_stands(filter_, where):
    alone = read_filter(json.dumps(filter_))
    assert alone.reason_code == "bad_filter"
    assert where in alone.problem
    if filter_ is not None:
        for inside in (reading_of(eligibility=filter_), reading_of(target={"profile": filter_})):
            assert inside.reason_code == "bad_filter"
            assert where in inside.problem


@pytest.mark.parametrize("op", ["eq", "neq", "gt", "gte", "lt", "lte"])
def test_a_filter_on_events_compares_with_the_person_by_these_operators(op):
    for subject in ("property", "profile"):
        condition = {subject: "total", "op": op, "value": {"profile": "usual_total", "note": "ignored"}}
        assert reading_of_event_filter({"any": [condition]}).reason_code is None
    assert reading_of_event_filter({"property": "a", "op": op, "value": {}}).reason_code == "bad_filter"
    assert (
        reading_of_event_filter({"property": "a", "op": op, "value": {"profile": 1}}).reason_code
        == "bad_filter"
    )


@pytest.mark.parametrize("op", ["in", "not_in", "contains", "not_contains", "starts_with", "ends_with"])
def test_no_other_operator_compares_with_the_person(op):
    condition = {"property": "total", "op": op, "value": {"profile": "usual_total"}}
    assert reading_of_event_filter(condition).reason_code == "bad_filter"


def test_only_a_filter_on_events_looks_at_the_person_by_profile():
    condition = {"profile": "plan", "op": "eq", "value": "paid"}
    assert reading_of_event_filter({"not": condition}).reason_code is None
    assert reading_of(eligibility={"not": condition}).reason_code == "bad_filter"
    assert reading_of_event_filter(condition | {"property": "total"}).reason_code == "bad_filter"


@pytest.mark.parametrize(("opening", "closing"), [('{"all":[', "]}"), ('{"not":', "}")])
def test_a_filter_may_nest_200_levels_and_is_refused_where_it_would_break_something(opening, closing):
    def nested(levels):
        return opening * levels + json.dumps(PAID) + closing * levels

    assert read_filter(nested(200)).reason_code is None
    assert read_definition(json.dumps(LEAST).replace(json.dumps(PAID), nested(200))).reason_code is None
    for levels in (600, 5_000, 100_000):
        reading = read_filter(nested(levels))
        assert reading.reason_code == "bad_filter"
        assert "nested more than 500 levels deep" in reading.problem


# --- definitions


def test_the_least_definition_gets_every_default():
    assert normal_form() == {
        "attribution": {
            "count_machine": False, "criteria": {}, "webhook_message_ids": [], "window_days": 7,
        },
        "definition_policy": "locked",
        "impression": "sent",
        "measurement_window_days": 14,
        "sources": [],
        "status": "active",
        "target": {"profile": PAID, "transition": "enter"},
    }  # fmt: skip


def test_the_parts_of_a_target_get_their_defaults():
    event = normal_form(
        target={
            "event": {"name": "purchase"},
            "trigger_match": [{"event_property": "course_id", "trigger_property": "id"}],
        }
    )
    assert event["target"] == {
        "event": {"name": "purchase", "clock": "received"},
        "trigger_match": [{"event_property": "course_id", "op": "eq", "trigger_property": "id"}],
    }
    message = normal_form(target={"message": {"metric": "clicked"}})
    assert message["target"] == {"message": {"metric": "clicked", "count_machine": False}}


def test_the_example_of_the_documentation_is_accepted():
    reading = reading_of(
        name="Trial to paid",
        description="…",
        tags=["growth"],
        eligibility={"property": "country", "op": "in", "value": ["US", "CA"]},
        target={
            "profile": PAID,
            "transition": "leave",
            "event": {
                "name": "purchase",
                "filter": {"property": "total", "op": "gt", "value": 9.99},
                "clock": "occurred",
            },
            "trigger_match": [{"event_property": "course_id", "op": "eq", "trigger_property": "course_id"}],
        },
        evaluation_window={"after": {"event": "visit"}, "days": 7},
        sources=["c1", "b7"],
        impression="delivered",
        attribution={"window_days": 0, "criteria": {"email": "opened", "carrier pigeon": "sent"}},
        impact={"currency": "USD", "event_property": "total", "currency_property": "currency"},
    )
    assert (reading.problem, reading.unknown_keys) == (None, ())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"target": None}, "target: is missing"),
        ({"target": []}, "target: a list is not an object"),
        ({"target": {}}, "target: there is nothing to reach"),
        ({"target": {"transition": "enter"}}, "target: there is nothing to reach"),
        ({"target": {"profile": PAID, "transition": "entered"}}, "'entered' is not one of enter, leave"),
        ({"target": {"event": {}}}, "target.event.name: is missing; give text"),
        ({"target": {"event": {"name": 1}}}, "target.event.name: 1 is not text"),
        ({"target": {"event": {"name": "a", "clock": "wall"}}}, "target.event.clock"),
        ({"target": {"event": {"name": "a"}, "message": {"metric": "sent"}}}, "exclude each other"),
        ({"target": {"message": {}}}, "target.message.metric: is missing"),
        ({"target": {"message": {"metric": "bounced"}}}, "target.message.metric: 'bounced' is not one of"),
        ({"target": {"message": {"metric": "sent", "channel": 1}}}, "target.message.channel"),
        ({"target": {"message": {"metric": "sent", "count_machine": "no"}}}, "count_machine"),
        ({"target": {"profile": PAID, "trigger_match": []}}, "trigger_match compares properties of an event"),
        ({"target": {"event": {"name": "a"}, "trigger_match": [{"event_property": "b"}]}}, "trigger_prop"),
        (
            {"target": {"event": {"name": "a"}, "trigger_match": [
                {"event_property": "b", "op": "in", "trigger_property": "c"}]}},
            "target.trigger_match[0].op: 'in' is not one of eq, neq, gt, gte, lt, lte",
        ),
        ({"measurement_window_days": 91}, "91 is not a whole number from 0 to 90 or null"),
        ({"measurement_window_days": -1}, "measurement_window_days"),
        ({"measurement_window_days": 14.5}, "measurement_window_days"),
        ({"measurement_window_days": True}, "measurement_window_days: true"),
        ({"measurement_window_days": "14"}, "measurement_window_days: '14'"),
        ({"evaluation_window": {"days": 7}}, "evaluation_window.after: is missing"),
        ({"evaluation_window": {"after": "signup", "days": 7}}, "give first_seen, or {event: name}"),
        ({"evaluation_window": {"after": {}, "days": 7}}, "evaluation_window.after.event: is missing"),
        ({"evaluation_window": {"after": "first_seen"}}, "evaluation_window.days: is missing"),
        ({"evaluation_window": {"after": "first_seen", "days": -1}}, "a whole number from 0 on"),
        ({"status": "paused"}, "status: 'paused' is not one of active, archived, deleted"),
        ({"definition_policy": "open"}, "definition_policy"),
        ({"impression": "opened"}, "impression"),
        ({"sources": "c1"}, "sources: 'c1' is not a list"),
        ({"sources": ["c1", 2.5]}, "sources[1]: 2.5 is not text or a whole number"),
        ({"sources": ["c1", True]}, "sources[1]: true is not text or a whole number"),
        ({"tags": [None]}, "tags[0]: null is not text"),
        ({"name": 1}, "name: 1 is not text"),
        ({"attribution": {"window_days": 91}}, "attribution.window_days"),
        ({"attribution": {"criteria": {"email": "bounced"}}}, "attribution.criteria.email"),
        ({"attribution": {"count_machine": 1}}, "attribution.count_machine"),
        ({"attribution": {"webhook_message_ids": [None]}}, "attribution.webhook_message_ids[0]"),
        ({"impact": {}}, "impact: give either value or event_property"),
        ({"impact": {"currency": "USD"}}, "impact: give either value or event_property"),
        ({"impact": {"value": 1, "event_property": "total"}}, "impact: give either value or event_property"),
        ({"impact": {"value": "49"}}, "impact.value: '49' is not a number"),
        ({"impact": {"event_property": "total"}}, "target: impact.event_property reads a property"),
        ({"impact": {"value": 1, "currency_property": "c"}}, "target: impact.currency_property reads a prop"),
        ({"impact": {"value": 1, "currency_property": 1}}, "impact.currency_property: 1 is not text"),
    ],
)  # fmt: skip
def test_a_definition_that_cannot_be_meant_is_bad_and_the_problem_says_where(changes, problem):
    reading = reading_of(**changes)
    assert reading.reason_code == "bad_definition"
    assert problem in reading.problem
    assert (reading.normal_form, reading.core_hash) == (None, None)


def test_the_measurement_window_must_be_decided_on_but_may_be_without_limit():
    assert normal_form(measurement_window_days=None)["measurement_window_days"] is None
    undecided = read_definition(json.dumps({"target": {"profile": PAID}}))
    assert undecided.reason_code == "bad_definition"
    assert undecided.problem.startswith("measurement_window_days: is missing")


@pytest.mark.parametrize("text", ["[]", "null", '"trial"', "14"])
def test_a_definition_that_is_no_object_is_a_bad_definition(text):
    assert read_definition(text).reason_code == "bad_definition"


def test_a_bad_filter_is_named_before_anything_else_that_is_wrong():
    reading = reading_of(status="paused", target={"event": {"filter": {"property": "total", "op": "above"}}})
    assert reading.reason_code == "bad_filter"
    assert reading.problem.startswith("target.event.filter.op: 'above' is not one of exists, not_exists, eq")


def test_a_problem_names_the_closest_match():
    reading = reading_of(target={"profile": {"property": "plan", "op": "equals", "value": "paid"}})
    assert reading.problem.startswith("target.profile.op: 'equals' is not one of exists,")
    assert reading.problem.endswith("did you mean eq?")


def test_a_null_is_an_absent_key():
    nulls = dict.fromkeys(["name", "eligibility", "status", "impact", "attribution", "evaluation_window"])
    assert normal_form(**nulls) == normal_form()
    assert normal_form(attribution={"criteria": {"email": None}}) == normal_form()
    target = {"event": {"name": "purchase", "filter": None, "clock": None}, "profile": None}
    assert normal_form(target=target) == normal_form(target={"event": {"name": "purchase"}})


def test_a_whole_number_may_be_written_with_a_decimal_point():
    decimals = {
        "attribution": {"window_days": 3.0},
        "evaluation_window": {"after": "first_seen", "days": 1e1},
    }
    whole = {"attribution": {"window_days": 3}, "evaluation_window": {"after": "first_seen", "days": 10}}
    assert reading_of(measurement_window_days=14.0, **decimals) == reading_of(**whole)


def test_unknown_keys_are_ignored_and_reported():
    reading = reading_of(
        atribution={"window_days": 3},
        target={"event": {"name": "a", "filter": {"all": [PAID | {"note": "x"}]}, "fliter": {}}},
        evaluation_window={"after": {"event": "visit", "x": 1}, "days": 1},
    )
    assert reading.reason_code is None
    assert sorted(reading.unknown_keys) == [
        "atribution",
        "evaluation_window.after.x",
        "target.event.filter.all[0].note",
        "target.event.fliter",
    ]
    normal = json.loads(reading.normal_form)
    assert "atribution" not in normal
    assert normal["target"]["event"] == {
        "name": "a",
        "clock": "received",
        "filter": {"all": [PAID | {"note": "x"}]},
    }


# --- ids that are numbers


def test_whole_numbers_as_ids_are_their_integer_text_everywhere_in_a_definition():
    numbers = dict(
        sources=[7, 7.0, 1e20, "07"],
        eligibility={"not": {"any": [{"segment": 12}, {"all": [{"segment": 3.0}]}]}},
        target={"message": {"metric": "clicked", "source_id": 42345.0}},
        attribution={"webhook_message_ids": [-5]},
    )
    texts = dict(
        sources=["7", "7", "100000000000000000000", "07"],
        eligibility={"not": {"any": [{"segment": "12"}, {"all": [{"segment": "3"}]}]}},
        target={"message": {"metric": "clicked", "source_id": "42345"}},
        attribution={"webhook_message_ids": ["-5"]},
    )
    assert reading_of(**numbers) == reading_of(**texts)
    assert reading_of(**numbers).reason_code is None


def test_numbers_that_are_no_ids_stay_numbers():
    filter_ = {"property": "a", "op": "in", "value": [7, 7.0, "7"]}
    assert json.loads(read_filter(json.dumps(filter_)).normal_form) == filter_


# --- limits: a definition beyond them is refused in seconds, and the sentence says what to do


def of_values(count):
    return {"property": "email", "op": "in", "value": [f"v{number}" for number in range(count)]}


@pytest.mark.parametrize(
    ("filter_", "problem"),
    [
        (of_values(200_000), "more than 10,000 values: land them as a property or a segment"),
        (of_values(10_001), "more than 10,000 values: land them as a property or a segment"),
        ({"any": [PAID] * 10_001}, "more than 10,000 items"),
        ({"any": [{"all": [PAID] * 999}] * 9}, "more than 3,000 conditions and other objects"),
        ({"any": [of_values(9_999) | {"property": f"p{n}"} for n in range(6)]}, "more than 50,000 values"),
        ({"any": [PAID | {"value": n} for n in range(1_001)]}, "more than 1,000 conditions"),
        ({"all": [{"segment": f"s{n}"} for n in range(1_001)]}, "more than 1,000 conditions"),
        (
            {"any": [{"not": {"all": [PAID, PAID | {"value": "x" * 5_100_000}]}}]},
            "longer than 5,000,000 char",
        ),
    ],
)
def test_a_filter_beyond_a_limit_is_bad_wherever_it_stands_and_told_at_once(filter_, problem):
    started = time.monotonic()
    for reading in (
        read_filter(json.dumps(filter_)),
        reading_of(eligibility=filter_),
        reading_of_event_filter(filter_),
    ):
        whole = any(limit in problem for limit in ("longer", "50,000", "3,000"))
        assert reading.reason_code == "bad_filter" or (whole and reading.reason_code == "bad_definition")
        assert problem in reading.problem
    assert time.monotonic() - started < 20


def test_a_filter_that_alternates_too_deep_for_sql_is_bad():
    nested = '{"not":{"any":[{"segment":"s"},' * 120 + json.dumps(PAID) + "]}}" * 120
    assert "nested more than 100 deep" in read_filter(nested).problem


@pytest.mark.parametrize(
    "filter_",
    [
        of_values(10_000),
        {"any": [PAID | {"value": n} for n in range(1_000)]},
        {"any": [PAID] * 2_900},  # says one thing
    ],
)
def test_a_filter_within_the_limits_is_accepted(filter_):
    assert read_filter(json.dumps(filter_)).reason_code is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sources": ["c"] * 10_001}, "sources: more than 10,000 items; shorten the list"),
        ({"tags": [["x"] * 9_000] * 6}, "more than 50,000 values; split it"),
        ({"name": "x" * 5_000_001}, "longer than 5,000,000 characters"),
        (
            {"target": {"event": {"name": "a"}, "trigger_match": [
                {"event_property": f"p{n}", "trigger_property": "c"} for n in range(101)]}},
            "target.trigger_match: has more than 100 comparisons",
        ),
    ],
)  # fmt: skip
def test_a_definition_beyond_a_limit_is_bad(changes, problem):
    reading = reading_of(**changes)
    assert reading.reason_code == "bad_definition"
    assert problem in reading.problem


# --- whatever lands


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    | st.sampled_from(["eq", "in", "gt", "paid", "2024-01-01", "first_seen", "clicked", "", "\x00", "'",
    "\ud800"]), lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.text(max_size=3)
        | st.sampled_from([
            "all", "any", "not", "segment", "property", "profile", "op", "value", "name", "event", "filter",
            "target", "eligibility", "measurement_window_days", "sources", "impact", "currency", "message",
            "metric", "attribution", "criteria", "evaluation_window", "after", "days", "trigger_match",
        ]),
        inner, max_size=4,
    ),
    max_leaves=30,
)  # fmt: skip


@given(ANYTHING)
@settings(max_examples=300, deadline=5_000)
def test_any_json_is_either_read_or_refused_with_a_reason(document):
    definition = LEAST | document if isinstance(document, dict) else LEAST | {"eligibility": document}
    for read, text in (
        (read_filter, json.dumps(document)),
        (read_definition, json.dumps(document)),
        (read_definition, json.dumps(definition)),
    ):
        reading = read(text)
        if reading.reason_code is None:
            assert reading.problem is None
            # the normal form says the same, and all of it reaches the warehouse
            assert read(reading.normal_form).normal_form == reading.normal_form
            assert "\ud800" not in reading.normal_form
        else:
            assert reading.reason_code in ("bad_json", "bad_filter", "bad_definition")
            assert reading.problem
            assert reading.normal_form is None


@given(st.text())
@settings(max_examples=200, deadline=5_000)
def test_any_text_is_either_read_or_refused_with_a_reason(text):
    assert read_filter(text).reason_code in (None, "bad_json", "bad_filter")
    assert read_definition(text).reason_code in (None, "bad_json", "bad_filter", "bad_definition")


# --- the core


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Another name", "tags": ["x"], "status": "archived", "sources": ["c1"], "unknown": 1},
        {"attribution": {"window_days": 30}, "impression": "delivered", "impact": {"value": 1}},
        {"measurement_window_days": 14.0},
        {"eligibility": None, "evaluation_window": None},
        {"target": {"transition": "enter", "profile": dict(reversed(PAID.items()))}},
    ],
)
def test_the_core_stays_the_same_when_anything_else_changes(changes):
    assert reading_of(**changes).core_hash == reading_of().core_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"eligibility": {"all": []}},
        {"target": {"profile": PAID, "transition": "leave"}},
        {"target": {"profile": PAID | {"value": "free"}}},
        {"target": {"profile": {"all": [PAID]}}},
        {"evaluation_window": {"after": "first_seen", "days": 90}},
        {"measurement_window_days": 15},
        {"measurement_window_days": None},
    ],
)
def test_the_core_changes_with_eligibility_target_and_windows(changes):
    assert reading_of(**changes).core_hash != reading_of().core_hash


def test_what_means_nothing_to_a_target_does_not_change_its_core():
    event = {"event": {"name": "purchase"}}
    hashes = {
        reading_of(target=event | more).core_hash
        for more in ({}, {"transition": "enter"}, {"transition": "leave"}, {"trigger_match": []})
    }
    assert len(hashes) == 1


# --- the published schema


def test_the_schema_is_valid_and_explains_every_key_to_an_editor():
    Draft202012Validator.check_schema(json.loads(SCHEMA_FILE.read_text("utf-8")))

    def unexplained(schema, where):
        for key, inner in schema.get("properties", {}).items():
            resolved = (
                DEFINITIONS[inner["$ref"].removeprefix("#/$defs/")] | inner if "$ref" in inner else inner
            )
            if "title" not in resolved and "not" not in resolved:
                yield f"{where}.{key}"
            yield from unexplained(inner, f"{where}.{key}")

    kinds = ["file", "definition", "segment", "funnel", "profile_filter", "event_filter"]
    assert [missing for kind in kinds for missing in unexplained(DEFINITIONS[kind], kind)] == []


def test_a_plain_validator_agrees_with_the_reading():
    validator = Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))
    good = {
        "workspace": "w",
        "goals": {"a": LEAST},
        "segments": {"s": {"filter": PAID}},
        "funnels": {"f": {"goals": ["a"]}},
    }
    assert validator.is_valid(good)
    assert validator.is_valid(good | {"goals": {"a": LEAST | {"sources": [7]}}})
    for wrong in (
        {"goals": {"a": LEAST | {"target": {"profile": {"profile": "x", "op": "exists"}}}}},
        {"goals": {"a": LEAST | {"measurement_window_days": 91}}},
        {"goals": {"a": LEAST | {"impact": {"value": 1, "currency_property": "c"}}}},
        {"funnels": {"f": {"goals": []}}},
    ):
        assert not validator.is_valid(good | wrong)
    del good["workspace"]
    assert not validator.is_valid(good)
