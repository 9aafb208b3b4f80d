"""How the cluster reads one landed file: a view of it, a query that judges it, a query of its rows.

Belongs here: each format in Spark's SQL. Does not: what the head of a file says (landing/), which files
(landing.py), what a text means (the staging models).

Spark does not number the records of a file. But a task reads a block of a file from its beginning to its end,
so a record's number is its place in its block, after the records of the blocks before; the query of the
blocks counts these. No window sorts the file.
"""

import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.contract import RAW_TABLES, Column, RawTable
from orchestration.landing.csv_records import CsvRows
from orchestration.landing.json_records import BLANKS, JsonRows, is_array
from orchestration.landing.listing import LandedFile
from orchestration.landing.rows import (
    JSON_TYPES,
    LONGEST_NAME,
    MOST_UNKNOWN,
    RECORD_BYTES,
    WHOLE_NUMBER_TYPES,
    UnreadableFile,
    not_utf_8,
    places_in,
    record_too_long,
    shown,
    too_large,
    unknown_columns,
)
from orchestration.spark.connection import Row, Spark, literal
from orchestration.spark.engine import json_macros

ONE_PIECE_BYTES = 256 * 1024 * 1024  # the text of a file that only one task can read
HEAD_BYTES = 64 * 1024  # of JSON, to see whether it is an array
PLACE_IN_TASK = (
    "(monotonically_increasing_id() & 8589934591)"  # the lower 33 bits; the upper ones number the task
)
BLOCK_AND_PLACE = f"input_file_block_start() as block, {PLACE_IN_TASK} as place"
NULL = "cast(null as string)"

# Possessive loops (*+) take no stack, so a text may be long.
QUOTED = r'"[^"]*+(?:""[^"]*+)*+'  # in CSV, without the last quote
JSON_TOKEN = r'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\z)|[\[\]{},]|[^"\[\]{},]++'
HEXES = "[0-9a-fA-F]{2}"
HIGH, LOW = rf"\\u[dD][89abAB]{HEXES}", rf"\\u[dD][c-fC-F]{HEXES}"  # the halves of a surrogate pair


class Reading(ABC):
    """One file. `view`: the name of a temporary view, through which the cluster reads it."""

    csv_delimiter: str | None = None
    csv_fields: int | None = None
    rows: int  # known when it is judged

    def __init__(self, table: RawTable, view: str):
        self.table, self.view = table, view
        # By where a block begins. (If its task reads another one first, less the records of that.)
        self.records_before: dict[int, int] = {}

    @abstractmethod
    def create_view(self, path: str) -> str:
        """The statement. `path`: on the cluster, as a pattern."""

    @abstractmethod
    def blocks(self) -> str:
        """The query of what `judge` takes, a row for each block of the file."""

    @abstractmethod
    def select(self) -> str:
        """The query of row_number, the contract's columns as text, raw_record."""

    def judge(self, spark: Spark, blocks: list[Row]) -> None:
        """Count. Raises UnreadableFile, and SparkError."""
        records = self.rows = 0
        for block in sorted(blocks, key=lambda block: block["block"]):
            self.records_before[block["block"]] = records - block["first"]
            records += block["records"]
            self.rows += block["rows"]

    @abstractmethod
    def unknown_columns(self) -> str:
        """The query of `name`: the columns that the file has and the contract does not."""

    def number(self) -> str:
        """SQL: the number of a record, in a select from the view alone."""
        before = " ".join(f"when {begin} then {records}" for begin, records in self.records_before.items())
        return f"{PLACE_IN_TASK} + 1" + (f" + case input_file_block_start() {before} end" if before else "")


