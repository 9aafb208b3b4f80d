"""Section 3: which people and events a filter matches. A person who matches is an achiever of the filter's
goal."""

from scenarios import PAID, PURCHASE, Story, condition, scenario


def ask(story: Story, **filters: dict) -> None:
    """A goal for each filter on people."""
    for goal_id, filter in filters.items():
        story.goal(goal_id, target={"profile": filter})


def ask_of_purchases(story: Story, **filters: dict) -> None:
    for goal_id, filter in filters.items():
        story.goal(goal_id, target={"event": {"name": "purchase", "filter": filter}})


@scenario
def test_a_purchase_of_9_99_does_not_meet_more_than_9_99(story):
    ask_of_purchases(
        story, more=condition("gt", 9.99, of="total"), at_least=condition("gte", 9.99, of="total")
    )
    story.event("purchase", "2024-03-01", person="ann", total=9.99)
    story.event("purchase", "2024-03-01", person="bob", total="9.99")
    story.event("purchase", "2024-03-01", person="cid", total=9.990001)
    marts = yield
    assert marts.achievers("more") == {"cid"}
    assert marts.achievers("at_least") == {"ann", "bob", "cid"}


@scenario
def test_numbers_compare_as_numbers_and_so_does_text_that_is_one(story):
    story.people(
        nine=9,
        ten=10,
        text_nine="9",
        text_ten="10",
        text_100="1e2",
        word="ten",
        true=True,
        list=[10],
        nothing=None,
    )
    ask(
        story,
        less=condition("lt", 10),
        at_most=condition("lte", 10),
        at_least=condition("gte", 10),
        more=condition("gt", 10),
    )
    marts = yield
    assert marts.achievers("less") == {"nine", "text_nine"}
    assert marts.achievers("at_most") == {"nine", "text_nine", "ten", "text_ten"}
    assert marts.achievers("at_least") == {"ten", "text_ten", "text_100"}
    assert marts.achievers("more") == {"text_100"}


@scenario
def test_text_is_a_number_when_all_of_it_is_a_json_number(story):
    story.people(a="10", b="10.0", c="1e1", d="1E+1", e=10, f=10.0)
    story.people(
        padded=" 10",
        plus="+10",
        zero="010",
        point="10.",
        hex="0xA",
        grouped="1_0",
        dollars="$10",
        infinite="1e999",
        nan="nan",
    )
    ask(story, ten=condition("eq", 10), some=condition("gte", -1e308))
    marts = yield
    assert marts.achievers("ten") == set("abcdef")
    assert marts.achievers("some") == set("abcdef")


@scenario
def test_eq_with_a_text_takes_a_scalar_whose_text_is_exactly_equal(story):
    story.people(
        text="10",
        number=10,
        float=10.0,
        upper="Paid",
        lower="paid",
        padded="paid ",
        array=["paid"],
        object={"a": "paid"},
    )
    story.people(yes=True, yes_text="true", no=False)
    ask(
        story,
        ten=condition("eq", "10"),
        ten_point_0=condition("eq", "10.0"),
        paid=condition("eq", "paid"),
        true=condition("eq", "true"),
    )
    marts = yield
    assert marts.achievers("ten") == {"text", "number"}
    assert marts.achievers("ten_point_0") == {"float"}
    assert marts.achievers("paid") == {"lower"}
    assert marts.achievers("true") == {"yes", "yes_text"}


@scenario
def test_eq_with_a_boolean_takes_it_or_its_text(story):
    story.people(yes=True, yes_text="true", upper="True", one=1, no=False, no_text="false", zero=0, empty="")
    ask(story, true=condition("eq", True), false=condition("eq", False))
    marts = yield
    assert marts.achievers("true") == {"yes", "yes_text"}
    assert marts.achievers("false") == {"no", "no_text"}


@scenario
def test_arrays_and_objects_are_never_equal_to_a_literal(story):
    story.people(array=["a"], object={"a": 1}, empty=[], like_array='["a"]')
    ask(
        story,
        array=condition("eq", '["a"]'),
        object=condition("eq", '{"a":1}'),
        not_array=condition("neq", '["a"]'),
    )
    marts = yield
    assert marts.achievers("array") == {"like_array"}
    assert marts.achievers("object") == set()
    assert marts.achievers("not_array") == {"array", "object", "empty"}


