"""The data: a shop's messages and what people did, as if landed, one file per table and day.

Belongs here: how much is drawn, when and for whom (world.sql: what), and putting it into the raw tables or a
landing folder. Does not: running anything on it (measure.py).
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import yaml

from orchestration.contract import RAW_TABLES
from orchestration.settings import Settings
from orchestration.warehouse import connect

HERE = Path(__file__).parent
LONGEST_JOURNEY = 9  # days until its last message
SOURCES_OF_A_KIND = 20
EXITS = {
    "campaign-3": {"exit_condition": "goal", "exit_goal_id": "trial-to-paid"},
    "campaign-7": {"exit_condition": "goal", "exit_goal_id": "course-completed"},
    "campaign-11": {
        "exit_condition": "unmatched",
        "trigger_filter": {"property": "plan", "op": "neq", "value": "churned"},
    },
}


UNITS = {"k": 1_000, "M": 1_000_000}
LONG = "-long"


@dataclass(frozen=True)
class World:
    """`deliveries`: in its history; for each there are three engagements, two events and two snapshots."""

    deliveries: int
    days: int
    profiles: int
    goals: int = 20

    @classmethod
    def named(cls, name: str, days: int) -> "World":
        """`1M`: a million deliveries in `days` days, ten per profile. `10M-long`: the people of 1M and as
        many messages per day, for ten times the days."""
        size = name.removesuffix(LONG)
        deliveries = int(size[:-1]) * UNITS[size[-1]]
        if name.endswith(LONG):
            return cls(deliveries, days * 10, deliveries // 100)
        return cls(deliveries, days, deliveries // 10)

    @property
    def messages_a_day(self) -> int:
        return self.deliveries // self.days


def start_of(day: int) -> datetime:
    return datetime(2020, 1, 1) + timedelta(days=day - 1)


def land_history(settings: Settings, world: World) -> None:
    with _landing(settings, world, world.messages_a_day) as connection:
        for day in range(1, world.days + 1):
            _land(connection, day, _rows_of(day))
        for table, rows in definitions(world).items():
            _land_definitions(connection, world, table, rows)


def land_day(settings: Settings, world: World, day: int, messages: int | None = None) -> None:
    """Land a day after the history, in order. `messages`: fewer than a day of the world has."""
    with _landing(settings, world, messages or world.messages_a_day) as connection:
        _land(connection, day, _rows_of(day))


def land_late(settings: Settings, world: World, day: int, days_late: int = 100) -> None:
    """Land on that day, for one profile in a hundred, a message and rows of every other kind, `days_late`
    days late."""
    with _landing(settings, world, world.profiles // 100) as connection:
        connection.execute("create or replace temp macro first_number(day) as 1000000000 + day * 1000000")
        connection.execute(
            f"create or replace temp macro profile_of(seed) as seed % {world.profiles // 100} * 100"
        )
        late = day - days_late
        _land(connection, day, {table: f"{table}({late}, {late})" for table in _rows_of(late)})


def turn_snapshots_into_changes(settings: Settings) -> None:
    """The same moments and people; each row says five of the properties."""
    said = ", ".join(
        f"'{name}': json_extract(properties, '{name}')"
        for name in ("plan", "tier", "score", "lifetime_value", "last_seen")
    )
    with closing(connect(settings)) as connection:
        connection.execute(f"""
            begin;
            insert into raw.profile_changes by name
            select * exclude (observed_at, properties), observed_at as changed_at,
                'c' || file_id || '-' || row_number as change_id, to_json({{{said}}})::varchar as properties
            from raw.profile_snapshots;
            delete from raw.profile_snapshots;
            update raw.files set table_name = 'profile_changes' where table_name = 'profile_snapshots';
            commit;
        """)


def replace_goals(settings: Settings, world: World) -> None:
    with closing(connect(settings)) as connection:
        connection.execute("delete from raw.goals; delete from raw.files where table_name = 'goals'")
        _land_definitions(connection, world, "goals", definitions(world)["goals"])


def write_landing(settings: Settings, landing: Path, files_in_one: int, name: str = "") -> None:
    """Write the rows of the raw tables as JSONL files; each combines several of the landed files."""
    with closing(connect(settings, read_only=True)) as connection:
        for table in RAW_TABLES.values():
            columns = ", ".join(
                f"{column.name}::json as {column.name}" if column.type in JSON_TYPES else column.name
                for column in table.columns
            )
            folder, raw = landing / table.name, f"raw.{table.name}"
            found = connection.execute(f"select distinct file_id from {raw} order by all").fetchall()
            for place in range(0, len(found), files_in_one):
                (first,), *_, (last,) = found[place : place + files_in_one] * 2
                folder.mkdir(parents=True, exist_ok=True)
                connection.execute(
                    f"copy (select {columns} from {raw} where file_id between {first} and {last}) "
                    f"to '{folder / f'{name}{first:06}.jsonl'}' (format json)"
                ).fetchall()


JSON_TYPES = ("json", "json_list", "filter", "definition")


def definitions(world: World) -> dict[str, list[dict]]:
    """The rows of the small tables. Goals beyond those in goals.yml are variants of them; goals that may be
    edited are edited half-way through the history."""
    written = yaml.safe_load((HERE / "goals.yml").read_text("utf-8"))
    since, half_way = f"{start_of(-20)}Z", f"{start_of(world.days // 2)}Z"
    goal_rows = []
    for number in range(world.goals):
        variant, place = divmod(number, len(written["goals"]))
        goal_id, definition = list(written["goals"].items())[place]
        if variant:
            goal_id, definition = f"{goal_id}-{variant}", _varied(definition, variant)
        goal_rows.append({"goal_id": goal_id, "updated_at": since, "definition": definition})
        if "definition_policy" in definition:
            edited = definition | {"measurement_window_days": 21}
            goal_rows.append({"goal_id": goal_id, "updated_at": half_way, "definition": edited})
    source_ids = [
        (kind, f"{kind}-{n}") for kind in ("campaign", "broadcast") for n in range(SOURCES_OF_A_KIND)
    ]
    tables = {
        "workspaces": [{"name": "Acme", "time_zone": "Europe/Berlin", "currency": "EUR"}],
        "sources": [
            {"source_id": source_id, "updated_at": since, "source_type": kind, "status": "active"}
            | EXITS.get(source_id, {})
            for kind, source_id in source_ids
        ],
        "segments": [
            {"segment_id": key, "updated_at": since} | row for key, row in written["segments"].items()
        ],
        "goals": goal_rows,
        "funnels": [
            {"funnel_id": key, "updated_at": since, "goal_ids": row.pop("goals")} | row
            for key, row in written["funnels"].items()
        ],
    }
    return {table: [{"workspace_id": "acme"} | row for row in rows] for table, rows in tables.items()}


def _varied(definition: dict, variant: int) -> dict:
    """A variant of a goal: other sources, and one more condition in every filter, so that goals share no
    predicate."""

    def narrowed(condition: dict | None, name: str) -> dict:
        return {
            "all": [*([condition] if condition else []), {"property": name, "op": "gte", "value": variant}]
        }

    def shifted(source_id: str) -> str:
        kind, number = source_id.split("-")
        return f"{kind}-{(int(number) + variant) % SOURCES_OF_A_KIND}"

    target = dict(definition["target"])
    if "profile" in target:
        target["profile"] = narrowed(target["profile"], "score")
    if "event" in target:
        target["event"] = target["event"] | {"filter": narrowed(target["event"].get("filter"), "total")}
    return definition | {
        "eligibility": narrowed(definition.get("eligibility"), "average_order"),
        "target": target,
        "sources": [shifted(source_id) for source_id in definition["sources"]],
    }


def draw(connection: duckdb.DuckDBPyConnection, world: World, messages: int) -> None:
    """Make the macros of world.sql."""
    connection.execute(f"""
        create or replace temp macro messages() as {messages};
        create or replace temp macro first_number(day) as (day + 100) * {world.messages_a_day};
        create or replace temp macro profiles() as {world.profiles};
    """)
    connection.execute((HERE / "world.sql").read_text("utf-8"))


@contextmanager
def _landing(settings: Settings, world: World, messages: int) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(connect(settings)) as connection:
        draw(connection, world, messages)
        connection.begin()
        yield connection
        connection.commit()


def _rows_of(day: int) -> dict[str, str]:
    """What lands on a day. On the first day, also journeys that began before; an engagement lands on its
    day."""
    begun = day if day > 1 else day - LONGEST_JOURNEY
    sent = max(day - 1, 1)
    return {
        "journeys": f"journeys({begun}, {day})",
        "deliveries": f"deliveries({day}, {day})",
        "engagements": f"engagements({sent}, {day}, landing_on := {day})",
        "events": f"events({day}, {day})",
        "profile_snapshots": f"profile_snapshots({day}, {day})",
    }


def _land(connection: duckdb.DuckDBPyConnection, day: int, rows_of: dict[str, str]) -> None:
    for table, rows in rows_of.items():
        file_id = _next_file(connection)
        inserted = connection.execute(
            f"insert into raw.{table} by name "
            f"select {file_id} as file_id, row_number() over () as row_number, * from {rows}"
        ).fetchall()[0][0]
        _record_file(connection, file_id, table, inserted, start_of(day + 1))


def _land_definitions(
    connection: duckdb.DuckDBPyConnection, world: World, table: str, rows: list[dict]
) -> None:
    file_id = _next_file(connection)
    columns = [column.name for column in RAW_TABLES[table].columns]
    names = ", ".join(f'"{name}"' for name in ("file_id", "row_number", *columns))
    for number, row in enumerate(rows, 1):
        values = [row.get(column) for column in columns]
        texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
        connection.execute(
            f"insert into raw.{table} ({names}) values ({', '.join('?' * (len(columns) + 2))})",
            [file_id, number, *texts],
        )
    _record_file(connection, file_id, table, len(rows), start_of(world.days + 1))


def _next_file(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("select coalesce(max(file_id), 0) + 1 from raw.files").fetchall()[0][0]


def _record_file(
    connection: duckdb.DuckDBPyConnection, file_id: int, table: str, rows: int, loaded_at: datetime
) -> None:
    connection.execute(
        "insert into raw.files values (?, ?, ?, '', 0, ?, ?, 'loaded', null, [], '', null, null)",
        [file_id, table, f"{table}/{file_id:06}", rows, loaded_at],
    )
