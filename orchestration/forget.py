"""Erasure: a person's rows stay and keep counting, and nothing says any more whose they are.

Belongs here: which rows and values are a person's, what stands in their place, and that no file of the home
keeps the old bytes. Does not: the run that computes everything anew and publishes it (runs.py), the command
line (forget_command.py).

One transaction changes the raw rows. Everything else in the warehouse is computed from them, so it is thrown
away, and the next run is a full refresh. A deleted row stays in a DuckDB file until something overwrites it:
so the raw rows are copied into a new file. The mark `forget.unfinished` in the home says that this is not
done yet; `carry_on` does it, and every run calls it first.
"""

import csv
import json
import re
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb

from orchestration.contract import RAW_TABLES, RawTable
from orchestration.errors import GoalpostError
from orchestration.goals.predicates import Filter, as_pointer
from orchestration.landing import list_landing
from orchestration.months import quoted
from orchestration.settings import Settings
from orchestration.warehouse import connect, create_file, literal, transaction

# It sorts after every id of ASCII. So of two rows that differ only in it, this one stands (contract.md,
# section 2): an erased event or delivery that is sent again stays the erased person's.
PREFIX = "~forgotten-"
TEXT = "forgotten"  # in place of text that cannot be read: it is no JSON, no time, no number

# What another process writes about a person at most once: the keys of facts. A sender may build them of ids.
KEYS = {
    column.name
    for table in RAW_TABLES.values()
    if table.is_fact
    for column in table.columns
    if column.is_key and column.type == "id"
} - {"workspace_id", "profile_id"}

E_MAIL = re.compile(r"[^\s\"'<>,;:()\[\]{}\\@/?&=|]+(?:@|%40)([\w-]+(?:\.[\w-]+)+)")
LOWEST_SEQUENCE = str(-(2**63))
COMPARISONS = 200_000  # at most, to find a person's name: half a second


@dataclass(frozen=True)
class Person:
    workspace_id: str
    profile_id: str


@dataclass(frozen=True)
class Erasure:
    people: int
    unknown: list[Person]  # no row names them
    reordered: int  # achievements of one moment of which another one counts as the first now
    definitions: list[str]  # that name a person: table and id


# ---- who ---------------------------------------------------------------------------------------------------