@scenario
def test_a_time_compares_with_iso_8601_text_and_with_unix_seconds(story):
    story.people(
        day="2024-03-31",
        moment="2024-03-31T00:00:00Z",
        offset="2024-03-31T01:00+01",
        before="2024-03-30T23:59:59.999999Z",
    )
    story.people(
        unix=1711843200,
        unix_text="1711843200",
        unix_before=1711843199.5,
        huge=1e15,
        word="tomorrow",
        true=True,
    )
    ask(story, since=condition("gte", "2024-03-31"), after=condition("gt", "2024-03-31"))
    ask(story, until=condition("lte", "2024-03-31"), before=condition("lt", "2024-03-31"))
    marts = yield
    midnight, earlier = {"day", "moment", "offset", "unix", "unix_text"}, {"before", "unix_before"}
    assert marts.achievers("since") == midnight
    assert marts.achievers("after") == set()
    assert marts.achievers("until") == midnight | earlier
    assert marts.achievers("before") == earlier


@scenario
def test_unix_seconds_outside_the_years_1_to_9999_are_no_time(story):
    story.people(first=-62135596800, too_early=-62135596801, last=253402300799, too_late=253402300800)
    ask(story, early=condition("lt", "2024-01-01"), late=condition("gt", "2024-01-01"))
    marts = yield
    assert marts.achievers("early") == {"first"}
    assert marts.achievers("late") == {"last"}


@scenario
def test_a_text_that_is_no_time_orders_nothing(story):
    story.people(a="apple", b="zebra", number=5)
    ask(story, more=condition("gt", "middle"), less=condition("lt", "middle"))
    marts = yield
    assert marts.achievers("more") == marts.achievers("less") == set()


@scenario
def test_in_is_eq_to_any_element_and_not_in_its_exact_negation(story):
    story.people(paid="paid", ten=10, text_ten="10", free="free", list=["paid"], nothing=None)
    ask(
        story,
        some=condition("in", ["paid", 10]),
        others=condition("not_in", ["paid", 10]),
        none=condition("in", []),
    )
    marts = yield
    assert marts.achievers("some") == {"paid", "ten", "text_ten"}
    assert marts.achievers("others") == {"free", "list", "nothing"}
    assert marts.achievers("none") == set()


@scenario
def test_contains_is_a_substring_of_text_or_an_element_of_an_array(story):
    story.people(
        text="unpaid",
        exact="paid",
        array=["free", "paid"],
        longer=["unpaid"],
        object={"paid": 1},
        number=10,
        nothing=None,
    )
    story.people(tens=[10], text_tens=["x", "10"], ten_in_text="10", empty=[], nested=[["paid"]])
    ask(
        story,
        paid=condition("contains", "paid"),
        unpaid=condition("not_contains", "paid"),
        ten=condition("contains", 10),
    )
    marts = yield
    paid = {"text", "exact", "array"}
    assert marts.achievers("paid") == paid
    everyone = set(marts.dim_profiles.column("profile_id"))
    assert marts.achievers("unpaid") == everyone - paid
    assert marts.achievers("ten") == {"tens", "text_tens"}


@scenario
def test_starts_with_and_ends_with_are_of_text_only(story):
    story.people(paid="paid", unpaid="unpaid", pa="pa", upper="Paid", number=123, array=["paid"], true=True)
    ask(story, starts=condition("starts_with", "pa"), ends=condition("ends_with", "aid"))
    ask(story, digits=condition("starts_with", "12"), letters=condition("starts_with", "tr"))
    marts = yield
    assert marts.achievers("starts") == {"paid", "pa"}
    assert marts.achievers("ends") == {"paid", "unpaid", "upper"}
    assert marts.achievers("digits") == marts.achievers("letters") == set()


@scenario
def test_a_property_is_missing_if_its_key_is_absent_or_its_value_null(story):
    story.people(there="", null=None, false=False, array=[])
    story.snapshot("2024-03-01", person="absent", y=1)
    ask(story, exists=condition("exists"), not_exists=condition("not_exists"))
    marts = yield
    assert marts.achievers("exists") == {"there", "false", "array"}
    assert marts.achievers("not_exists") == {"null", "absent"}


@scenario
def test_a_condition_on_a_missing_property_is_false_except_the_negations(story):
    story.people(nothing=None)
    positive = {
        "eq": "a",
        "gt": 1,
        "gte": 1,
        "lt": 1,
        "lte": 1,
        "in": ["a"],
        "contains": "a",
        "starts_with": "",
        "ends_with": "",
    }
    negative = {"neq": "a", "not_in": ["a"], "not_contains": "a"}
    ask(story, **{op: condition(op, value) for op, value in (positive | negative).items()})
    marts = yield
    assert set(marts.fct_achievements.column("goal_id")) == set(negative)


