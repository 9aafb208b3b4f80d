"""Erasure: nothing names the person any more, and the figures stay what they were."""

import json
import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from homes import copy_home, goalpost, read_models, start
from pipeline import Pipeline
from postgres_server import server
from scenarios import AS_OF, Story, all_stories
from test_kill import is_building
from worlds import World, merged, world, write

from orchestration.contract import RAW_TABLES
from orchestration.erasure.alias import PREFIX, Alias, keep_properties
from orchestration.erasure.erase import carry_on, forget, unfinished
from orchestration.erasure.people import Person, read_people
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.warehouse import connect

# Ids, and keys that are made of them.
IDS = {"profile_id", "delivery_id", "journey_id", "natural_key", "achievement_id", "enrollment_id"}
A_FEW_WORLDS = 40 if "GOALPOST_BATCHES" in os.environ else 15


def figures(settings: Settings) -> dict[str, Counter]:
    """The rows of every mart, without ids, and the rows of every raw table by what became of them."""
    with closing(connect(settings, read_only=True)) as connection:
        found = {}
        marts = connection.execute(
            "select table_name, list(column_name order by column_index) from duckdb_columns() "
            "where database_name = 'marts' and schema_name = 'main' group by table_name"
        ).fetchall()
        for mart, columns in marts:
            kept = [name for name in columns if name not in IDS and not name.endswith("_key")]
            if mart == "dim_profiles":
                kept.remove("properties")
            if mart == "fct_achievements":  # those of one moment may swap; the first one stays the first
                kept.remove("achievement_number")
            listed = ", ".join(f'"{name}"' for name in kept)
            found[mart] = Counter(
                map(str, connection.execute(f"select {listed} from marts.{mart}").fetchall())
            )
        bases = connection.execute(
            "select table_name from duckdb_tables() "
            "where schema_name = 'staging' and table_name like 'base%' "
            "and table_name <> 'base_definitions'"
        ).fetchall()
        for (base,) in bases:
            found[base] = Counter(
                connection.execute(
                    f"select file_id, row_number, reason_code, is_standing from staging.{base}"
                ).fetchall()
            )
        return found


def differences(before: dict[str, Counter], after: dict[str, Counter]) -> dict[str, tuple]:
    return {
        name: (list((before[name] - after[name]).items())[:3], list((after[name] - before[name]).items())[:3])
        for name in before
        if before[name] != after[name]
    }


def everybody(pipeline: Pipeline) -> list[Person]:
    tables = [table.name for table in RAW_TABLES.values() if "profile_id" in (c.name for c in table.columns)]
    people = " union ".join(f"select workspace_id, profile_id from raw.{name}" for name in tables)
    found = pipeline.query(
        f"from ({people}) where workspace_id is not null and profile_id is not null order by all"
    )
    return [Person(**row) for row in found]


def tie(number: int) -> World:
    """Two achievements at one moment: which one is the first follows from a hash of the name."""
    story = Story(f"tie {number}")
    story.goal(impact={"event_property": "total"})
    story.delivery("d", "2024-03-01")
    story.event("purchase", "2024-03-02", total=5)
    story.event("purchase", "2024-03-02", total=7)
    return story.world