def read_people(path: Path) -> list[Person]:
    """The people in a CSV file with the columns workspace_id and profile_id, each once.

    Raises GoalpostError, with the line, if anything in the file is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            names = rows.fieldnames or []
            if not {"workspace_id", "profile_id"} <= set(names):
                raise GoalpostError(
                    f"{path} has no header with the columns workspace_id and profile_id: nobody was forgotten."
                )
            people: dict[Person, None] = {}
            for row in rows:
                if None in row or None in row.values() or not (row["workspace_id"] and row["profile_id"]):
                    raise GoalpostError(
                        f"{path}, line {rows.line_num}: it needs a workspace_id, a profile_id and as many "
                        "fields as the header. Nobody was forgotten."
                    )
                people[Person(row["workspace_id"], row["profile_id"])] = None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise GoalpostError(f"{path} cannot be read ({why}): nobody was forgotten.") from error
    if not people:
        raise GoalpostError(f"{path} names nobody: nobody was forgotten.")
    return list(people)


# ---- what definitions read ---------------------------------------------------------------------------------


@dataclass
class Reads:
    """The properties that the definitions of a workspace read, of any version, as JSON pointers."""

    profile: set[str] = field(default_factory=set)
    trigger: set[str] = field(default_factory=set)
    events: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by the event's name

    def add_filter(self, written: Filter | None, event: str | None = None) -> None:
        """`event`: its name, if the filter is on an event."""
        for condition in _conditions(written):
            is_of_event = event is not None and "property" in condition
            found = self.events[event] if is_of_event and event is not None else self.profile
            found.add(as_pointer(condition["property" if "property" in condition else "profile"]))
            value = condition.get("value")
            if isinstance(value, dict) and "profile" in value:
                self.profile.add(as_pointer(value["profile"]))

    def add_definition(self, definition: Mapping[str, Any]) -> None:
        target, impact = definition["target"], definition.get("impact") or {}
        self.add_filter(definition.get("eligibility"))
        self.add_filter(target.get("profile"))
        if event := target.get("event"):
            self.add_filter(event.get("filter"), event["name"])
            pairs = target.get("trigger_match") or []
            names = [impact.get("event_property"), impact.get("currency_property")]
            names += [pair["event_property"] for pair in pairs]
            self.events[event["name"]] |= {as_pointer(name) for name in names if name}
            self.trigger |= {as_pointer(pair["trigger_property"]) for pair in pairs}

    def of(self, table: RawTable, column: str, row: Mapping[str, Any]) -> set[str]:
        if "event_id" in table.key:
            return self.events.get(row["name"], set())
        return self.trigger if column == "trigger_properties" else self.profile


def _conditions(written: Filter | None) -> Iterator[Filter]:
    pending = [written] if written else []
    while pending:
        part = pending.pop()
        if "op" in part:
            yield part
        elif "not" in part:
            pending.append(part["not"])
        else:
            pending += part.get("all") or part.get("any") or []


def _reads(connection: duckdb.DuckDBPyConnection) -> dict[str, Reads]:
    found: dict[str, Reads] = defaultdict(Reads)
    for kind, table, column in (
        ("definition", "goals", "definition"),
        ("filter", "segments", "filter"),
        ("filter", "sources", "trigger_filter"),
    ):
        rows = connection.execute(
            f"select distinct workspace_id, normal_form from raw.{table} as landed "
            f"inner join staging.base_definitions as readings on landed.{column} = readings.landed_text "
            f"where kind = '{kind}' and normal_form is not null and workspace_id is not null"
        ).fetchall()
        for workspace_id, normal_form in rows:
            document = json.loads(normal_form)
            reads = found[workspace_id]
            reads.add_definition(document) if kind == "definition" else reads.add_filter(document)
    covariates = connection.execute(
        "select distinct workspace_id, covariate from raw.experiments where covariate is not null"
    ).fetchall()
    for workspace_id, covariate in covariates:
        found[workspace_id].profile.add(as_pointer(covariate))
    return found


# ---- what stands in the place of a value -------------------------------------------------------------------


class Alias:
    """A person's new name, and what becomes of text that may contain the old one."""

    def __init__(self, person: Person, name: str) -> None:
        self.person, self.name = person, name
        self._token = re.compile(rf"(?<![^\W_]){re.escape(person.profile_id)}(?![^\W_])")
        self._numbers: dict[str, int] = {}  # of e-mail addresses: equal ones stay equal
        # Elsewhere than in a key, a short id or a number may be anything.
        self.is_telling = len(person.profile_id) >= 6 and not person.profile_id.isdigit()
        self.needles = {person.profile_id} if self.is_telling else set()

    def in_key(self, text: str) -> str:
        return self._token.sub(lambda _: self.name, self._without_addresses(text))

    def in_text(self, text: str) -> str:
        return self.in_key(text) if self.is_telling else self._without_addresses(text)

    def is_in(self, record: str) -> bool:
        """In a record that was not read: the id, or an address of the person."""
        return bool(self._token.search(record)) or any(needle in record for needle in self.needles)

    def learn_addresses(self, text: str) -> None:
        self.needles |= {found[0] for found in E_MAIL.finditer(text)}

    def _without_addresses(self, text: str) -> str:
        """The domain stays: a definition may read it."""
        return E_MAIL.sub(self._address, text) if "@" in text or "%40" in text else text

    def _address(self, found: re.Match[str]) -> str:
        if found[0].startswith(PREFIX):
            return found[0]
        number = self._numbers.setdefault(found[0], len(self._numbers) + 1)
        return f"{self.name}.{number}@{found[1]}"