class TextReading(Reading):
    """A line is a record."""

    records = "select value as record from {view}"
    is_row = "true"  # SQL: of a record
    needs_one_piece = "false"  # SQL: the file cannot be read line by line

    def __init__(self, head: JsonRows | CsvRows, view: str):
        super().__init__(head.table, view)
        self.most_bytes = head.most_bytes

    def create_view(self, path: str) -> str:
        self.path = path
        return (
            f"create or replace temporary view {self.view} (value string) using text "
            f"options (path {literal(path)}, lineSep '\\n')"
        )

    def blocks(self) -> str:
        return f"""
            select block, min(place) as first, count(*) as records, count_if({self.is_row}) as rows,
                sum(octet_length(record) + 1) as bytes, max(octet_length(record)) as longest,
                bool_or({self.needs_one_piece}) as needs_one_piece,
                max(case
                    when bytes <> encode(decode(bytes, 'UTF-8'), 'UTF-8') then hex(substring(bytes, 1, 10000))
                end) as not_utf_8
            from (
                select record, cast(record as binary) as bytes, {BLOCK_AND_PLACE}
                from ({self.records.format(view=self.view)})
            )
            group by block
        """

    def judge(self, spark: Spark, blocks: list[Row]) -> None:
        super().judge(spark, blocks)
        if faults := [block["not_utf_8"] for block in blocks if block["not_utf_8"]]:
            try:
                bytes.fromhex(faults[0]).decode()
            except UnicodeDecodeError as error:
                raise UnreadableFile(not_utf_8(error)) from error
            raise UnreadableFile("It is not UTF-8: export it as UTF-8.")
        if max((block["longest"] for block in blocks), default=0) > RECORD_BYTES:
            raise record_too_long()
        self.bytes = sum(block["bytes"] for block in blocks)
        if self.bytes > self.most_bytes:
            raise too_large(self.most_bytes)

    def judge_one_piece(self, what: str) -> None:
        if self.bytes > ONE_PIECE_BYTES:
            raise UnreadableFile(
                f"It is {what}, and larger than {ONE_PIECE_BYTES // 2**20} MB, unpacked: a cluster cannot "
                "share such a file out. Land it in smaller files, or with one JSON object a line."
            )


class JsonLines(TextReading):
    """A blank line is no row, but has a number."""

    is_row = "trim(both ' \t\r' from record) <> ''"

    def lines(self) -> str:
        """SQL: row_number and line."""
        return f"""
            select row_number, record as line
            from (select value as record, {self.number()} as row_number from {self.view})
            where {self.is_row}
        """

    def select(self) -> str:
        columns = self.table.columns
        texts = ", ".join(
            f"get_json_object(object, '$.{column.name}') as `{column.name}`" for column in columns
        )
        return f"""
            select row_number, {", ".join(map(_text_of_json, columns))}, raw_record
            from (
                select row_number, object, {texts},
                    case when object is null then rtrim('\r\n', line) end as raw_record
                from (
                    select *, case when {json_macros().is_json_object("line")} then line end as object
                    from ({self._mended_lines()})
                )
            )
        """

    def unknown_columns(self) -> str:
        known = literal([column.name for column in self.table.columns])
        return f"""
            select distinct left(key, {LONGEST_NAME}) as name
            from (
                select line, array_except(json_object_keys(line), {known}) as unknown
                from ({self._mended_lines()})
            )
            lateral view explode(unknown) as key
            where size(unknown) > 0 and {json_macros().is_json_object("line")}
            order by name limit {MOST_UNKNOWN}
        """

    def _mended_lines(self) -> str:
        return f"select row_number, {without_half_surrogates('line')} as line from ({self.lines()})"


