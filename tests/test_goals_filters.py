"""What a filter says after its segments are expanded, and the predicate that it becomes (section 3)."""

import time
from datetime import datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.goals.filters import NOBODY, SegmentHistory, Segments
from orchestration.goals.predicates import ALWAYS, NEVER, Predicate, TooLarge, predicate, predicates

PAID = {"property": "plan", "op": "eq", "value": "paid"}
RICH = {"property": "spend", "op": "gt", "value": 100}


def meaning(written, segments, **options):
    """The tokens of the predicate, with the properties of its conditions."""
    compiled = predicate(Segments(segments).resolve(written, **options))
    names = [f"{each['subject']} {each['pointer']}" for each in compiled.conditions]
    return " ".join(names[token] if isinstance(token, int) else token for token in compiled.tokens)


def same(written, segments, other, **options):
    return predicate(Segments(segments).resolve(written, **options)) == predicate(other)


def holds(compiled: Predicate, values: dict) -> bool:
    """The predicate, by Python's own rules for and, or and not."""
    names = [each["pointer"] for each in compiled.conditions]
    words = [str(values[names[token]]) if isinstance(token, int) else token for token in compiled.tokens]
    return eval(" ".join(words), {"true": True, "false": False})


def test_a_segment_is_replaced_by_its_filter_however_deep_it_is_named():
    segments = {"rich": RICH, "vip": {"all": [{"segment": "rich"}, PAID]}}
    written = {"any": [{"not": {"segment": "vip"}}, {"segment": "rich"}]}
    assert same(written, segments, {"any": [{"not": {"all": [RICH, PAID]}}, RICH]})


def test_resolving_changes_neither_the_filter_nor_the_segments():
    written, segments = {"not": {"segment": "rich"}}, {"rich": {"all": [RICH]}}
    resolved = Segments(segments).resolve(written)
    resolved["not"]["all"].append(PAID)
    assert (written, segments) == ({"not": {"segment": "rich"}}, {"rich": {"all": [RICH]}})


def test_nobody_is_in_a_segment_that_is_not_in_force():
    assert Segments({}).resolve({"segment": "gone"}) == NOBODY
    assert Segments({"other": PAID}).resolve({"not": {"segment": "gone"}}) == {"not": NOBODY}


def test_nobody_is_in_a_segment_that_reaches_itself_even_where_another_part_of_it_holds():
    segments = {"loop": {"any": [PAID, {"not": {"segment": "loop"}}]}}
    assert Segments(segments).resolve({"segment": "loop"}) == NOBODY


def test_every_segment_of_a_circle_is_empty_as_a_whole():
    circle = {
        "a": {"any": [PAID, {"segment": "b"}]},
        "b": {"any": [RICH, {"segment": "c"}]},
        "c": {"any": [RICH, {"segment": "a"}]},
    }
    segments = Segments(circle)
    assert all(segments.resolve({"segment": segment}) == NOBODY for segment in circle)


def test_a_segment_that_only_refers_to_a_circle_keeps_its_own_people():
    segments = {"loop": {"segment": "loop"}, "fans": {"any": [PAID, {"segment": "loop"}]}}
    assert same({"segment": "fans"}, segments, PAID)
    for first, second in (("fans", "loop"), ("loop", "fans")):
        asked = Segments(segments)
        assert {first: asked.reaches_itself(first), second: asked.reaches_itself(second)} == {
            "fans": False, "loop": True,
        }  # fmt: skip


def test_two_ways_to_the_same_segment_are_no_circle():
    segments = {"rich": RICH, "a": {"segment": "rich"}, "b": {"all": [{"segment": "rich"}, {"segment": "a"}]}}
    assert same({"segment": "b"}, segments, RICH)