def keep_properties(text: str, pointers: Collection[str], alias: Alias) -> str:
    """A JSON object with nothing but these properties, their numbers as they were written. `TEXT` for what is
    no JSON object."""
    mark = secrets.token_hex(8)

    def marked(number: str) -> str:
        return mark + number

    try:
        document = json.loads(
            text,
            parse_int=marked,
            parse_float=marked,
            parse_constant=_no_constant,
            object_pairs_hook=_first_wins,
        )
        if not isinstance(document, dict):
            return TEXT
        kept = _kept(document, _tree(pointers), alias)
        return re.sub(rf'"{mark}([^"]*)"', r"\1", json.dumps({} if kept is NOTHING else kept, separators=(",", ":")))
    except RecursionError:
        return "{}"
    except ValueError:
        return TEXT


NOTHING = object()


def _kept(value: Any, tree: dict[str, Any], alias: Alias) -> Any:
    if None in tree:
        return _without_names(value, alias)
    if isinstance(value, dict):
        inner = {key: _kept(each, tree[key], alias) for key, each in value.items() if key in tree}
        found = {key: each for key, each in inner.items() if each is not NOTHING}
        return found if found else NOTHING
    if isinstance(value, list):
        inner = [_kept(each, tree.get(str(place), {}), alias) for place, each in enumerate(value)]
        return [None if each is NOTHING else each for each in inner]
    return NOTHING


def _without_names(value: Any, alias: Alias) -> Any:
    if isinstance(value, str):
        return alias.in_text(value)
    if isinstance(value, list):
        return [_without_names(each, alias) for each in value]
    if isinstance(value, dict):
        return {alias.in_text(key): _without_names(each, alias) for key, each in value.items()}
    return value


def _tree(pointers: Iterable[str]) -> dict:
    """Pointers as nested dicts of their steps; the key None says that a pointer ends there."""
    tree: dict = {}
    for pointer in pointers:
        place = tree
        for step in pointer.split("/")[1:]:
            place = place.setdefault(step.replace("~1", "/").replace("~0", "~"), {})
        place[None] = True
    return tree


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in pairs:
        kept.setdefault(key, value)
    return kept


def _no_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON value")


# ---- the new names -----------------------------------------------------------------------------------------


