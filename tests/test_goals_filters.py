"""What a filter says once its segments are written out (SEMANTICS, section 3)."""

from orchestration.goals.filters import NOBODY, reaches_itself, resolve

PAID = {"property": "plan", "op": "eq", "value": "paid"}
RICH = {"property": "spend", "op": "gt", "value": 100}


def test_a_segment_is_replaced_by_its_filter_however_deep_it_is_named():
    segments = {"rich": RICH, "vip": {"all": [{"segment": "rich"}, PAID]}}
    written = {"any": [{"not": {"segment": "vip"}}, {"segment": "rich"}]}
    assert resolve(written, segments) == {"any": [{"not": {"all": [RICH, PAID]}}, RICH]}


def test_resolving_changes_neither_the_filter_nor_the_segments():
    written, segments = {"not": {"segment": "rich"}}, {"rich": {"all": [RICH]}}
    resolved = resolve(written, segments)
    resolved["not"]["all"].append(PAID)
    assert (written, segments) == ({"not": {"segment": "rich"}}, {"rich": {"all": [RICH]}})


def test_nobody_is_in_a_segment_that_is_not_in_force():
    assert resolve({"segment": "gone"}, {}) == NOBODY
    assert resolve({"not": {"segment": "gone"}}, {"other": PAID}) == {"not": NOBODY}


def test_nobody_is_in_a_segment_that_reaches_itself_even_where_another_part_of_it_holds():
    segments = {"loop": {"any": [PAID, {"not": {"segment": "loop"}}]}}
    assert resolve({"segment": "loop"}, segments) == NOBODY


def test_every_segment_of_a_circle_is_empty_as_a_whole():
    segments = {
        "a": {"any": [PAID, {"segment": "b"}]},
        "b": {"any": [RICH, {"segment": "c"}]},
        "c": {"any": [RICH, {"segment": "a"}]},
    }
    assert all(resolve({"segment": segment}, segments) == NOBODY for segment in segments)


def test_a_segment_that_only_refers_to_a_circle_keeps_its_own_people():
    segments = {"loop": {"segment": "loop"}, "fans": {"any": [PAID, {"segment": "loop"}]}}
    assert resolve({"segment": "fans"}, segments) == {"any": [PAID, NOBODY]}
    assert not reaches_itself("fans", segments)


def test_two_ways_to_the_same_segment_are_no_circle():
    segments = {"rich": RICH, "a": {"segment": "rich"}, "b": {"all": [{"segment": "rich"}, {"segment": "a"}]}}
    assert resolve({"segment": "b"}, segments) == {"all": [RICH, RICH]}


def test_in_a_filter_on_events_a_segment_is_of_the_person():
    segments = {"rich": RICH, "vip": {"all": [PAID, {"not": {"segment": "rich"}}]}}
    written = {"all": [{"property": "total", "op": "gt", "value": {"profile": "usual"}}, {"segment": "vip"}]}
    assert resolve(written, segments, of_event=True) == {
        "all": [
            {"property": "total", "op": "gt", "value": {"profile": "usual"}},
            {
                "all": [
                    {"profile": "plan", "op": "eq", "value": "paid"},
                    {"not": {"profile": "spend", "op": "gt", "value": 100}},
                ]
            },
        ]
    }
    assert resolve({"profile": "plan", "op": "exists"}, {}, of_event=True) == {
        "profile": "plan",
        "op": "exists",
    }


def test_keys_that_mean_nothing_are_gone():
    written = {
        "note": 1,
        "all": [
            PAID | {"note": 1},
            {"property": "a", "op": "exists", "value": 1},
            {"segment": "gone", "op": 1},
        ],
    }
    assert resolve(written, {}) == {"all": [PAID, {"property": "a", "op": "exists"}, NOBODY]}
    compared = {"property": "a", "op": "eq", "value": {"profile": "b", "note": 1}}
    assert resolve(compared, {}, of_event=True)["value"] == {"profile": "b"}


def test_depth_is_no_limit():
    deep = PAID
    for _ in range(5_000):
        deep = {"not": {"all": [deep]}}
    chain = {f"s{number}": {"not": {"segment": f"s{number + 1}"}} for number in range(100)}
    chain["s100"] = deep
    inner = resolve({"segment": "s0"}, chain)
    depth = 0
    while inner != PAID:
        inner = inner["not"] if "not" in inner else inner["all"][0]
        depth += 1
    assert depth == 100 + 2 * 5_000
