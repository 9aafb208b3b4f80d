"""The raw rows of people: which they are, and what they become.

Belongs here: finding them in every raw table and in quarantine, changing them. Does not: the transaction
around it (erase.py), the meaning of a single value (alias.py).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from orchestration.contract import RAW_TABLES, RawTable
from orchestration.erasure.alias import PREFIX, TEXT, Alias, keep_properties
from orchestration.erasure.people import Person
from orchestration.erasure.reads import Reads
from orchestration.months import quoted
from orchestration.warehouse import literal

# What a sender writes at most once: the keys of facts. It may build them of a person's id.
KEYS = {
    column.name
    for table in RAW_TABLES.values()
    if table.is_fact
    for column in table.columns
    if column.is_key and column.type == "id"
} - {"workspace_id", "profile_id"}

RECORDS = ("raw_record", "vendor_record")  # the whole row, as text

LOWEST_SEQUENCE, HIGHEST_SEQUENCE = -(2**63), 2**63 - 1


def say_who(connection: duckdb.DuckDBPyConnection, people: Sequence[Person]) -> None:
    connection.execute(
        "create or replace temp table wanted as "
        "select unnest($1) as workspace_id, unnest($2) as profile_id, unnest(range(len($1))) as number",
        [[person.workspace_id for person in people], [person.profile_id for person in people]],
    )


class Changes:
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
        """Rows in quarantine that do not say whose they are, but have the id or an address of one of these
        people."""
        is_of_nobody = "landed.workspace_id is null or landed.profile_id is null"
        if "profile_id" not in _names(table):
            is_of_nobody = "true"
        found = self.connection.execute(
            "select reason_code, false as is_standing, false as is_rivalled, landed.* "
            f"from raw.{quoted(table.name)} as landed "
            f"inner join staging.base_{table.name} as judged using (file_id, row_number) "
            f"where reason_code is not null and ({is_of_nobody})"
        )
        for row in _rows(found):
            if (row["file_id"], row["row_number"]) in self.rows[table.name]:
                continue
            text = "\n".join(row[name] for name in (*_names(table), *RECORDS) if row[name])
            for alias in self.aliases:
                is_named = row.get("profile_id") == alias.person.profile_id or alias.is_in(text)
                is_named = is_named or alias.is_value_in(row["raw_record"] or row["vendor_record"] or "")
                if is_named and row["workspace_id"] in (None, alias.person.workspace_id):
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
                new, renamed = value, alias.in_key(value)
                if row["workspace_id"] is None:
                    new = renamed
                elif renamed != value:  # in every row that has it, whosesoever
                    self.keys[workspace_id, column.name, value] = renamed
            elif is_faulty or column.type == "text":
                new = alias.in_text(value)
            else:
                new = value
            erased[column.name] = new
        if row["raw_record"] is not None:
            erased["raw_record"] = TEXT
        erased["vendor_record"] = None
        # What is erased must not decide which row of a key stands. It is decided already.
        if not is_faulty and not row["is_standing"] and _is_a_tie_undecided(table):
            erased["sequence"] = str(LOWEST_SEQUENCE)
        if row["is_standing"] and row["is_rivalled"]:
            erased["sequence"] = str(min(int(row["sequence"] or 0) + 1, HIGHEST_SEQUENCE))
        self.files.add(row["file_id"])
        self.rows[table.name][row["file_id"], row["row_number"]] = {
            name: erased.get(name, row[name]) for name in (*_names(table), *RECORDS)
        }

    def write(self) -> None:
        import pyarrow  # half a second

        for name, rows in self.rows.items():
            if not rows:
                continue
            columns = [*_names(RAW_TABLES[name]), *RECORDS]
            arrays = {
                "file_id": pyarrow.array([file_id for file_id, _ in rows], pyarrow.int64()),
                "row_number": pyarrow.array([number for _, number in rows], pyarrow.int64()),
            } | {
                each: pyarrow.array([row[each] for row in rows.values()], pyarrow.string())
                for each in columns
            }
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
                        f"update raw.{quoted(table.name)} as landed "
                        f"set {column} = renamed.new, vendor_record = null "
                        "from (select unnest($1) as workspace_id, unnest($2) as old, unnest($3) as new) "
                        "as renamed "
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