def _aliases(connection: duckdb.DuckDBPyConnection, people: Sequence[Person]) -> tuple[list[Alias], int]:
    """A random name for each person, with which the same achievements come first: those of one moment are in
    the order of a hash of the name. Also how often no name was found that does this.

    Only achievements that differ in their impact matter: the figures are sums of it."""
    pairs: dict[Person, list[tuple[str, str, str, str]]] = defaultdict(list)
    for workspace_id, profile_id, *pair in connection.execute(
        """
        select first.workspace_id, first.profile_id, first.goal_id, first.kind, first.natural_key,
            other.natural_key
        from marts.fct_achievements as first
        inner join wanted using (workspace_id, profile_id)
        inner join marts.fct_achievements as other
            on
                first.profile_key = other.profile_key
                and first.goal_id = other.goal_id
                and first.achieved_at = other.achieved_at
                and first.kind = other.kind
                and first.achievement_id < other.achievement_id
        where
            (first.impact_value, first.impact_currency) is distinct from
                (other.impact_value, other.impact_currency)
            and (first.is_first or first.achievement_id in (select achievement_id from marts.fct_conversions))
        """
    ).fetchall():
        pairs[Person(workspace_id, profile_id)].append(tuple(pair))

    aliases, reordered = [], 0
    for person in people:
        best: tuple[int, Alias] | None = None
        for _ in range(1 + COMPARISONS // (1 + len(pairs[person]))):
            alias = Alias(person, PREFIX + secrets.token_hex(16))
            wrong = sum(not _in_order(alias, pair) for pair in pairs[person])
            if best is None or wrong < best[0]:
                best = wrong, alias
            if not wrong:
                break
        assert best
        aliases.append(best[1])
        reordered += best[0]
    return aliases, reordered


def _in_order(alias: Alias, pair: tuple[str, str, str, str]) -> bool:
    goal_id, kind, *natural_keys = pair
    first, other = (
        md5(
            "\x1f".join((alias.person.workspace_id, goal_id, alias.name, kind, alias.in_key(key))).encode()
        ).hexdigest()
        for key in natural_keys
    )
    return first < other


# ---- erasing -----------------------------------------------------------------------------------------------


def forget(settings: Settings, people: Sequence[Person]) -> Erasure | None:
    """Erase these people from the raw rows; None if no row names any of them. `carry_on` and a run must
    follow. The caller is the only writer, and the last run has built all that landed.

    Raises GoalpostError if the warehouse cannot be opened; lets duckdb.Error, sqlite3.Error and OSError pass.
    """
    with closing(connect(settings)) as connection:
        _say_who(connection, people)
        aliases, reordered = _aliases(connection, people)
        changes = _Changes(connection, aliases, _reads(connection))
        known = changes.find()
        if not known:
            return None
        named = [alias for alias in aliases if alias.person in known]
        needles = {needle: alias for alias in named for needle in alias.needles}
        definitions = _definitions_with(connection, needles)
        _erase_histories(settings, needles)
        unfinished(settings).touch()
        with transaction(connection):
            changes.write()
            _erase_notes(connection, needles)
            # Everything is computed anew, whatever starts the next run.
            connection.execute("update control.watermark set file_id = 0")
            connection.execute(
                "insert into control.erasures values (?, now()::timestamp, ?)",
                [len(named), sorted(changes.files)],
            )
    unknown = [person for person in people if person not in known]
    return Erasure(len(named), unknown, reordered, definitions)


def _say_who(connection: duckdb.DuckDBPyConnection, people: Sequence[Person]) -> None:
    connection.execute(
        "create or replace temp table wanted as "
        "select unnest($1) as workspace_id, unnest($2) as profile_id, unnest(range(len($1))) as number",
        [[person.workspace_id for person in people], [person.profile_id for person in people]],
    )


class _Changes:
    """The changes of all raw rows, found first, then written."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, aliases: Sequence[Alias], reads: Mapping[str, Reads]
    ) -> None:
        self.connection, self.aliases, self.reads = connection, aliases, reads
        self.rows: dict[str, dict[tuple[int, int], dict[str, Any]]] = defaultdict(dict)  # by table and row
        self.keys: dict[tuple[str, str, str], str] = {}  # by workspace, column and old key: the new one
        self.files: set[int] = set()

    def find(self) -> set[Person]:
        """Whom any row names."""
        known: set[Person] = set()
        own = {table.name: list(self._own_rows(table)) for table in RAW_TABLES.values() if _has_people(table)}
        for name, rows in own.items():
            for alias, row in rows:
                known.add(alias.person)
                if "profile_id" in RAW_TABLES[name].key:
                    for value in row.values():
                        if isinstance(value, str):
                            alias.learn_addresses(value)
        for name, rows in own.items():
            for alias, row in rows:
                self._erase(RAW_TABLES[name], alias, row)
        for table in RAW_TABLES.values():
            for alias, row in self._unread_rows(table):
                known.add(alias.person)
                self._erase(table, alias, row)
        return known

    def _own_rows(self, table: RawTable) -> Iterator[tuple[Alias, dict[str, Any]]]:
        """The rows of these people: those that name them, and those of a delivery to them. `is_rivalled`:
        a row of somebody else has the same key, and would stand in a tie."""
        if "profile_id" in _names(table):
            owners, by = "wanted", "(workspace_id, profile_id)"
        else:
            owners = (
                "(select distinct workspace_id, delivery_id, number "
                "from raw.deliveries inner join wanted using (workspace_id, profile_id))"
            )
            by = "(workspace_id, delivery_id)"
        is_rivalled = "false"
        if "profile_id" in _names(table) and "profile_id" not in table.key:
            is_rivalled = (
                f"judged.row_key in (select row_key from staging.base_{table.name} "
                f"where profile_id > {literal(PREFIX)})"
            )
        found = self.connection.execute(
            f"select number, reason_code, is_standing, {is_rivalled} as is_rivalled, landed.* "
            f"from raw.{quoted(table.name)} as landed inner join {owners} as owners using {by} "
            f"inner join staging.base_{table.name} as judged using (file_id, row_number)"
        )
        for row in _rows(found):
            yield self.aliases[row["number"]], row

    def _unread_rows(self, table: RawTable) -> Iterator[tuple[Alias, dict[str, Any]]]:
        """Rows in quarantine of nobody known that contain the id or an address of these people."""
        ids = {"workspace_id", "profile_id"}.intersection(_names(table))
        of_nobody = " or ".join(f"landed.{name} is null" for name in sorted(ids))
        found = self.connection.execute(
            f"select reason_code, false as is_standing, false as is_rivalled, landed.* "
            f"from raw.{quoted(table.name)} as landed "
            f"inner join staging.base_{table.name} as judged using (file_id, row_number) "
            f"where reason_code is not null and ({of_nobody if len(ids) == 2 else True})"
        )
        for row in _rows(found):
            if (row["file_id"], row["row_number"]) in self.rows[table.name]:
                continue
            record = "\n".join(str(row[name]) for name in (*_names(table), "raw_record") if row[name])
            for alias in self.aliases:
                if row["workspace_id"] in (None, alias.person.workspace_id) and alias.is_in(record):
                    yield alias, row
                    break

    def _erase(self, table: RawTable, alias: Alias, row: dict[str, Any]) -> None:
        workspace_id = alias.person.workspace_id
        reads = self.reads.get(workspace_id, Reads())
        erased: dict[str, Any] = {}
        is_faulty = row["reason_code"] is not None
        for column in table.columns:
            value = row[column.name]
            if value is None or column.name == "workspace_id":
                continue
            if column.name == "profile_id":
                new = alias.name if value == alias.person.profile_id else alias.in_key(value)
            elif column.type == "json":
                new = keep_properties(value, reads.of(table, column.name, row), alias)
                new = TEXT if row["reason_code"] == "bad_json" else new
            elif column.is_erased:
                new = None
            elif column.name in KEYS:
                new = value
                if (renamed := alias.in_key(value)) != value:
                    self.keys[workspace_id, column.name, value] = renamed
            elif is_faulty or column.type == "text":
                new = alias.in_text(value)
            else:
                new = value
            erased[column.name] = new
        if row["raw_record"] is not None:
            erased["raw_record"] = TEXT
        # What is erased must not decide which row of a key stands. It is decided already.
        if not is_faulty and not row["is_standing"] and _is_a_tie_undecided(table):
            erased["sequence"] = LOWEST_SEQUENCE
        if row["is_standing"] and row["is_rivalled"]:
            erased["sequence"] = str(int(row["sequence"] or 0) + 1)
        self.files.add(row["file_id"])
        self.rows[table.name][row["file_id"], row["row_number"]] = {
            name: erased.get(name, row[name]) for name in (*_names(table), "raw_record")
        }

    def write(self) -> None:
        import pyarrow  # half a second

        for name, rows in self.rows.items():
            if not rows:
                continue
            columns = [*_names(RAW_TABLES[name]), "raw_record"]
            arrays = {
                "file_id": pyarrow.array([file_id for file_id, _ in rows], pyarrow.int64()),
                "row_number": pyarrow.array([number for _, number in rows], pyarrow.int64()),
            } | {each: pyarrow.array([row[each] for row in rows.values()], pyarrow.string()) for each in columns}
            self.connection.register("erased", pyarrow.table(arrays))
            sets = ", ".join(f"{quoted(each)} = erased.{quoted(each)}" for each in columns)
            self.connection.execute(
                f"update raw.{quoted(name)} as landed set {sets} from erased "
                "where landed.file_id = erased.file_id and landed.row_number = erased.row_number"
            )
            self.connection.unregister("erased")
        for table in RAW_TABLES.values():
            for column in KEYS.intersection(_names(table)):
                renamed = [(*key[::2], new) for key, new in self.keys.items() if key[1] == column]
                if renamed:
                    workspaces, old, new = map(list, zip(*renamed, strict=True))
                    self.connection.execute(
                        f"update raw.{quoted(table.name)} as landed set {column} = renamed.new from "
                        "(select unnest($1) as workspace_id, unnest($2) as old, unnest($3) as new) as renamed "
                        f"where landed.workspace_id = renamed.workspace_id and landed.{column} = renamed.old",
                        [workspaces, old, new],
                    )


def _has_people(table: RawTable) -> bool:
    return "profile_id" in _names(table) or "delivery_id" in _names(table)


def _is_a_tie_undecided(table: RawTable) -> bool:
    """Can an erased value decide which row of a key stands?"""
    is_value_erased = any(column.type == "json" or column.is_erased for column in table.columns)
    return is_value_erased or "profile_id" not in table.key


def _names(table: RawTable) -> list[str]:
    return [column.name for column in table.columns]


def _rows(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _definitions_with(connection: duckdb.DuckDBPyConnection, needles: Collection[str]) -> list[str]:
    """The definitions that name a person: who wrote them must change them."""
    found: set[str] = set()
    for table, key, column in (
        ("goals", "goal_id", "definition"),
        ("segments", "segment_id", "filter"),
        ("sources", "source_id", "trigger_filter"),
    ):
        for id_, text in connection.execute(f"select distinct {key}, {column} from raw.{table}").fetchall():
            if text and any(needle in text for needle in needles):
                found.add(f"{table}: {id_}")
    return sorted(found)


# ---- what was noted about people ---------------------------------------------------------------------------


def _erase_notes(connection: duckdb.DuckDBPyConnection, needles: Mapping[str, Alias]) -> None:
    """In the ledger and the history of runs: examples of what a check found, and quoted values."""
    connection.execute(
        "update control.check_results set figures = json_merge_patch(figures, "
        """'{"examples": null, "error": null}') where figures is not null"""
    )
    columns = connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where database_name = 'warehouse' and data_type in ('VARCHAR', 'JSON') "
        "and (schema_name = 'control' or (schema_name = 'raw' and table_name = 'files' "
        "and column_name = 'reason'))"
    ).fetchall()
    for schema, table, column in columns:
        place, name = f"{schema}.{quoted(table)}", quoted(column)
        for (text,) in connection.execute(
            f"select distinct {name}::varchar from {place} "
            f"where exists (select 1 from (select unnest(?) as needle) where contains({name}::varchar, needle))",
            [list(needles)],
        ).fetchall():
            connection.execute(
                f"update {place} set {name} = ? where {name}::varchar = ?", [_replaced(text, needles), text]
            )


def _erase_histories(settings: Settings, needles: Mapping[str, Alias]) -> None:
    """In the logs and in Dagster's history."""
    for path in [*settings.logs.rglob("*"), *settings.home.glob("incidents*.json")]:
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            if (new := _replaced(text, needles)) != text:
                path.write_text(new, encoding="utf-8", errors="surrogateescape")
    escaped = needles | {json.dumps(needle)[1:-1]: alias for needle, alias in needles.items()}
    for path in settings.dagster_home.rglob("*.db"):
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as history:
            _erase_history(history, escaped)