class JsonArray(JsonLines):
    """The elements of an array, wherever its line ends are: a comma outside strings and other brackets ends
    one. One task reads it, because what a bracket means depends on all before it."""

    def judge(self, spark: Spark, blocks: list[Row]) -> None:
        super().judge(spark, blocks)
        self.judge_one_piece("one array")
        [found] = spark.rows(f"""
            select coalesce(max(closed), 0) > 0 as is_closed,
                count_if(closed = 0 and text <> '') as texts,
                max(case when closed = 0 then element end) as elements,
                min_by(text, place) filter (where closed > 1 and text <> '') as rest
            from (select *, trim(both ' \t\r\n' from token) as text from ({self._tokens()}))
        """)
        if not found["is_closed"]:
            raise UnreadableFile("Its array is never closed: was it cut off, or is a quote never closed?")
        if found["rest"]:
            raise UnreadableFile(
                f'After its array comes "{shown(found["rest"], 40)}": a file is one array, or one object a '
                "line."
            )
        self.rows = found["elements"] if found["texts"] or found["elements"] > 1 else 0

    def lines(self) -> str:
        return f"""
            select element as row_number, ltrim(' \t\r\n', array_join(
                transform(array_sort(collect_list(struct(place, token))), each -> each.token), ''
            )) as line
            from ({self._tokens()})
            where closed = 0 and {self.rows} > 0
            group by element
        """

    def _tokens(self) -> str:
        """SQL: strings, brackets, commas and what is between them. `closed`: 0 in the array, 1 at its last
        bracket, more behind it. What divides elements is no text of theirs."""
        return f"""
            select place, case when depth = 1 and token in ('[', ',') then '' else token end as token,
                1 + count_if(depth = 1 and token = ',') over (order by place) as element,
                count_if(depth <= 0 and trim(both ' \t\r\n' from token) <> '') over (order by place) as closed
            from (
                select place, token, sum(case
                    when token in ('[', '{{') then 1
                    when token in (']', '}}') then -1
                    else 0
                end) over (order by place) as depth
                from (
                    select struct(line, place) as place, token
                    from (select value, {self.number()} as line from {self.view})
                    lateral view posexplode(
                        regexp_extract_all(value || '\n', {literal(JSON_TOKEN)}, 0)
                    ) as place, token
                )
            )
        """


class CsvReading(TextReading):
    """A blank line is no record. If a value has a line end in it, one task reads the file, because what a
    quote means depends on all before it."""

    records = "select * from (select rtrim('\r', value) as record from {view}) where record <> ''"

    def __init__(self, head: CsvRows, view: str):
        super().__init__(head, view)
        self.places, self.header, self.header_ends = head.places, head.header, head.header_ends
        self.csv_delimiter, self.csv_fields = head.csv_delimiter, head.csv_fields
        with head.open() as text:
            lines = text.read(head.header_ends).split(b"\n")
        self.records_of_head = sum(1 for line in lines if line.strip(b"\r"))
        self.delimiter = re.escape(head.csv_delimiter or "")
        field_and_delimiter = rf'(?:{QUOTED}"|(?!"))[^{self.delimiter}]*+{self.delimiter}'
        unclosed = rf"^(?:{field_and_delimiter})*+{QUOTED}\z"
        self.needs_one_piece = (
            f"case when record like '%\"%' then record rlike {literal(unclosed)} else false end "
            "or record like '%\r%'"
        )

    def judge(self, spark: Spark, blocks: list[Row]) -> None:
        super().judge(spark, blocks)
        self.rows -= self.records_of_head
        self.is_one_piece = any(block["needs_one_piece"] for block in blocks)
        if self.is_one_piece:
            self.judge_one_piece("CSV with line ends inside of values")
            spark.run(
                f"create or replace temporary view {self.view}_in_one_piece (value string) using text "
                f"options (path {literal(self.path)}, wholetext 'true')"
            )
            self.rows = spark.value(f"select count(*) from ({self._numbered()})")

    def select(self) -> str:
        field = rf'{self.delimiter}((?:{QUOTED}(?:"|\z))?+[^{self.delimiter}]*+)'
        parts = literal(rf'(?s)^({QUOTED})"?(.*)$')
        raw_record = "regexp_replace(record, '(\r\n|\r|\n)\\\\z', '')"  # it may end in an open quote
        columns = ", ".join(
            _stored(column, f"fields[{self.places[column.name]}]") if column.name in self.places else NULL
            for column in self.table.columns
        )
        return f"""
            select row_number, {columns}, raw_record
            from (
                select row_number,
                    case when size(fields) <> {self.csv_fields} then {raw_record} end as raw_record,
                    case when size(fields) = {self.csv_fields} then transform(fields, field -> case
                        when field = '\\\\N' then null
                        when field not like '"%' then field
                        else replace(substr(regexp_extract(field, {parts}, 1), 2), '""', '"')
                            || regexp_extract(field, {parts}, 2)
                    end) end as fields
                from (
                    select *, regexp_extract_all(
                        {literal(self.csv_delimiter)} || record, {literal(field)}, 1
                    ) as fields
                    from ({self._numbered()})
                )
            )
        """

    def unknown_columns(self) -> str:
        return f"select explode({literal(unknown_columns(self.header, self.places))}) as name"

    def _numbered(self) -> str:
        """SQL: row_number and record."""
        if not self.is_one_piece:
            records = self.records.format(view=self.view)
            return f"""
                select *
                from (select {self.number()} - {self.records_of_head} as row_number, record from ({records}))
                where row_number > 0
            """
        field = rf'(?:{QUOTED}(?:"|\z))?+[^{self.delimiter}\r\n]*+'
        record = literal(f"{field}(?:{self.delimiter}{field})*+")
        return f"""
            select place + 1 as row_number, record
            from (
                select cast(substring(
                    bytes, {self.header_ends} + if(substring(bytes, 1, 3) = X'EFBBBF', 4, 1)
                ) as string) as text
                from (select cast(value as binary) as bytes from {self.view}_in_one_piece)
            )
            lateral view posexplode(
                filter(regexp_extract_all(text, {record}, 0), each -> each <> '')
            ) as place, record
        """