@scenario
def test_every_property_of_a_person_without_a_snapshot_is_missing(story):
    story.goal("stranger", eligibility=condition("not_exists"))
    story.goal("anyone_not_paid", eligibility=condition("neq", "paid"))
    story.goal("paid", eligibility=condition("eq", "paid"))
    story.delivery("d1", "2024-03-01")
    marts = yield
    assert marts.fct_impressions.by("goal_id", "outcome") == {
        "stranger": "enrolled",
        "anyone_not_paid": "enrolled",
        "paid": "not_eligible",
    }


@scenario
def test_a_property_that_starts_with_a_slash_is_a_pointer(story):
    story.snapshot("2024-03-01", person="nested", address={"country": "US"}, tags=["a", "b"])
    story.snapshot(
        "2024-03-01", person="flat", **{"/address/country": "US", "address/country": "US", "x~y": "US"}
    )
    story.snapshot("2024-03-01", person="escaped", **{"a/b": {"m~n": "US"}})
    ask(
        story,
        pointer=condition("eq", "US", of="/address/country"),
        key=condition("eq", "US", of="address/country"),
    )
    ask(story, escaped=condition("eq", "US", of="/a~1b/m~0n"), tilde=condition("eq", "US", of="x~y"))
    ask(story, second=condition("eq", "b", of="/tags/1"))
    marts = yield
    assert marts.achievers("pointer") == {"nested"}
    assert marts.achievers("key") == {"flat"}
    assert marts.achievers("escaped") == {"escaped"}
    assert marts.achievers("tilde") == {"flat"}
    assert marts.achievers("second") == {"nested"}


@scenario
def test_nothing_in_a_name_or_a_value_can_change_the_meaning_of_the_sql(story):
    name, value = "o'neil\"; drop table x --", "' or 1=1 -- {{ ref('x') }} \\ \u0000"
    story.snapshot("2024-03-01", person="ann", **{name: value})
    story.snapshot("2024-03-01", person="bob", **{name: "other"})
    ask(story, eq=condition("eq", value, of=name), starts=condition("starts_with", "' or", of=name))
    ask(story, all_in=condition("in", [value, "x'"], of=name), contains=condition("contains", "'", of=name))
    marts = yield
    for goal_id in ("eq", "starts", "all_in", "contains"):
        assert marts.achievers(goal_id) == {"ann"}


@scenario
def test_an_empty_all_is_true_and_an_empty_any_is_false(story):
    story.people(ann=1)
    ask(
        story,
        all={"all": []},
        any={"any": []},
        not_any={"not": {"any": []}},
        both={"all": [{"all": []}, {"any": []}]},
    )
    marts = yield
    assert set(marts.fct_achievements.column("goal_id")) == {"all", "not_any"}


@scenario
def test_all_any_and_not_nest(story):
    story.people(one=1, five=5, nine=9, word="five")
    low, high = condition("lt", 3), condition("gt", 7)
    ask(
        story,
        between={"not": {"any": [low, high]}},
        number_between={"all": [condition("gte", 0), {"not": {"any": [low, high]}}]},
    )
    ask(story, outside={"any": [low, high]}, impossible={"all": [low, high]})
    marts = yield
    assert marts.achievers("between") == {"five", "word"}
    assert marts.achievers("number_between") == {"five"}
    assert marts.achievers("outside") == {"one", "nine"}
    assert marts.achievers("impossible") == set()


@scenario
def test_a_segment_stands_for_its_filter_also_within_another(story):
    story.people(low=5, middle=50, high=500)
    story.segment("at_least_10", condition("gte", 10))
    story.segment("medium", {"all": [{"segment": "at_least_10"}, condition("lt", 100)]})
    ask(story, medium={"segment": "medium"}, rest={"not": {"segment": "medium"}})
    marts = yield
    assert marts.achievers("medium") == {"middle"}
    assert marts.achievers("rest") == {"low", "high"}


@scenario
def test_nobody_is_in_a_segment_that_is_unknown_or_not_in_force_yet_or_reaches_itself(story):
    story.people(ann=1)
    story.segment("later", condition("exists"), at="2024-01-01T00:00:00.000001")
    story.segment("now", condition("exists"), at="2024-01-01")
    story.segment("a", {"any": [{"segment": "b"}, condition("exists")]})
    story.segment("b", {"any": [{"segment": "a"}, condition("exists")]})
    story.segment("refers", {"any": [{"segment": "a"}, condition("exists")]})
    ask(story, **{name: {"segment": name} for name in ("later", "now", "a", "b", "refers", "unknown")})
    marts = yield
    assert set(marts.fct_achievements.column("goal_id")) == {"now", "refers"}