def test_in_a_filter_on_events_a_segment_is_of_the_person():
    segments = {"rich": RICH, "vip": {"all": [PAID, {"not": {"segment": "rich"}}]}}
    written = {"all": [{"property": "total", "op": "gt", "value": {"profile": "usual"}}, {"segment": "vip"}]}
    plan, spend = PAID | {"profile": "plan"}, RICH | {"profile": "spend"}
    del plan["property"], spend["property"]
    assert same(written, segments, {"all": [written["all"][0], plan, {"not": spend}]}, of_event=True)
    own = {"profile": "plan", "op": "exists"}
    assert Segments({}).resolve(own, of_event=True) == own


def test_keys_that_mean_nothing_are_gone():
    exists = {"property": "a", "op": "exists"}
    written = {"note": 1, "all": [PAID | {"note": 1}, exists | {"value": 1}, {"segment": "gone", "op": 1}]}
    assert Segments({}).resolve(written) == {"all": [PAID, exists, NOBODY]}
    compared = {"property": "a", "op": "eq", "value": {"profile": "b", "note": 1}}
    assert Segments({}).resolve(compared, of_event=True)["value"] == {"profile": "b"}


def test_depth_is_no_limit_to_what_says_little():
    deep = PAID
    for _ in range(5_000):
        deep = {"not": {"all": [deep]}}
    chain = {f"s{number}": {"not": {"segment": f"s{number + 1}"}} for number in range(5_000)}
    chain["s5000"] = deep
    assert same({"segment": "s0"}, chain, PAID)
    assert same({"segment": "s1"}, chain, {"not": PAID})


# --- the predicate


def test_true_and_one_are_two_conditions():
    one, true = PAID | {"value": 1}, PAID | {"value": True}
    assert len(predicate({"any": [one, true, PAID | {"value": 1.0}]}).conditions) == 3


def test_what_is_said_twice_is_written_once():
    assert meaning({"all": [PAID, {"all": [PAID, RICH]}, {"not": {"not": RICH}}]}, {}) == (
        "( property /plan and property /spend )"
    )
    assert meaning({"all": [PAID, {"not": PAID}]}, {}) == "false"
    assert meaning({"any": [RICH, PAID, {"property": "plan", "op": "neq", "value": "paid"}]}, {}) == "true"
    assert (meaning({"all": []}, {}), meaning({"any": []}, {})) == ("true", "false")
    assert meaning({"not": {"any": [PAID, NOBODY]}}, {}) == "not property /plan"


CONDITIONS = [{"property": name, "op": op} for name in "abc" for op in ("exists", "not_exists")]
TREES = st.recursive(
    st.sampled_from(CONDITIONS),
    lambda inner: (
        st.builds(lambda word, parts: {word: parts}, st.sampled_from(["all", "any"]), st.lists(inner))
        | st.builds(lambda part: {"not": part}, inner)
    ),
)


def truth(tree: dict, values: dict) -> bool:
    if "all" in tree or "any" in tree:
        (word,) = tree
        return (all if word == "all" else any)([truth(part, values) for part in tree[word]])
    if "not" in tree:
        return not truth(tree["not"], values)
    return values[f"/{tree['property']}"] == (tree["op"] == "exists")


@given(TREES)
@settings(max_examples=300, deadline=None)
def test_the_short_predicate_holds_exactly_where_the_filter_does(tree):
    compiled = predicate(tree)
    for present in product([True, False], repeat=3):
        values = dict(zip(["/a", "/b", "/c"], present, strict=True))
        assert holds(compiled, values) == truth(tree, values)


# --- filters that would grow at each level


def doubling(count, combine):
    chain = {f"s{number}": combine({"segment": f"s{number + 1}"}, number) for number in range(count)}
    return chain | {f"s{count}": PAID}