def _erase_history(history: sqlite3.Connection, needles: Mapping[str, Alias]) -> None:
    is_changed = False
    history.execute("pragma secure_delete = on")
    tables = history.execute("select name from sqlite_master where type = 'table'").fetchall()
    for (table,) in tables:
        for _, column, *_ in history.execute(f"pragma table_info({quoted(table)})").fetchall():
            for needle, alias in needles.items():
                changed = history.execute(
                    f"update {quoted(table)} set {quoted(column)} = replace({quoted(column)}, ?, ?) "
                    f"where typeof({quoted(column)}) = 'text' and instr({quoted(column)}, ?)",
                    [needle, alias.name, needle],
                )
                is_changed |= changed.rowcount > 0
    if is_changed:
        history.execute("vacuum")
        history.execute("pragma wal_checkpoint(truncate)")


def _replaced(text: str, needles: Mapping[str, Alias]) -> str:
    for needle, alias in needles.items():
        text = text.replace(needle, alias.name)
    return text


# ---- the old bytes -----------------------------------------------------------------------------------------


def unfinished(settings: Settings) -> Path:
    """This file is there from before the rows are changed until no file keeps the old bytes."""
    return settings.home / "forget.unfinished"


def carry_on(settings: Settings) -> bool:
    """Finish an erasure: throw away what was computed from the old rows, and copy the raw rows into a new
    file, because a DuckDB file keeps what was deleted until it is overwritten. Does nothing if there is none
    to finish. The next run computes everything anew. The caller is the only writer.

    Raises GoalpostError if the warehouse cannot be opened; lets duckdb.Error and OSError pass.
    """
    if not unfinished(settings).exists():
        return False
    copy = settings.warehouse.with_name("warehouse.rewritten.duckdb")
    for left in (settings.warehouse_marts, copy):
        for path in (left, left.with_name(f"{left.name}.wal")):
            path.unlink(missing_ok=True)
    create_file(copy)
    with closing(connect(settings)) as connection:
        relations = connection.execute("select relation from control.built_models").fetchall()
        computed = {schema for database, schema in map(_place, relations) if database == "warehouse"}
        for schema in computed - {"raw", "control", "main"}:
            connection.execute(f"drop schema if exists warehouse.{quoted(schema)} cascade")
        connection.execute("delete from control.built_models")
        connection.execute(f"attach {literal(copy)} as rewritten")
        connection.execute("copy from database warehouse to rewritten")
        connection.execute("checkpoint rewritten")
        connection.execute("detach rewritten")
    settings.warehouse_marts.unlink()
    copy.replace(settings.warehouse)
    unfinished(settings).unlink()
    return True