@scenario
def test_an_event_filter_reads_the_event_and_with_profile_the_persons_state_then(story):
    ask_of_purchases(
        story,
        of_event=condition("eq", "paid", of="plan"),
        of_person={"profile": "plan", "op": "eq", "value": "paid"},
        person_unknown={"profile": "plan", "op": "not_exists"},
    )
    story.snapshot("2024-03-02", plan="paid")
    story.snapshot("2024-03-03", plan="free")
    story.event("purchase", "2024-03-01T23:59:59.999999", plan="paid")
    story.event("purchase", "2024-03-02", plan="free")
    story.event("purchase", "2024-03-03", plan="free")
    marts = yield
    by_goal = {
        goal_id: marts.fct_achievements.where(goal_id=goal_id).column("achieved_at")
        for goal_id in marts.dim_goals.column("goal_id")
    }
    assert by_goal == {
        "of_event": ["2024-03-01T23:59:59.999999"],
        "of_person": ["2024-03-02"],
        "person_unknown": ["2024-03-01T23:59:59.999999"],
    }


@scenario
def test_a_segment_in_an_event_filter_is_of_the_person(story):
    story.segment("paying", PAID)
    ask_of_purchases(story, by_payers={"segment": "paying"})
    story.snapshot("2024-03-01", person="ann", plan="paid")
    story.event("purchase", "2024-03-02", person="ann", plan="free")
    story.event("purchase", "2024-03-02", person="bob", plan="paid")
    marts = yield
    assert marts.achievers("by_payers") == {"ann"}


@scenario
def test_an_event_property_compares_with_a_person_attribute(story):
    ops = ("eq", "neq", "gt", "gte", "lt", "lte")
    ask_of_purchases(story, **{op: condition(op, {"profile": "y"}) for op in ops})
    pairs = {
        "numbers": (10, "9.5"),
        "same": ("10.0", 10),
        "words": ("b", "a"),
        "same words": ("a", "a"),
        "times": ("2024-03-02", 1709251200),  # the day before, in Unix seconds
        "same times": ("2024-03-02", "2024-03-02T00:00Z"),
        "missing": (1, None),
        "same lists": (["a"], ["a"]),
        "same objects": ({"a": 1}, {"a": 1}),
    }
    for person, (x, y) in pairs.items():
        story.snapshot("2024-03-01", person=person, y=y)
        story.event("purchase", "2024-03-02", person=person, x=x)
    marts = yield
    assert marts.achievers("eq") == {"same", "same words"}
    assert marts.achievers("neq") == set(pairs) - {"same", "same words"}
    assert marts.achievers("gt") == {"numbers", "times"}
    assert marts.achievers("gte") == {"numbers", "times", "same", "same times"}
    assert marts.achievers("lt") == set()
    assert marts.achievers("lte") == {"same", "same times"}


@scenario
def test_the_person_attribute_is_that_of_the_moment_of_the_event(story):
    ask_of_purchases(story, above_budget=condition("gt", {"profile": "budget"}, of="total"))
    story.snapshot("2024-03-01", budget=5)
    story.snapshot("2024-03-02", budget=10)
    story.snapshot("2024-03-03", budget=6)
    for moment in ("2024-03-01", "2024-03-02", "2024-03-03"):
        story.event("purchase", moment, total=7)
    marts = yield
    assert marts.fct_achievements.column("achieved_at") == ["2024-03-01", "2024-03-03"]


@scenario
def test_a_filter_that_breaks_a_rule_is_bad_filter_also_inside_a_definition(story):
    bad = (
        condition("like", "a"),
        condition("eq"),
        condition("eq", None),
        condition("gt", True),
        condition("in", "a"),
        condition("eq", 1) | {"profile": "x"},
        {"profile": "x", "op": "exists"},
        condition("eq", {"profile": "y"}),
    )
    for number, filter in enumerate(bad):
        story.segment(f"segment {number}", filter)
        story.goal(f"goal {number}", eligibility=filter)
    story.goal("fine", target={"event": PURCHASE["event"] | {"filter": {"profile": "x", "op": "exists"}}})
    marts = yield
    assert marts.quarantined("segments") == marts.quarantined("goals") == ["bad_filter"] * len(bad)
    assert marts.dim_goals.column("goal_id") == ["fine"]