@pytest.mark.parametrize(
    ("combine", "expected"),
    [
        (lambda inner, _: {"all": [inner, inner]}, PAID),
        (lambda inner, _: {"any": [inner, {"all": [inner, inner]}]}, PAID),
        (lambda inner, _: {"any": [inner, {"not": inner}]}, {"all": []}),
        (lambda inner, _: {"all": [{"any": [inner, NOBODY]}, {"not": {"not": inner}}]}, PAID),
    ],
)
def test_segments_that_each_name_the_next_one_twice_are_compiled_once(combine, expected):
    started = time.monotonic()
    for of_event in (False, True):
        person = {"profile" if key == "property" and of_event else key: PAID[key] for key in PAID}
        wanted = person if expected is PAID else expected
        assert same({"segment": "s0"}, doubling(2_000, combine), wanted, of_event=of_event)
    assert time.monotonic() - started < 10


def exactly_one(inner, number):
    other = {"property": f"p{number}", "op": "exists"}
    return {"any": [{"all": [inner, {"not": other}]}, {"all": [{"not": inner}, other]}]}


@pytest.mark.parametrize("count", [10, 25, 2_000])
def test_what_would_be_exponential_is_refused_at_once_and_says_why(count):
    started = time.monotonic()
    with pytest.raises(TooLarge, match=r"more than 1,000 conditions with its segments written out: land as"):
        predicate(Segments(doubling(count, exactly_one)).resolve({"segment": "s0"}))
    assert time.monotonic() - started < 10


def test_what_would_be_deeper_than_sql_may_be_is_refused():
    chain = doubling(150, lambda inner, n: {"not": {"any": [inner, {"property": f"p{n}", "op": "exists"}]}})
    with pytest.raises(TooLarge, match="nested more than 100 deep with its segments written out"):
        predicate(Segments(chain).resolve({"segment": "s0"}))


def test_a_long_list_counts_for_more_than_one_condition():
    values = [{"property": f"p{n}", "op": "in", "value": [str(v) for v in range(10_000)]} for n in range(6)]
    assert predicate({"any": values[:4]}).size == 4 * 201
    with pytest.raises(TooLarge):
        predicate({"any": values})


def test_of_too_many_filters_together_the_last_ones_are_left_out_and_equal_ones_count_once():
    def filter_(number):
        return {"any": [{"property": "a", "op": "eq", "value": 1_000 * number + n} for n in range(1_000)]}

    compiled = list(predicates([(filter_(number % 25), NEVER) for number in range(50)] + [(PAID, ALWAYS)]))
    assert [problem is None for _, problem in compiled[:25]] == [True] * 10 + [False] * 15
    assert [problem is None for _, problem in compiled[25:50]] == [True] * 10 + [False] * 15
    left_out, problem = compiled[50]
    assert left_out == ALWAYS
    assert "on top of 10,000 conditions of older filters" in problem


# --- which segments are in force when


def test_a_segment_is_in_force_from_its_row_on_until_its_next_one():
    def day(number):
        return datetime(2024, 3, number)

    history = SegmentHistory(
        [("vip", day(2), PAID), ("fans", day(4), {"segment": "vip"}), ("vip", day(6), RICH)]
    )
    in_force = {number: history.at(day(number)).resolve({"segment": "vip"}) for number in range(1, 8)}
    assert {number for number, found in in_force.items() if found == NOBODY} == {1}
    assert [predicate(in_force[number]) == predicate(PAID) for number in (2, 5)] == [True, True]
    assert predicate(in_force[6]) == predicate(in_force[7]) == predicate(RICH)
    assert predicate(history.at(day(5)).resolve({"segment": "fans"})) == predicate(PAID)
    assert history.newest() == {"vip": day(6), "fans": day(4)}


def test_a_filter_may_change_its_meaning_when_a_segment_that_it_reaches_changes():
    moments = [datetime(2024, 3, number) for number in range(1, 6)]
    history = SegmentHistory(
        [
            ("a", moments[0], {"segment": "b"}),
            ("b", moments[1], PAID),
            ("other", moments[2], PAID),
            ("a", moments[3], RICH),
        ]
    )
    assert history.changes_behind({"not": {"segment": "a"}}) == {moments[0], moments[1], moments[3]}
    assert history.changes_behind(PAID) == set()