class ParquetReading(Reading):
    """Only the columns of the contract are read, so the others may be of any type."""

    def __init__(self, table: RawTable, view: str, stream: BinaryIO, most_bytes: int):
        super().__init__(table, view)
        try:
            file = pq.ParquetFile(stream)
            self.schema, self.rows_of_footer = file.schema_arrow, file.metadata.num_rows
            groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        except (pa.ArrowException, OSError) as error:
            problem = str(error).splitlines()[0].rstrip(".")
            raise UnreadableFile(f"It is not a readable Parquet file ({problem}).") from error
        if sum(group.total_byte_size for group in groups) > most_bytes:
            raise too_large(most_bytes)
        physical = {
            file.schema.column(i).path: file.schema.column(i).physical_type for i in range(len(file.schema))
        }
        self.int96 = {name for name, type_ in physical.items() if type_ == "INT96"}
        self.places = places_in(table, self.schema.names)
        names = [self.schema.names[place] for place in self.places.values()]
        if twice := [name for name in names if self.schema.names.count(name) > 1]:
            raise UnreadableFile(
                f"It has two columns {shown(twice[0])}, of which Spark reads the last: write one."
            )

    def create_view(self, path: str) -> str:
        fields = [self.schema.field(place) for place in self.places.values()]
        columns = ", ".join(f"{_quoted(field.name)} {self._spark_type(field)}" for field in fields)
        return (
            f"create or replace temporary view {self.view} ({columns}) using parquet "
            f"options (path {literal(path)})"
        )

    def blocks(self) -> str:
        """With the columns of text reading."""
        return f"""
            select block, min(place) as first, count(*) as records, count(*) as rows, 0L as bytes,
                0 as longest, false as needs_one_piece, {NULL} as not_utf_8
            from (select {BLOCK_AND_PLACE} from {self.view})
            group by block
        """

    def judge(self, spark: Spark, blocks: list[Row]) -> None:
        super().judge(spark, blocks)
        if self.rows != self.rows_of_footer:
            raise UnreadableFile(
                f"It is not a readable Parquet file (it has {self.rows} of {self.rows_of_footer} rows)."
            )

    def select(self) -> str:
        columns = ", ".join(
            _stored(column, self._text_of(column)) if column.name in self.places else NULL
            for column in self.table.columns
        )
        return f"select {self.number()} as row_number, {columns}, {NULL} as raw_record from {self.view}"

    def unknown_columns(self) -> str:
        return f"select explode({literal(unknown_columns(self.schema.names, self.places))}) as name"

    def _spark_type(self, field: pa.Field) -> str:
        if _is_nanoseconds(field.type) and field.name not in self.int96:
            return "bigint"
        if isinstance(field.type, pa.UuidType):
            return "binary"
        try:
            return _spark_type(field.type)
        except KeyError as error:
            raise UnreadableFile(
                f"Its column {shown(field.name)} is of the type {field.type}, which Spark does not read: "
                "write it as text."
            ) from error

    def _text_of(self, column: Column) -> str:
        """SQL: the column as text. Times are ISO in UTC; nested values are compact JSON; a number that is not
        finite is null."""
        field = self.schema.field(self.places[column.name])
        name, type_ = _quoted(field.name), field.type
        if _is_nanoseconds(type_) and field.name not in self.int96:
            name = f"timestamp_micros(({name} - pmod({name}, 1000)) div 1000)"
        if isinstance(type_, pa.UuidType):
            groups = "(.{8})(.{4})(.{4})(.{4})(.{12})"
            return f"regexp_replace(lower(hex({name})), '{groups}', '$1-$2-$3-$4-$5')"
        if pa.types.is_timestamp(type_):
            return f"date_format({name}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS\")"
        if pa.types.is_nested(type_):
            return f"to_json({_as_json(name, type_)}, map('ignoreNullFields', 'false'))"
        text = f"cast({name} as string)"
        if pa.types.is_floating(type_):
            text = (
                f"case when {text} like '%E%' then {json_macros().spark__number_text(text)} else {text} end"
            )
            text = f"case when {_is_finite(name)} then {text} end"
        if column.type in WHOLE_NUMBER_TYPES and (pa.types.is_floating(type_) or pa.types.is_decimal(type_)):
            return f"coalesce({_whole(name)}, {text})"
        return text


