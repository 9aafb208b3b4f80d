"""Section 2: landed rows become typed rows, or get a reason code; of the rows with one key one is valid.

Belongs here: the columns of the raw tables, typing, reason codes, which row is valid. Does not: goal rows
that are refused because of other rows (goals.py).
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from zoneinfo import available_timezones

from .filters import BadFilter, read_filter
from .goals import BadDefinition, read_definition
from .observations import observe
from .values import JSON_NUMBER, Number, iso, read_json, read_time

TIME_ZONES = available_timezones()
BIGINT = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Column:
    name: str
    type: str = "text"  # text, time, json, object, boolean, integer, share, time_zone
    default: str | None = None
    is_required: bool = False
    values: tuple[str, ...] = ()  # of an enum


def key(name: str, type: str = "text") -> Column:
    return Column(name, type, is_required=True)


def enum(name: str, *values: str, default: str | None = None) -> Column:
    return Column(name, "enum", default, is_required=default is None, values=values)


PROPERTIES = Column("properties", "object")
SEQUENCE = Column("sequence", "integer", "0")


@dataclass(frozen=True)
class Table:
    key: tuple[Column, ...]
    others: tuple[Column, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        return (*self.key, *self.others, SEQUENCE)


TABLES = {
    "workspaces": Table(
        (key("workspace_id"),),
        (
            Column("name"),
            Column("time_zone", "time_zone", "UTC"),
            Column("currency", default="USD"),
            Column("data_start_at", "time"),
        ),
    ),
    "profile_snapshots": Table(
        (key("workspace_id"), key("profile_id"), key("observed_at", "time")),
        (PROPERTIES, Column("is_deleted", "boolean", "false")),
    ),
    "profile_changes": Table(
        (key("workspace_id"), key("profile_id"), key("changed_at", "time"), key("change_id")),
        (PROPERTIES, Column("is_deleted", "boolean", "false")),
    ),
    "events": Table(
        (key("workspace_id"), key("event_id")),
        (
            key("profile_id"),
            key("name"),
            PROPERTIES,
            key("occurred_at", "time"),
            Column("received_at", "time"),
        ),
    ),
    "sources": Table(
        (key("workspace_id"), key("source_id"), key("updated_at", "time")),
        (
            enum("source_type", "campaign", "broadcast"),
            Column("name"),
            enum("status", "draft", "active", "stopped", "archived", "deleted"),
            Column("trigger_filter", "json"),
            enum("exit_condition", "never", "goal", "unmatched", "goal_or_unmatched", default="never"),
            Column("exit_goal_id"),
        ),
    ),
    "journeys": Table(
        (key("workspace_id"), key("journey_id")),
        (
            key("source_id"),
            key("profile_id"),
            key("entered_at", "time"),
            Column("finished_at", "time"),
            Column("trigger_properties", "object"),
        ),
    ),
    "deliveries": Table(
        (key("workspace_id"), key("delivery_id")),
        (
            Column("profile_id"),
            enum("source_type", "campaign", "broadcast", "transactional", "api_triggered_broadcast"),
            Column("source_id"),
            Column("journey_id"),
            Column("message_id"),
            key("channel"),
            Column("sent_at", "time"),
            Column("is_anonymous", "boolean"),
            Column("is_holdout", "boolean"),
        ),
    ),
    "engagements": Table(
        (key("workspace_id"), key("engagement_id")),
        (
            key("delivery_id"),
            enum(
                "metric",
                *("sent", "delivered", "opened", "clicked", "bounced", "failed", "dropped", "undeliverable"),
                *("unsubscribed", "spammed", "converted"),
            ),
            key("occurred_at", "time"),
            Column("url"),
            Column("is_machine", "boolean", "false"),
        ),
    ),
    "segments": Table(
        (key("workspace_id"), key("segment_id"), key("updated_at", "time")),
        (Column("name"), key("filter", "json")),
    ),
    "goals": Table(
        (key("workspace_id"), key("goal_id"), key("updated_at", "time")), (key("definition", "json"),)
    ),
    "funnels": Table(
        (key("workspace_id"), key("funnel_id"), key("updated_at", "time")),
        (Column("name"), key("goal_ids", "json"), Column("window_days", "integer")),
    ),
    "holdouts": Table(
        (key("workspace_id"), key("experiment_id"), key("profile_id")),
        (
            enum("arm", "treatment", "control"),
            Column("source_id"),
            key("assigned_at", "time"),
            Column("expected_control_share", "share"),
        ),
    ),
    "experiments": Table(
        (key("workspace_id"), key("experiment_id"), key("updated_at", "time")),
        (
            Column("name"),
            Column("source_id"),
            Column("goal_ids", "json"),
            Column("expected_control_share", "share"),
            Column("covariate"),
            Column("alpha", "share", "0.05"),
        ),
    ),
}


class Fault(Exception):
    """A row cannot be staged; its text is the reason code."""


# ---- which row is valid ------------------------------------------------------------------------------------


@dataclass
class Staged:
    standing: dict[str, list[dict]]  # table -> typed rows, each with its LandedRow under "landed"
    holdout_arms: dict[tuple, set[str]]  # key of a holdout -> the arms of its rows with the highest sequence
    quarantine: dict[str, list[dict]]
    accounting: dict[str, dict]
    unreadable_workspaces: set[str]

    @property
    def observations(self) -> list[dict]:
        return observe(self.standing["profile_snapshots"], self.standing["profile_changes"])

    def refuse(self, table: str, row: dict, reason_code: str) -> None:
        """'a row refused so leaves nothing under its key'"""
        self.standing[table] = [standing for standing in self.standing[table] if standing is not row]
        self.quarantine[table].append(quarantined(row["landed"], reason_code))
        self.accounting[table]["staged"] -= 1
        self.accounting[table]["quarantined"] += 1


def stage(landed_rows: list) -> Staged:
    """'rows landed = rows staged + rows superseded (same key, exact duplicates included) + rows quarantined.
    Faulty rows leave before keys are compared'"""
    staged = Staged({name: [] for name in TABLES}, {}, {name: [] for name in TABLES}, {}, set())
    valid: dict[str, dict[tuple, list[dict]]] = {name: defaultdict(list) for name in TABLES}
    landed = dict.fromkeys(TABLES, 0)
    for landed_row in landed_rows:
        landed[landed_row.table] += 1
        try:
            row = read_row(landed_row)
        except Fault as fault:
            staged.quarantine[landed_row.table].append(quarantined(landed_row, str(fault)))
        else:
            key_of_row = tuple(row[column.name] for column in TABLES[landed_row.table].key)
            valid[landed_row.table][key_of_row].append(row)
    for name in TABLES:
        staged.standing[name] = [max(rows, key=lambda row: row["rank"]) for rows in valid[name].values()]
        quarantined_rows = len(staged.quarantine[name])
        staged.accounting[name] = {
            "landed": landed[name],
            "staged": len(valid[name]),
            "superseded": landed[name] - quarantined_rows - len(valid[name]),
            "quarantined": quarantined_rows,
        }
    for key_of_row, rows in valid["holdouts"].items():
        highest = max(row["sequence"] for row in rows)
        staged.holdout_arms[key_of_row] = {row["arm"] for row in rows if row["sequence"] == highest}
    receive_once(staged.standing["events"], valid["events"])
    date_sends(staged.standing["deliveries"], staged.standing["engagements"])
    staged.unreadable_workspaces = unreadable_workspaces(landed_rows, valid["workspaces"])
    return staged