def test_figures_stay_what_they_were(tmp_path: Path):
    """Of all scenarios, and of random worlds full of ties, of corrections that move a row to another person,
    and of faulty rows: first half of the people are erased, then everybody, and all is computed anew."""
    pipeline = Pipeline(tmp_path / "home")
    worlds = merged([all_stories(), *map(tie, range(12)), *(world(seed) for seed in range(A_FEW_WORLDS))])
    write(worlds, pipeline.landing, files_per_table=3)
    pipeline.run(AS_OF)
    before, people = figures(pipeline.settings), everybody(pipeline)
    # There, the property that a goal reads is the person's id: it goes, and the figures with it.
    people = [person for person in people if person.profile_id != "unpaid"]

    for those, options in (
        (random.Random(1).sample(people, len(people) // 2), []),
        (people, ["--full-refresh"]),
    ):
        erasure = forget(pipeline.settings, those)
        assert erasure and erasure.reordered == 0
        assert carry_on(pipeline.settings)
        pipeline.run(AS_OF, *options)
        found = differences(before, figures(pipeline.settings))
        assert found == {}, found
    left = {person.profile_id for person in everybody(pipeline) if not person.profile_id.startswith(PREFIX)}
    assert left == {"unpaid"}


# ---- a home, searched ------------------------------------------------------------------------------------

ANN, E_MAIL, PHONE = "customer-ann-7", "ann.smith@acme.example", "+49-171-555"
NEEDLES = (ANN, E_MAIL, E_MAIL.replace("@", "%40"), PHONE)
GOAL = {
    "name": "A large purchase of somebody at Acme",
    "eligibility": {"property": "email", "op": "ends_with", "value": "@acme.example"},
    "target": {"event": {"name": "purchase", "filter": {"property": "total", "op": "gt", "value": 10}}},
    "impact": {"event_property": "total"},
    "measurement_window_days": 7,
    "sources": ["c"],
}


def event(event_id: str, profile_id: str, at: str = "2026-01-03", **columns) -> dict:
    properties = {"total": 20.50} | ({"email": E_MAIL, "phone": PHONE} if profile_id == ANN else {})
    row = {"workspace_id": "w", "event_id": event_id, "profile_id": profile_id, "name": "purchase"}
    return row | {"occurred_at": at, "properties": properties} | columns


def snapshot(profile_id: str, email: str, at: str = "2026-01-01") -> dict:
    properties = {"email": email, "visits": 3, "name": {"first": "A", "mail": email}}
    properties |= {"phone": PHONE} if profile_id == ANN else {}
    return {"workspace_id": "w", "profile_id": profile_id, "observed_at": at, "properties": properties}


def lines(*rows: dict | str) -> str:
    return "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)


LANDED = {
    "goals/g.jsonl": lines(
        {"workspace_id": "w", "goal_id": "g", "updated_at": "2026-01-01", "definition": GOAL}
    ),
    "sources/s.csv": "workspace_id,source_id,updated_at,source_type,status\n"
    "w,c,2026-01-01,broadcast,active\n",
    "experiments/x.csv": "workspace_id,experiment_id,updated_at,covariate\nw,x,2026-01-01,visits\n",
    "holdouts/h.csv": "workspace_id,experiment_id,profile_id,arm,assigned_at\n"
    f"w,x,{ANN},control,2026-01-01\n",
    "profile_snapshots/p.jsonl": lines(snapshot(ANN, E_MAIL), snapshot("bob", "bob@acme.example")),
    "deliveries/d.csv": "workspace_id,delivery_id,profile_id,source_type,source_id,channel,sent_at\n"
    f"w,d-{ANN}-1,{ANN},broadcast,c,email,2026-01-02\nw,d2,bob,broadcast,c,email,2026-01-02\n",
    "engagements/e.jsonl": lines(
        {"workspace_id": "w", "engagement_id": f"clicked {E_MAIL}", "delivery_id": f"d-{ANN}-1"}
        | {"metric": "clicked", "occurred_at": "2026-01-02", "url": f"https://a.example/?u={NEEDLES[2]}"}
    ),
    "events/e.jsonl": lines(
        event("e1", ANN),
        event("e1", ANN, properties={"total": 9, "email": "zoe@acme.example"}),  # it stands: the greater text
        event("e2", ANN),
        event("e3", "bob"),
        event("e4", ANN, at="soon"),
        event("e5", ANN, workspace_id=None),
        event("e6", ANN, properties=f"no JSON of {E_MAIL}"),
        f'{{"event_id": "e7", "profile_id": "{ANN}", "email": "{E_MAIL}"\n',
    ),
    "profile_snapshots/no_header.csv": f"w,{ANN},2026-01-01,{E_MAIL}\n",
}


def land(settings: Settings, path: str, content: str) -> None:
    file = Path(settings.landing) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home after its first run. Do not change it."""
    folder = tmp_path_factory.mktemp("forget")
    settings = Settings(home=folder / "home", landing=str(folder / "landing"))
    read_models(settings, tmp_path_factory.getbasetemp())
    for path, content in LANDED.items():
        land(settings, path, content)
    assert goalpost(settings, "clock", "pin", "2026-02-01").returncode == 0
    ended = goalpost(settings, "run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return settings


def copied(base: Settings, folder: Path) -> Settings:
    settings = Settings(home=folder / "home", landing=str(folder / "landing"))
    copy_home(base, settings)
    shutil.copytree(base.landing, settings.landing)
    return settings


def forget_ann(settings: Settings) -> str:
    ended = goalpost(settings, "forget", "--workspace", "w", "--profile", ANN)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def forgotten(base: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    """A copy of the home from which Ann was erased, and what was printed."""
    settings = copied(base, tmp_path_factory.mktemp("forgotten"))
    return settings, forget_ann(settings)


def traces(settings: Settings) -> Iterator[str]:
    """Where the home names Ann: every byte of every file, and every value of every table, decompressed."""
    for path in settings.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            yield from (f"{path}: {needle}" for needle in NEEDLES if needle.encode() in content)
            yield from values_of(path, content)


def values_of(path: Path, content: bytes) -> Iterator[str]:
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as history:
            for (table,) in history.execute("select name from sqlite_master where type = 'table'").fetchall():
                rows = str(history.execute(f'select * from "{table}"').fetchall())
                yield from (f"{path}, {table}: {needle}" for needle in NEEDLES if needle in rows)
    elif content[8:12] == b"DUCK":
        with duckdb.connect(path, read_only=True) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            for schema, table in tables:
                rows = str(connection.execute(f'from "{schema}"."{table}"').fetchall())
                yield from (f"{path}, {schema}.{table}: {needle}" for needle in NEEDLES if needle in rows)
    elif path.suffix == ".parquet":
        rows = str(duckdb.read_parquet(str(path)).fetchall())
        yield from (f"{path}: {needle}" for needle in NEEDLES if needle in rows)


def test_the_search_finds_what_is_there(base: Settings):
    found = "\n".join(traces(base))
    places = ("raw.events", "raw.files", "staging.base_events", "main.dim_profiles", "ops.quarantine_samples")
    for place in (*places, "dim_profiles.parquet", "event_log.db", "alerts.log"):
        assert place in found, f"nothing in {place}:\n{found}"


def test_no_byte_of_the_home_names_the_person(forgotten: tuple[Settings, str]):
    assert list(traces(forgotten[0])) == []


def test_the_figures_of_the_home_stay_what_they_were(base: Settings, forgotten: tuple[Settings, str]):
    assert differences(figures(base), figures(forgotten[0])) == {}
    with duckdb.connect(forgotten[0].published, read_only=True) as marts:
        row = "select conversions, impact from rpt_goal_summary"
        assert [tuple(map(float, found)) for found in marts.execute(row).fetchall()] == [(2, 41)]
        erasures = marts.execute("select people from ops.erasures").fetchall()
    assert erasures == [(1,)]


def test_only_what_a_definition_reads_is_kept(forgotten: tuple[Settings, str]):
    with closing(connect(forgotten[0], read_only=True)) as connection:
        [(name, properties)] = connection.execute(
            "select profile_id, properties from raw.profile_snapshots where profile_id <> 'bob'"
        ).fetchall()
        events = connection.execute(
            "select properties, sequence from raw.events where profile_id = ? and event_id in ('e1', 'e2') "
            "order by all",
            [name],
        ).fetchall()
    assert name.startswith(PREFIX)
    assert json.loads(properties) == {"email": f"{name}.1@acme.example", "visits": 3}
    assert [text for text, _ in events] == ['{"total":20.5}', '{"total":20.5}', '{"total":9}']


def test_what_is_left_to_clean_is_listed_and_nobody_is_named(forgotten: tuple[Settings, str]):
    _, printed = forgotten
    assert "1 person is forgotten" in printed and ANN not in printed and E_MAIL not in printed
    listed = [line.strip() for line in printed.splitlines() if line.startswith("  ")]
    assert listed == [
        "deliveries/d.csv",
        "engagements/e.jsonl",
        "events/e.jsonl",
        "holdouts/h.csv",
        "profile_snapshots/p.jsonl",
        "profile_snapshots/no_header.csv (set aside: nobody read it)",
    ]


def test_it_stays_so_after_a_replay(base: Settings, forgotten: tuple[Settings, str]):
    settings, _ = forgotten
    assert goalpost(settings, "replay", "--since", "2020-01-01").returncode == 0
    assert list(traces(settings)) == []
    assert differences(figures(base), figures(settings)) == {}


def test_who_lands_again_is_somebody_new(forgotten: tuple[Settings, str]):
    """The new rows are theirs. The old events, sent again, stay those of the erased person. (It changes the
    home, so it comes last.)"""
    settings, _ = forgotten
    land(settings, "profile_snapshots/new.jsonl", lines(snapshot(ANN, E_MAIL, at="2026-01-20")))
    land(
        settings,
        "events/again.jsonl",
        lines(event("e1", ANN), event("e2", ANN), event("e8", ANN, "2026-01-21")),
    )
    assert goalpost(settings, "run").returncode == 0
    with duckdb.connect(settings.published, read_only=True) as marts:
        people = marts.execute(
            "select profile_id, count(*) from fct_achievements group by all order by all"
        ).fetchall()
        first_seen = marts.execute(
            f"select first_observed_at::date::text from dim_profiles where profile_id = '{ANN}'"
        )
        assert first_seen.fetchall() == [("2026-01-20",)]
    assert people[:2] == [("bob", 1), (ANN, 1)] and people[2][1] == 1


@pytest.mark.long
def test_an_erasure_that_is_killed_is_finished_by_the_next(base: Settings, tmp_path: Path):
    settings = copied(base, tmp_path)
    kill(settings, lambda home: unfinished(home).exists())
    kill(settings, lambda home: not unfinished(home).exists() and is_building(home))
    printed = forget_ann(settings)
    assert "forgotten" in printed or "is finished" in printed
    assert list(traces(settings)) == []
    assert differences(figures(base), figures(settings)) == {}


def kill(settings: Settings, moment: Callable[[Settings], bool]) -> None:
    shutil.rmtree(settings.logs, ignore_errors=True)  # is_building reads them
    running = start(settings, "forget", "--workspace", "w", "--profile", ANN)
    while running.poll() is None and not moment(settings):
        time.sleep(0.001)
    running.kill()
    output, errors = running.communicate()
    assert running.returncode == -signal.SIGKILL, f"It ended before the moment came:\n{output}\n{errors}"


def test_a_run_carries_on_with_an_erasure_that_was_killed(base: Settings, tmp_path: Path):
    settings = copied(base, tmp_path)
    assert forget(settings, [Person("w", ANN)])
    assert list(traces(settings)) != []
    assert goalpost(settings, "run").returncode == 0
    assert list(traces(settings)) == []
    assert differences(figures(base), figures(settings)) == {}


def test_postgresql_loses_the_person_too(base: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = copied(base, tmp_path)
    with server() as there:
        monkeypatch.setitem(os.environ, "GOALPOST_POSTGRES_URL", there.url)
        assert goalpost(settings, "run").returncode == 0

        def dump() -> str:
            with there.connect() as connection:
                tables = connection.execute(
                    "select table_schema, table_name from information_schema.tables "
                    "where table_schema in ('marts', 'goalpost')"
                ).fetchall()
                return "".join(
                    str(connection.execute(f'select * from "{schema}"."{name}"'.encode()).fetchall())
                    for schema, name in tables
                )

        assert ANN in dump() and E_MAIL in dump()
        forget_ann(settings)
        assert [needle for needle in NEEDLES if needle in dump()] == []


# ---- who -------------------------------------------------------------------------------------------------


def test_an_unknown_person_is_an_error(base: Settings):
    ended = goalpost(base, "forget", "--workspace", "w", "--profile", "customer-ann")
    assert ended.returncode == 1
    assert "No row names this person: nobody was forgotten" in ended.stderr
    assert "either" in goalpost(base, "forget", "--workspace", "w").stderr


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no header"),
        (b"workspace,profile_id\nw,p\n", "no header"),
        (b"workspace_id,profile_id\n", "names nobody"),
        (b"workspace_id,profile_id\nw,p\nw,\n", "line 3"),
        (b"workspace_id,profile_id\nw\n", "line 2"),
        (b"workspace_id,profile_id\nw,p,x\n", "line 2"),
        (b"workspace_id,profile_id\nw,\xff\n", "cannot be read"),
    ],
)
def test_a_bad_file_of_people_erases_nobody(content: bytes, problem: str, tmp_path: Path):
    (tmp_path / "people.csv").write_bytes(content)
    with pytest.raises(GoalpostError, match=problem) as refused:
        read_people(tmp_path / "people.csv")
    assert "obody was forgotten" in str(refused.value)


def test_a_file_of_people_may_have_other_columns_and_names_each_once(tmp_path: Path):
    (tmp_path / "people.csv").write_text('\ufeffprofile_id,why,workspace_id\n"a,b",x,w\n"a,b",y,w\n')
    assert read_people(tmp_path / "people.csv") == [Person("w", "a,b")]


# ---- what stands in the place of a value -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"a": 1.50, "b": 2}', '{"a":1.50}'),
        ('{"a": 1, "a": 2}', '{"a":1}'),
        ('{"a": 12345678901234567890.10}', '{"a":12345678901234567890.10}'),
        ('{"n": {"x": [1, {"y": 1.50, "z": 1}]}}', '{"n":{"x":[null,{"y":1.50}]}}'),
        ('{"n": {"x": 5}}', "{}"),
        ('{"a": {"z": ["a@x.org, b@x.org", "a@x.org"]}}', '{"a":{"z":["N.1@x.org, N.2@x.org","N.1@x.org"]}}'),
        ('{"a": "customer-ann-7 and customer-ann-77"}', '{"a":"N and customer-ann-77"}'),
        ("[1]", "forgotten"),
        ("{", "forgotten"),
        ('{"a": NaN}', "forgotten"),
    ],
)  # fmt: skip
def test_a_property_that_is_read_stays_as_it_was_written(text: str, kept: str):
    assert keep_properties(text, {"/a", "/n/x/1/y"}, Alias(Person("w", ANN), "N")) == kept


def test_a_number_or_a_short_id_is_a_name_only_in_keys():
    alias = Alias(Person("w", "2305"), "N")
    assert alias.in_key("journey_12-2305") == "journey_12-N"
    assert alias.in_key("journey-12305") == "journey-12305"
    assert alias.in_text("2305 points") == "2305 points"