def open_reading(file: LandedFile, head: Path, stream: BinaryIO, view: str, most_bytes: int) -> Reading:
    """The file by its format. `head`: a file with at least the first MB; `stream`: the whole file, of which
    only the head or the footer is read. Raises UnreadableFile."""
    table = RAW_TABLES[file.tables[0]]
    if file.format == "avro":
        raise UnreadableFile(
            "Spark does not read Avro here: land it as Parquet or as JSON, one object a line."
        )
    if file.format == "parquet":
        return ParquetReading(table, view, stream, most_bytes)
    if file.compression == "zst":
        raise UnreadableFile(
            "Spark does not unpack .zst here: pack it as .gz or .bz2, or land it as Parquet."
        )
    if file.compression and not file.path.endswith(f".{file.compression}"):
        raise UnreadableFile(f"Spark unpacks it only if its name ends in .{file.compression}, in lower case.")
    connection = cast(duckdb.DuckDBPyConnection, None)  # for the rows, which DuckDB does not read
    if file.format == "csv":
        return CsvReading(CsvRows(connection, table, head, file.compression, most_bytes), view)
    rows = JsonRows(connection, table, head, file.compression, most_bytes)
    begin = b""
    with rows.open() as text:
        while not begin and (block := text.read(HEAD_BYTES)):
            begin = block.lstrip(BLANKS)
    return (JsonArray if is_array(begin) else JsonLines)(rows, view)