def unreadable_workspaces(landed_rows: list, valid: dict[tuple, list[dict]]) -> set[str]:
    """'A workspace with a readable id of which no landed row can be staged'"""
    landed = [row.values for row in landed_rows if row.table == "workspaces" and row.values is not None]
    named = {values["workspace_id"] for values in landed if values.get("workspace_id")}
    return {name for name in named if min(name) >= " " and (name,) not in valid}


def receive_once(events: list[dict], rows_of: dict[tuple, list[dict]]) -> None:
    """'an event's `received_at` is the earliest among all its landed rows that can be staged and have one,
    whichever of them stands otherwise; where none has one, it is the standing row's `occurred_at`. An
    `occurred_at` after that moment … is read as that moment.'"""
    for event in events:
        rows = rows_of[event["workspace_id"], event["event_id"]]
        receipts = [row["received_at"] for row in rows if row["received_at"] is not None]
        event["received_at"] = min(receipts, default=event["occurred_at"])
        event["occurred_at"] = min(event["occurred_at"], event["received_at"])


def date_sends(deliveries: list[dict], engagements: list[dict]) -> None:
    """'A delivery whose standing row has no `sent_at` was sent at its first `sent` engagement, if it has
    one.'"""
    sends = defaultdict(list)
    for row in engagements:
        if row["metric"] == "sent":
            sends[row["workspace_id"], row["delivery_id"]].append(row["occurred_at"])
    for delivery in deliveries:
        if delivery["sent_at"] is None:
            delivery["sent_at"] = min(sends[delivery["workspace_id"], delivery["delivery_id"]], default=None)


