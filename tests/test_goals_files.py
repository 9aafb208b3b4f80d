"""Goals kept as YAML files: what is wrong at which line, and what lands (SEMANTICS, section 2)."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from textwrap import dedent

import fsspec
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from orchestration.errors import GoalpostError
from orchestration.goals.apply import Key, apply
from orchestration.goals.commands import app
from orchestration.goals.yaml_files import read_files
from orchestration.goals.yaml_text import YamlError, parse_yaml
from orchestration.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

GOALS = """\
workspace: acme
goals:
  trial-to-paid:
    name: Trial to paid
    target:
      profile: {property: plan, op: eq, value: paid}
    measurement_window_days: 14
segments:
  vip:
    name: VIP
    filter: {property: spend, op: gt, value: 100}
funnels:
  signup:
    goals: [trial-to-paid]
    window_days: 30
"""

GOAL = Key("goals", "acme", "trial-to-paid")
SEGMENT = Key("segments", "acme", "vip")
FUNNEL = Key("funnels", "acme", "signup")


@pytest.fixture
def write(tmp_path):
    def write_(text, name="goals.yml"):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), "utf-8")
        return path

    return write_


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


def texts(findings):
    return [f"{finding.path.name}:{finding.line}: {finding.text}" for finding in findings]


def landed_rows(landing, table):
    files, root = fsspec.core.url_to_fs(landing)
    return [
        json.loads(line)
        for path in sorted(files.glob(f"{root}/{table}/**/*.jsonl"))
        for line in files.cat_file(path).decode().splitlines()
    ]


# --- YAML 1.2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("'14'", "14"),
        ("!!str 14", "14"),
        ("14", 14),
        ("+14", 14),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("9.99", 9.99),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ('""', ""),
        ("\\ud800 as it stands", "\\ud800 as it stands"),
    ],
)
def test_values_mean_what_the_core_schema_of_yaml_1_2_says(written, meant):
    document, _ = parse_yaml(f"value: {written}\n")
    assert document == {"value": meant}
    assert type(document["value"]) is type(meant)


def test_an_old_version_directive_does_not_bring_back_yaml_1_1():
    assert parse_yaml("%YAML 1.1\n---\ncountry: NO\n")[0] == {"country": "NO"}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "b.c: is given twice (first on line 3); keep one"),
        ("a: [1\nb: 2\n", 2, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: 1\nb: \x01\n", 2, "not YAML"),
        ("a: 1\nb: *nowhere\n", 2, "undefined alias"),
        ("a: 1\nb: !env HOME\n", 2, "the tag !env means nothing"),
        ("a:\n  007: {}\n", 2, "the key 007 is not text; put it in quotes"),
        ("a:\n  1.5: {}\n", 2, "the key 1.5 is not text; put it in quotes"),
        ("a:\n  true: {}\n", 2, "the key true is not text; put it in quotes"),
        ("a:\n  ? [x]\n  : 1\n", 2, "a key is not text"),
        ("a: &loop\n  b: *loop\n", 2, "holds itself"),
        ('a: "\\ud800"\n', 1, "half of a surrogate pair"),
    ],
)
def test_what_is_not_yaml_is_named_with_its_line(text, line, problem):
    with pytest.raises(YamlError) as caught:
        parse_yaml(text)
    assert problem in str(caught.value)
    assert caught.value.line == line


# --- reading files


def test_a_file_of_goals_segments_and_funnels_is_valid(write):
    given = read_files([write(GOALS)])
    assert (given.errors, given.warnings) == ((), ())


def test_all_problems_of_all_files_are_told_at_once_with_their_lines(write):
    write(
        """\
        workspace: acme
        goals:
          trial-to-paid:
            measurement_window_days: 91
            target:
              profile:
                any:
                  - {property: plan, op: eq, value: paid}
                  - property: plan
                    op: equals
                    value: paid
            sources: [a,
              4.5]
          empty:
        funnels:
          signup: {goals: []}
          "": {goals: [empty]}
        """,
        "a.yml",
    )
    write("goals: [\n", "deeper/b.yaml")
    write("- a\n- list\n", "c.yml")
    folder = write("segments:\n  vip:\n    name: VIP\n", "d.yml").parent
    assert texts(read_files([folder]).errors) == [
        "a.yml:4: goals.trial-to-paid.measurement_window_days: 91 is not a whole number from 0 to 90 or null",
        "a.yml:10: goals.trial-to-paid.target.profile.any[1].op: 'equals' is not one of exists, not_exists, "
        "eq, neq, gt, gte, lt, lte, in, not_in, contains, not_contains, starts_with, ends_with; "
        "did you mean eq?",
        "a.yml:13: goals.trial-to-paid.sources[1]: 4.5 is not text or a whole number",
        "a.yml:14: goals.empty.measurement_window_days: is missing; give a whole number from 0 to 90 or null",
        "a.yml:14: goals.empty.target: is missing; give an object with profile, transition, event, "
        "trigger_match, message",
        "a.yml:15: funnels: '': an id is text of at least one character, without control characters",
        "a.yml:16: funnels.signup.goals: a funnel needs a list with the id of at least one goal",
        "c.yml:1: a list is not an object with workspace, goals, segments, funnels, experiments",
        "d.yml:1: workspace: is missing; give the workspace_id that your landed rows carry",
        "d.yml:2: segments.vip.filter: is missing; give an object with all, any, not, segment, property, "
        "profile",
        "b.yaml:2: not YAML: expected the node content, but found '<stream end>'",
    ]


def test_unknown_keys_are_warnings_with_the_closest_match(write):
    given = read_files([write(GOALS.replace("    name: Trial", "    nmae: Trial") + "segmnets: {}\n")])
    assert given.errors == ()
    assert texts(given.warnings) == [
        "goals.yml:4: goals.trial-to-paid.nmae: is not a known key, it is ignored; did you mean name?",
        "goals.yml:16: segmnets: is not a known key, it is ignored; did you mean segments?",
    ]


def test_references_to_what_is_in_none_of_the_files_are_warnings(write):
    write(GOALS, "a.yml")
    folder = write(
        """\
        workspace: acme
        segments:
          fans: {filter: {any: [{segment: vip}, {segment: vips}]}}
          circle: {filter: {not: {segment: circle}}}
        funnels:
          second:
            goals:
              - trial-to-paid
              - paid-to-trial
        """,
        "b.yml",
    ).parent
    write("workspace: w\nfunnels: {other: {goals: [trial-to-paid]}}\n", "another-workspace.yml")
    unless = "in these files; unless it has landed otherwise, nobody"
    assert texts(read_files([folder]).warnings) == [
        f"another-workspace.yml:2: funnels.other.goals[0]: no goal 'trial-to-paid' {unless} reaches it",
        f"b.yml:3: segments.fans.filter.any[1].segment: no segment 'vips' {unless} is in it",
        "b.yml:4: segments.circle.filter.not.segment: segment 'circle' refers to itself, directly or through "
        "others, so nobody is in it",
        f"b.yml:9: funnels.second.goals[1]: no goal 'paid-to-trial' {unless} reaches it",
    ]


def test_an_id_in_two_files_of_a_workspace_is_an_error(write):
    first, second = write(GOALS, "a.yml"), write(GOALS, "b.yml")
    write(GOALS.replace("acme", "other"), "c.yml")
    assert texts(read_files([second.parent]).errors)[0] == (
        f"b.yml:3: goals.trial-to-paid: is given twice (first in {first}:3); keep one"
    )
    assert read_files([first, first, first.parent / "c.yml"]).errors == ()


def test_a_path_that_leads_to_nothing_is_an_error(tmp_path):
    with pytest.raises(GoalpostError, match="there is no such file or folder"):
        read_files([tmp_path / "nowhere"])
    with pytest.raises(GoalpostError, match=r"there is no \.yml or \.yaml file in this folder"):
        read_files([tmp_path])


def test_a_file_that_is_not_utf_8_is_an_error_at_its_line(write):
    path = write("")
    path.write_bytes(b"goals:\n  caf\xe9: {}\n")
    assert texts(read_files([path]).errors) == ["goals.yml:2: this is not UTF-8 text; save the file as UTF-8"]


def test_whole_numbers_as_ids_are_their_text_in_every_place_of_a_file(write):
    write(
        """\
        workspace: 12
        goals:
          7:
            target: {profile: {segment: 3}}
            measurement_window_days: 14
            sources: [42345, 5.0]
        segments:
          3: {filter: {all: []}}
        funnels:
          9: {goals: [7]}
        """,
    )
    folder = write("workspace: '12'\nfunnels: {'10': {goals: ['7']}}\n", "b.yml").parent
    given = read_files([folder])
    assert (given.errors, given.warnings) == ((), ())
    assert {file.workspace for file in given.files} == {"12"}
    assert [list(file.ids("funnels")) for file in given.files] == [["10"], ["9"]]
    assert given.files[1].judgement.completed["goals"]["7"]["sources"] == ["42345", "5"]


# --- limits: a file beyond them is refused with the line, in seconds


def nine_times(levels):
    """Each line contains the one before nine times."""
    yield "a0: &a0 [x, x, x, x, x, x, x, x, x]"
    for level in range(1, levels):
        yield f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]"


def doubled(count):
    """Segments that cannot be expanded: a person in one is either in the next, or has a property."""
    for number in range(count):
        other, inner = f"{{property: p{number}, op: exists}}", f"{{segment: s{number + 1}}}"
        yield (
            f"  s{number}: {{filter: {{any: [{{all: [{inner}, {{not: {other}}}]}}, "
            f"{{all: [{{not: {inner}}}, {other}]}}]}}}}"
        )
    yield f"  s{count}: {{filter: {{property: plan, op: eq, value: paid}}}}"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            "workspace: acme\n" + "\n".join(nine_times(9)),
            "goals.yml:2: with its aliases (*) written out the file has more than 50,000 values; split it",
        ),
        (
            f"workspace: acme\nx: &x {'y' * 4_000}\nz:\n" + "  - *x\n" * 9_000,
            "goals.yml:2: with its aliases (*) written out the file is longer than 5,000,000 characters; "
            "split it, or land long lists as a property or a segment",
        ),
        (
            "workspace: acme\n" + "".join(f"k{n}: [a, b, c]\n" for n in range(20_000)),
            "goals.yml:10001: the file has more than 50,000 values; split it",
        ),
        (
            "workspace: acme\nx:\n" + "  - a\n" * 200_000,
            "goals.yml:3: a list has more than 10,000 values: land them as a property or a segment",
        ),
        (
            "workspace: acme\nx: " + "[" * 2_000,
            "goals.yml:1: the file is nested more than 500 levels deep; flatten it",
        ),
        (
            "workspace: acme\nx: " + "y" * 5_000_001,
            "goals.yml:1: the file is longer than 5,000,000 characters; split it, or land long lists as a "
            "property or a segment",
        ),
        (
            GOALS.replace("op: eq, value: paid", f"op: in,\n        value: [{'x, ' * 10_001}]"),
            "goals.yml:7: goals.trial-to-paid.target.profile.value: more than 10,000 values: land them as a "
            "property or a segment",
        ),
        (
            "workspace: acme\nsegments:\n" + "\n".join(doubled(12)),
            "goals.yml:3: segments.s0.filter: more than 1,000 conditions with its segments written out: land "
            "their result as a property, or use `in` with a list",
        ),
    ],
)
def test_what_is_beyond_a_limit_is_told_by_file_and_line_in_seconds(write, text, finding):
    path = write("")
    path.write_text(text)
    started = time.monotonic()
    assert finding in texts(read_files([path]).errors)
    assert time.monotonic() - started < 30


def test_twenty_five_segments_that_each_name_the_next_one_twice_are_valid(write):
    path = write("")
    names = [
        f"  s{n}: {{filter: {{all: [{{segment: s{n + 1}}}, {{segment: s{n + 1}}}]}}}}" for n in range(25)
    ]
    path.write_text("\n".join(["workspace: acme", "segments:", *names, "  s25: {filter: {all: []}}"]))
    assert read_files([path]).errors == ()


YAML_PIECES = st.lists(
    st.sampled_from(
        [
            "workspace: acme\n", "goals:\n", "segments:\n", "funnels:\n", "  a:\n", "  7:\n", "    filter: ",
            "    target: ", "{property: a, op: eq, value: x}", "{segment: a}", "[", "]", "{", "}", "*a",
            "    measurement_window_days: 14\n", "\n", "- ", ": ", "'", '"', "\t", "|\n", "#", "null", "NO",
            "1e400", ".nan", "0x1F", "\\ud800", "\x00", "\u2028", "\U0001f600", "    goals: [a, 7]\n",
            "<<: *a", "---\n", "!!str ", "&a ",
        ]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(st.one_of(YAML_PIECES, YAML_PIECES.map("workspace: acme\n".__add__), st.text(max_size=60)))
@hypothesis.settings(max_examples=300, deadline=5_000)
def test_any_text_is_either_a_goals_file_or_refused_at_a_line_of_it(text):
    path = Path(mkdtemp()) / "goals.yml"
    path.write_text(text, "utf-8", newline="")
    try:
        given = read_files([path])
    finally:
        rmtree(path.parent)
    for finding in (*given.errors, *given.warnings):
        assert 1 <= finding.line <= len(text.splitlines()) + 1
        assert finding.text


# --- applying


def test_the_first_apply_lands_every_row_with_the_current_time(write, settings):
    eastern = timezone(timedelta(hours=-5))
    report = apply([write(GOALS)], settings, NOON.astimezone(eastern) + timedelta(microseconds=7))
    assert set(report.added) == {GOAL, SEGMENT, FUNNEL}
    at = {"workspace_id": "acme", "updated_at": "2026-03-01T12:00:00.000007Z"}
    definition = {
        "name": "Trial to paid",
        "target": {"profile": {"property": "plan", "op": "eq", "value": "paid"}},
        "measurement_window_days": 14,
    }
    assert landed_rows(settings.landing, "goals") == [
        {"goal_id": "trial-to-paid", "definition": definition, **at}
    ]
    assert landed_rows(settings.landing, "segments") == [
        {"segment_id": "vip", "name": "VIP", "filter": {"property": "spend", "op": "gt", "value": 100}, **at}
    ]
    assert landed_rows(settings.landing, "funnels") == [
        {"funnel_id": "signup", "name": None, "goal_ids": ["trial-to-paid"], "window_days": 30, **at}
    ]


def test_applying_the_same_again_lands_nothing_before_and_after_any_run(write, settings, tmp_path):
    apply([write(GOALS)], settings, NOON)
    before = sorted((tmp_path / "home").rglob("*"))
    report = apply([write(GOALS)], settings, NOON + timedelta(days=1))
    assert (report.added, report.changed, report.landed_files) == ((), (), ())
    assert set(report.unchanged) == {GOAL, SEGMENT, FUNNEL}
    assert sorted((tmp_path / "home").rglob("*")) == before


def test_writing_the_same_differently_is_no_change(write, settings):
    apply([write(GOALS)], settings, NOON)
    rewritten = """\
        # a comment
        workspace: acme
        funnels: {signup: {window_days: 30.0, goals: ['trial-to-paid']}}
        segments: {vip: {filter: {value: 100, op: gt, property: spend}, name: VIP}}
        goals:
          trial-to-paid:
            measurement_window_days: 0o16
            status: active
            sources: []
            name: "Trial to paid"
            nmae: ignored
            target: {profile: {op: eq, value: paid, property: plan}, transition: enter}
        """
    assert apply([write(rewritten)], settings, NOON + timedelta(days=1)).landed_files == ()


def test_only_what_changed_is_landed(write, settings):
    apply([write(GOALS)], settings, NOON)
    report = apply([write(GOALS.replace("value: 100", "value: 200"))], settings, NOON + timedelta(days=1))
    assert (report.added, report.changed, set(report.unchanged)) == ((), (SEGMENT,), {GOAL, FUNNEL})
    assert [row["filter"]["value"] for row in landed_rows(settings.landing, "segments")] == [100, 200]
    assert len(landed_rows(settings.landing, "goals")) == 1


def test_going_back_to_an_older_wording_is_a_change(write, settings):
    for day, name in enumerate(["Trial to paid", "Renamed", "Trial to paid"]):
        path = write(GOALS.replace("Trial to paid", name))
        apply([path], settings, NOON + timedelta(days=day))
    names = [row["definition"]["name"] for row in landed_rows(settings.landing, "goals")]
    assert names == ["Trial to paid", "Renamed", "Trial to paid"]


def test_true_and_one_are_not_the_same_value(write, settings):
    apply([write(GOALS.replace("op: gt, value: 100", "op: eq, value: 1"))], settings, NOON)
    report = apply(
        [write(GOALS.replace("op: gt, value: 100", "op: eq, value: true"))],
        settings,
        NOON + timedelta(days=1),
    )
    assert report.changed == (SEGMENT,)


def test_with_one_error_nothing_at_all_is_landed(write, settings, tmp_path):
    write(GOALS, "a.yml")
    report = apply([write("workspace: acme\ngoals: {broken: {}}\n", "b.yml").parent], settings, NOON)
    assert len(report.errors) == 2
    assert not (tmp_path / "home").exists()


def test_what_left_the_files_stays_and_the_report_says_so(write, settings):
    apply([write(GOALS)], settings, NOON)
    kept = GOALS[: GOALS.index("funnels:")].replace("trial-to-paid", "another")
    report = apply([write(kept)], settings, NOON + timedelta(days=1))
    assert report.added == (Key("goals", "acme", "another"),)
    assert set(report.left_out) == {GOAL, FUNNEL}
    assert len(landed_rows(settings.landing, "goals")) == 2


def test_an_archived_goal_that_left_the_files_and_other_workspaces_are_not_mentioned(write, settings):
    apply([write(GOALS.replace("    name: Trial", "    status: archived\n    name: Trial"))], settings, NOON)
    other = write("workspace: other\nsegments: {vip: {filter: {all: []}}}\n", "other.yml")
    assert apply([other], settings, NOON + timedelta(days=1)).left_out == ()
    other = write("workspace: acme\nsegments: {vip: {filter: {all: []}}}\n", "other.yml")
    assert apply([other], settings, NOON + timedelta(days=2)).left_out == (FUNNEL,)


def test_a_goal_keeps_the_policy_and_currency_it_began_with(write, settings):
    impact = "    impact: {currency: USD, value: 49}\n"
    goals = GOALS.replace("    name: Trial", impact + "    name: Trial")
    apply([write(goals)], settings, NOON)
    for old, new, problem in [
        (
            "    name: Trial",
            "    definition_policy: versioned\n    name: Trial",
            "'versioned' is not 'locked'",
        ),
        ("USD", "EUR", "'EUR' is not 'USD'"),
    ]:
        report = apply([write(goals.replace(old, new))], settings, NOON + timedelta(days=1))
        assert report.landed_files == ()
        assert [problem in error.text for error in report.errors] == [True]
    assert apply([write(goals.replace(impact, ""))], settings, NOON + timedelta(days=1)).changed == (GOAL,)


def test_a_folder_that_is_applied_after_another_does_not_miss_what_is_in_the_first(write, settings):
    first = write(GOALS, "onboarding/goals.yml")
    second = write(
        GOALS.replace("trial-to-paid", "b").replace("vip", "c").replace("signup", "d"), "shop/goals.yml"
    )
    assert apply([first.parent], settings, NOON).left_out == ()
    assert apply([second.parent], settings, NOON + timedelta(days=1)).left_out == ()
    # one more goal, alone in its batch, in the first folder
    more = write(GOALS.replace("trial-to-paid", "more").partition("segments:")[0], "onboarding/more.yml")
    report = apply([more.parent], settings, NOON + timedelta(days=2))
    assert (report.added, report.left_out) == ((Key("goals", "acme", "more"),), ())
    # each folder reports only its own
    more.unlink()
    report = apply([first.parent], settings, NOON + timedelta(days=3))
    assert report.left_out == (Key("goals", "acme", "more"),)
    second.write_text(second.read_text().partition("funnels:")[0])
    report = apply([second.parent], settings, NOON + timedelta(days=4))
    assert report.left_out == (Key("funnels", "acme", "d"),)


def test_a_segment_or_goal_that_was_applied_from_another_folder_is_known(write, settings):
    apply([write(GOALS, "a/goals.yml")], settings, NOON)
    text = (
        "workspace: acme\nsegments: {s: {filter: {segment: vip}}}\nfunnels: {f: {goals: [trial-to-paid]}}\n"
    )
    assert apply([write(text, "b/goals.yml")], settings, NOON + timedelta(days=1)).warnings == ()


def test_a_clock_that_went_back_lands_nothing(write, settings):
    apply([write(GOALS)], settings, NOON)
    with pytest.raises(GoalpostError, match="set the clock right"):
        apply([write(GOALS.replace("100", "200"))], settings, NOON)
    assert len(landed_rows(settings.landing, "segments")) == 1


def test_a_record_that_somebody_damaged_is_named(write, settings):
    report = apply([write(GOALS)], settings, NOON)
    for path in report.landed_files:
        with open(path, "w") as file:
            file.write("{}\n")
    with pytest.raises(
        GoalpostError, match=r"segments/applied/.*: this is not what `goalpost goals apply` wrote"
    ):
        apply([write(GOALS)], settings, NOON + timedelta(days=1))


def test_line_separators_and_quotes_in_names_survive(write, settings):
    name = "it's \u2028 \u0085 \"; drop table goals; --"
    path = write(GOALS.replace("name: VIP", f"name: {json.dumps(name)}"))
    (landed,) = [path for path in apply([path], settings, NOON).landed_files if "segments" in path]
    with open(landed, encoding="utf-8", newline="\n") as file:
        assert [json.loads(line)["name"] for line in file] == [name]
    assert apply([path], settings, NOON + timedelta(days=1)).landed_files == ()


def test_a_landing_folder_in_an_object_store_works_alike(write, tmp_path):
    settings = Settings(home=tmp_path / "home", landing="memory://bucket/landing")
    try:
        assert len(apply([write(GOALS)], settings, NOON).landed_files) == 3
        assert apply([write(GOALS)], settings, NOON + timedelta(days=1)).landed_files == ()
        report = apply([write(GOALS.replace("100", "200"))], settings, NOON + timedelta(days=2))
        assert report.landed_files == (
            "memory:///bucket/landing/segments/applied/20260303T120000.000000Z-20260301T120000.000000Z.jsonl",
        )
        assert len(landed_rows(settings.landing, "segments")) == 2
    finally:
        fsspec.filesystem("memory").rm("/bucket", recursive=True)


# --- the command line


@pytest.fixture
def goalpost(monkeypatch, tmp_path):
    monkeypatch.setenv("GOALPOST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GOALPOST_LANDING", raising=False)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_validate_says_what_is_valid_and_lands_nothing(goalpost, write, tmp_path):
    result = goalpost("validate", write(GOALS).parent)
    assert (result.exit_code, result.stdout) == (0, "Valid: 1 goal, 1 segment, 1 funnel in 1 file.\n")
    assert not (tmp_path / "home").exists()


def test_validate_fails_with_one_plain_line_for_each_error(goalpost, write):
    path = write(
        "workspace: acme\ngoals:\n  a [red]b[/red]:\n    target: {}\n    measurement_window_days: null\n"
    )
    result = goalpost("validate", path)
    where = "goals.a [red]b[/red].target"
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"{path}:4: {where}: there is nothing to reach; give at least one of profile, event, message\n"
    )


def test_apply_tells_what_it_landed_and_then_that_nothing_changed(goalpost, write):
    result = goalpost("apply", write(GOALS))
    assert result.exit_code == 0
    assert "new: goal 'trial-to-paid' of workspace 'acme'" in result.stdout
    assert "Applied 1 goal, 1 segment, 1 funnel; 0 unchanged." in result.stdout
    assert goalpost("apply", write(GOALS)).stdout == (
        "Nothing changed (1 goal, 1 segment, 1 funnel), nothing landed.\n"
    )


def test_apply_says_how_to_stop_a_goal_that_left_the_files(goalpost, write):
    goalpost("apply", write(GOALS))
    result = goalpost("apply", write(GOALS.replace("trial-to-paid", "another")))
    assert "not in these files: goal 'trial-to-paid' of workspace 'acme', which stays" in result.stdout
    assert "to stop it, put it back with `status: archived`" in result.stdout


def test_apply_fails_and_lands_nothing_when_a_file_is_wrong(goalpost, write, tmp_path):
    result = goalpost("apply", write("goals: {a: {}}\n"))
    assert result.exit_code == 1
    assert result.stderr.endswith("Nothing was landed.\n")
    assert not (tmp_path / "home").exists()


# --- experiments

EXPERIMENT = """\
workspace: acme
goals:
  bought: {target: {event: {name: purchase}}, measurement_window_days: 14}
