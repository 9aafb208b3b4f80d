"""One landed file as rows that DuckDB selects: row_number, the contract's columns as text, raw_record.

Belongs here: the three formats, and which faults are the file's own. Does not: writing (load.py) or judging a
value (the staging models).

Parquet is read by DuckDB. CSV and JSONL come to it as Arrow batches, because its own CSV reader cannot number
records exactly: it drops blank lines, takes a lone CR for a line end and a record with one empty field too many
for a good one. Arrow reads CSV exactly as Python's csv module does (tests/test_landing_csv.py), and faster.
"""

import csv
import glob
import gzip
import io
import zlib
from abc import ABC, abstractmethod
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import BinaryIO, cast

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from orchestration.contract import RawTable

BLOCK_BYTES = 16 * 1024 * 1024  # the memory that reading takes; a CSV record must fit into it
MOST_UNKNOWN_COLUMNS = 100  # reported for a JSONL file, whose keys may be data


class UnreadableFile(Exception):
    """The file itself is at fault, whoever reads it; the text is the reason, for the ledger."""


class Rows(ABC):
    """One file. `select` gives the rows; where DuckDB failed on it, `verify` says whether the file is to blame."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: RawTable, path: str):
        self.connection, self.table, self.path = connection, table, path

    @property
    @abstractmethod
    def select(self) -> str: ...

    @property
    @abstractmethod
    def row_count(self) -> int:
        """How many rows there are, counted by other means than by selecting them."""

    @abstractmethod
    def unknown_columns(self) -> list[str]: ...

    @abstractmethod
    def verify(self) -> None:
        """Read everything and keep nothing; raise UnreadableFile if that fails."""