def quarantined(landed_row, reason_code: str) -> dict:
    """'its file, row number, original values and reason code'"""
    values = landed_row.values or {}
    return {
        "path": landed_row.path,
        "row_number": landed_row.row_number,
        "reason_code": reason_code,
        **{column.name: values.get(column.name) or None for column in TABLES[landed_row.table].columns},
    }


# ---- one row -----------------------------------------------------------------------------------------------


def read_row(landed_row) -> dict:
    """'Reason codes, first match: `bad_row` …, `missing_key` …'. Each step raises the next code in that
    order."""
    if landed_row.values is None:
        raise Fault("bad_row")
    table = TABLES[landed_row.table]
    texts = {column.name: landed_row.values.get(column.name) or None for column in table.columns}
    check_required(landed_row.table, table, texts)
    check_ids(texts)
    row = {column.name: texts[column.name] or column.default for column in table.columns}
    read_each(row, table, ("time",), read_time, "bad_timestamp")
    read_each(row, table, ("json",), read_json, "bad_json", ValueError, RecursionError)
    read_each(row, table, ("object",), read_object, "bad_json", ValueError, RecursionError)
    read_each(row, table, ("boolean",), read_boolean, "bad_enum")
    read_each(row, table, ("integer",), read_integer, "bad_enum")
    read_each(row, table, ("share",), read_share, "bad_enum")
    read_each(row, table, ("time_zone",), lambda text: text if text in TIME_ZONES else None, "bad_enum")
    for column in table.columns:
        if column.values and row[column.name] not in column.values:
            raise Fault("bad_enum")
    read_what_json_says(landed_row.table, row, texts)
    check_future(landed_row.table, table, row, landed_row.loaded_at)
    row["landed"] = landed_row
    row["rank"] = rank(table, row, texts)
    return row


def check_required(name: str, table: Table, texts: dict) -> None:
    """'required ones carry `*` (key columns are required too)'; 'profile_id* (not if anonymous)'"""
    required = [column.name for column in table.columns if column.is_required]
    if name == "deliveries" and read_boolean(texts["is_anonymous"] or "false") is not True:
        required.append("profile_id")
    if any(texts[column] is None for column in required):
        raise Fault("missing_key")


def check_ids(texts: dict) -> None:
    """'`bad_key` (any `*_id` column, of the key or not, with a character below U+0020)'"""
    for name, text in texts.items():
        if name.endswith("_id") and text is not None and any(character < " " for character in text):
            raise Fault("bad_key")