experiments:
  spring:
    name: Spring
    source: news
    goals: [bought, 7]
    expected_control_share: 0.1
    covariate: spent_last_year
    alpha: 0.01
  bare:
"""


def test_experiments_land_as_rows(write, settings):
    report = apply([write(EXPERIMENT)], settings, NOON)
    assert report.added == (
        Key("goals", "acme", "bought"),
        Key("experiments", "acme", "spring"),
        Key("experiments", "acme", "bare"),
    )
    at = {"workspace_id": "acme", "updated_at": "2026-03-01T12:00:00.000000Z"}
    spring = {"name": "Spring", "source_id": "news", "goal_ids": ["bought", "7"], "alpha": 0.01}
    spring |= {"expected_control_share": 0.1, "covariate": "spent_last_year"}
    bare = dict.fromkeys(spring)
    assert landed_rows(settings.landing, "experiments") == [
        {"experiment_id": "spring", **spring, **at},
        {"experiment_id": "bare", **bare, **at},
    ]
    again = apply([write(EXPERIMENT.replace("alpha: 0.01", "alpha: 1e-2"))], settings, NOON + timedelta(1))
    assert (again.added, again.changed) == ((), ())


def test_what_is_wrong_with_an_experiment_is_said_at_its_line(write):
    given = read_files(
        [
            write(
                """\
                workspace: acme
                experiments:
                  one:
                    expected_control_share: 1
                    alpha: 5%
                  two:
                    goals: bought
                    covariate: 7
                    sorce: news
                """
            )
        ]
    )
    assert texts(given.errors) == [
        "goals.yml:4: experiments.one.expected_control_share: give a number between 0 and 1, both excluded, "
        "such as 0.1",
        "goals.yml:5: experiments.one.alpha: '5%': give a number between 0 and 1, both excluded, such as "
        "0.05",
        "goals.yml:7: experiments.two.goals: 'bought' is not a list (each text or a whole number)",
        "goals.yml:8: experiments.two.covariate: give the name of a property",
    ]
    assert texts(given.warnings) == [
        "goals.yml:9: experiments.two.sorce: is not a known key, it is ignored; did you mean source?"
    ]


def test_a_goal_that_exists_nowhere_is_a_warning_in_an_experiment(write):
    given = read_files([write(EXPERIMENT)])
    assert texts(given.warnings) == [
        "goals.yml:8: experiments.spring.goals[1]: no goal '7' in these files; unless it has landed "
        "otherwise, it is not measured"
    ]


def test_the_command_counts_experiments(write):
    result = CliRunner().invoke(app, ["validate", str(write(EXPERIMENT))])
    assert result.stdout == "Valid: 1 goal, 2 experiments in 1 file.\n"
