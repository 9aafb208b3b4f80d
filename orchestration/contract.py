"""The landing contract for the Python code: the raw tables and their columns.

Belongs here: reading their only list, dbt's (models/staging/_sources.yml). Does not: creating the tables
(warehouse.py) or judging a value (the staging models).
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestration.settings import DBT_PROJECT

CONTRACT_FILE = DBT_PROJECT / "models" / "staging" / "_sources.yml"
LEDGER = "files"


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    is_key: bool
    required: bool | str  # or the name of a condition: unless_anonymous
    values: tuple[str, ...]
    is_erased: bool = False  # a person's, and nothing reads it (erasure/rows.py)


@dataclass(frozen=True)
class RawTable:
    name: str
    description: str
    columns: tuple[Column, ...]  # in the order that breaks ties
    is_fact: bool = False  # its rows say what happened; the rows of any other table are definitions

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_key)


def read_contract(path: Path) -> dict[str, RawTable]:
    """The raw tables by name, without the ledger. Raises KeyError or StopIteration if it is no contract."""
    sources = yaml.load(path.read_bytes(), yaml.CSafeLoader)["sources"]  # a tenth of a second sooner
    tables = next(source["tables"] for source in sources if source["name"] == "raw")
    return {table["name"]: _raw_table(table) for table in tables if table["name"] != LEDGER}


def _raw_table(table: dict) -> RawTable:
    columns = tuple(_column(column) for column in table["columns"])
    is_fact = table.get("config", {}).get("meta", {}).get("is_fact", False)
    return RawTable(table["name"], table["description"], columns, is_fact)


def _column(column: dict) -> Column:
    meta = column["config"]["meta"]
    return Column(
        name=column["name"],
        type=meta["type"],
        is_key=meta.get("key", False),
        required=meta.get("required", False),
        values=tuple(meta.get("values", ())),
        is_erased=meta.get("is_erased", False),
    )


RAW_TABLES = read_contract(CONTRACT_FILE)