def read_each(
    row: dict, table: Table, types: tuple, read: Callable, reason_code: str, *errors: type[Exception]
) -> None:
    """Reads every column of these types in place; a value that cannot be read gets the reason code."""
    for column in table.columns:
        text = row[column.name]
        if column.type not in types or text is None:
            continue
        try:
            row[column.name] = read(text)
        except errors as error:
            raise Fault(reason_code) from error
        if row[column.name] is None and column.type not in ("json", "object"):
            raise Fault(reason_code)


def read_object(text: str) -> dict:
    """'JSON that is no object where the column is an object, JSON text that holds JSON included'"""
    value = read_json(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def read_boolean(text: str) -> bool | None:
    """'A boolean is `true`/`false`, in any case, as text too, also `t`/`f` and `1`/`0`'"""
    return {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}.get(text.lower())


def read_share(text: str) -> str | None:
    """'`alpha` and `expected_control_share` lie strictly between 0 and 1'; kept as text, for ties."""
    return text if JSON_NUMBER.fullmatch(text) and 0 < float(text) < 1 else None


def read_integer(text: str) -> int | None:
    """'an integer is `-?[0-9]+` within a bigint'"""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or int(text) not in BIGINT:
        return None
    return int(text)


def read_what_json_says(name: str, row: dict, texts: dict) -> None:
    """'`bad_filter`, `bad_definition`': JSON that has to be a filter, a definition or a list of goals; and
    what an absent value stands for."""
    try:
        if name == "sources" and texts["trigger_filter"] is not None:
            row["trigger_filter"] = read_filter(row["trigger_filter"])
        elif name == "segments":
            row["filter"] = read_filter(row["filter"])
        elif name == "goals":
            row["definition"] = read_definition(row["definition"])
        elif name in ("funnels", "experiments") and texts["goal_ids"] is not None:
            row["goal_ids"] = read_goal_ids(row["goal_ids"])
    except BadFilter as error:
        raise Fault("bad_filter") from error
    except BadDefinition as error:
        raise Fault("bad_definition") from error


def read_goal_ids(goal_ids) -> list[str]:
    """'goal_ids* (ordered JSON list)'; '`goal_ids` that is no list of ids'"""
    if not isinstance(goal_ids, list):
        raise BadDefinition("goal_ids is a list of ids")
    return [read_id(goal_id) for goal_id in goal_ids]


def read_id(value) -> str:
    """'An id that comes as a number … is its integer text where it is whole (a double 42345.0 is `42345`, as
    is the integer)'"""
    if isinstance(value, Number) and float(value.text).is_integer():
        return str(int(Decimal(value.text)))
    if not isinstance(value, str):
        raise BadDefinition("an id is a text or a whole number")
    return value


def check_future(name: str, table: Table, row: dict, loaded_at) -> None:
    """'`future_timestamp` (any time but `data_start_at` more than one day after the file's `loaded_at` …)';
    '`future_timestamp` judges an event's row by its own `received_at`, and by `occurred_at` only where it has
    none'"""
    judged = {column.name for column in table.columns if column.type == "time"} - {"data_start_at"}
    if name == "events":
        judged = {"occurred_at" if row["received_at"] is None else "received_at"}
    moments = [row[column] for column in judged if row[column] is not None]
    if any(moment > loaded_at + timedelta(days=1) for moment in moments):
        raise Fault("future_timestamp")


def rank(table: Table, row: dict, texts: dict) -> list[tuple[bool, str]]:
    """'the one with the highest `sequence` (bigint, 0 where absent) stands; ties: the greatest by the table's
    remaining columns in the order below, each as text (JSON text as landed, … times in ISO); a null never
    beats a value'"""

    def as_text(column: Column) -> tuple[bool, str]:
        value = row[column.name]
        if value is None or column.type in ("json", "object"):
            value = texts[column.name]
        elif column.type == "time":
            value = iso(value)
        elif column.type == "boolean":
            value = "true" if value else "false"
        return (value is not None, "" if value is None else str(value))

    return [row["sequence"], *map(as_text, table.others)]