def _place(relation: tuple[str]) -> tuple[str, ...]:
    """The database and the schema of a relation."""
    return tuple(part.strip('"') for part in relation[0].split(".")[:2])


# ---- what is left to its owners ----------------------------------------------------------------------------


def is_interrupted(settings: Settings) -> bool:
    """Has no run succeeded since people were erased?"""
    with closing(connect(settings)) as connection:
        return connection.execute(
            "select coalesce(max(erased_at) > (select max(started_at) from control.runs "
            "where outcome = 'succeeded'), false) from control.erasures"
        ).fetchall()[0][0]


def left_in_landing(settings: Settings) -> list[str]:
    """The paths of the landed files, still there and unchanged, that have rows of people who were erased.

    Raises GoalpostError if the landing cannot be listed, or the warehouse cannot be opened."""
    there = {(file.path, file.fingerprint) for file in list_landing(settings).files}
    with closing(connect(settings, read_only=True)) as connection:
        landed = connection.execute(
            "select path, fingerprint from raw.files "
            "where file_id in (select unnest(file_ids) from control.erasures) order by path"
        ).fetchall()
    return [path for path, fingerprint in landed if (path, fingerprint) in there]


def left_in_home(settings: Settings) -> list[Path]:
    """Files that Goalpost keeps for their owner, and that may name people who were erased."""
    return [path for path in [*settings.home.glob("*.broken"), settings.home / "dev.duckdb"] if path.exists()]