def without_half_surrogates(text: str) -> str:
    """SQL: the JSON text with each half of a surrogate pair replaced by U+FFFD. An escaped backslash is
    hidden behind a control character, which JSON text cannot contain."""
    half, replacement = literal(rf"{HIGH}(?!{LOW})|(?<!{HIGH}){LOW}"), literal(r"\\ufffd")
    hidden = f"replace({text}, '\\\\\\\\', chr(1))"
    mended = f"regexp_replace({hidden}, {half}, {replacement})"
    return rf"case when {text} like '%\\\\u%' then replace({mended}, chr(1), '\\\\') else {text} end"


def _stored(column: Column, text: str) -> str:
    """SQL: the text of a column as it is stored: empty text is null; JSON has no half of a surrogate pair."""
    text = f"nullif({text}, '')"
    return f"{without_half_surrogates(text) if column.type in JSON_TYPES else text} as `{column.name}`"


def _text_of_json(column: Column) -> str:
    """SQL: the text of a column. If it may be a number that is whole, the line is read again to see whether
    it is a number, not a text."""
    text = f"`{column.name}`"
    if column.type in WHOLE_NUMBER_TYPES:
        text = (
            f"case when {text} rlike r'^-?[0-9]+([.]0|[.][0-9]+E[0-9]+)$' and "
            f"get_json_object('[' || object || ']', '$[*].{column.name}') not like '\"%' "
            f"then coalesce({_whole(f'cast({text} as double)')}, {text}) else {text} end"
        )
    return _stored(column, text)


def _whole(number: str) -> str:
    """SQL: the integer text of a number that is whole; else null."""
    return f"case when {number} % 1 = 0 then cast(cast({number} as decimal(38, 0)) as string) end"


def _is_finite(number: str) -> str:
    return f"abs({number}) < double('infinity')"


def _is_nanoseconds(type_: pa.DataType) -> bool:
    return pa.types.is_timestamp(type_) and type_.unit == "ns"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


SPARK_TYPES = {
    pa.string(): "string",
    pa.large_string(): "string",
    pa.binary(): "string",
    pa.large_binary(): "string",
    pa.bool_(): "boolean",
    **dict.fromkeys((pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16(), pa.null()), "int"),
    pa.uint32(): "bigint",
    pa.int64(): "bigint",
    pa.uint64(): "decimal(20, 0)",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.date32(): "date",
}


def _spark_type(type_: pa.DataType) -> str:
    """Raises KeyError if Spark has none."""
    if pa.types.is_dictionary(type_):
        return _spark_type(type_.value_type)
    if pa.types.is_timestamp(type_):
        return "timestamp"
    if pa.types.is_decimal(type_) and type_.precision <= 38:
        return f"decimal({type_.precision}, {type_.scale})"
    if pa.types.is_struct(type_):
        return f"struct<{', '.join(f'{_quoted(field.name)}: {_spark_type(field.type)}' for field in type_)}>"
    if pa.types.is_map(type_):
        return f"map<{_spark_type(type_.key_type)}, {_spark_type(type_.item_type)}>"
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return f"array<{_spark_type(type_.value_type)}>"
    return SPARK_TYPES[type_]


def _as_json(value: str, type_: pa.DataType, depth: int = 0) -> str:
    """SQL: the value as to_json can write it: null for each NaN and infinity, times as text."""
    if pa.types.is_floating(type_):
        return f"case when {_is_finite(value)} then {value} end"
    if pa.types.is_timestamp(type_):
        return f"cast({value} as string)" + (" || '+00'" if type_.tz else "")
    if not pa.types.is_nested(type_):
        return value
    item = f"item_{depth}"
    if pa.types.is_struct(type_):
        fields = ", ".join(
            f"{literal(field.name)}, {_as_json(f'{value}.{_quoted(field.name)}', field.type, depth)}"
            for field in type_
        )
        return f"case when {value} is not null then named_struct({fields}) end"
    if pa.types.is_map(type_):
        return f"transform_values({value}, (key, {item}) -> {_as_json(item, type_.item_type, depth + 1)})"
    return f"transform({value}, {item} -> {_as_json(item, type_.value_type, depth + 1)})"
