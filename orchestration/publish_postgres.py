"""PostgreSQL as a published store: the same marts, for BI tools that read a database server.

Belongs here: what is written there, in one transaction. Does not: when (publish.py), or what is published.

Rows are deleted and inserted, and tables altered: never dropped and created, so that grants, indexes and
dependent views stay; never truncated, because that would block readers. Readers see the marts of one
publication or of the next.

The schema `goalpost` there records what was written: the content of each part (a mart, or a month of a fact)
and the file of its table. So a publication writes only the parts that changed since the last one that arrived
there, and everything into a database that was emptied or restored: then the tables have other files.
"""

import os
import pickle
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import duckdb

from orchestration.errors import GoalpostError
from orchestration.months import in_month, quoted, time_column
from orchestration.processes import end_with_parent, with_parent
from orchestration.runs import one_line
from orchestration.settings import Settings
from orchestration.warehouse import literal, transaction

EXTENSION = "duckdb_extension_postgres_scanner"

# Other types (structs, maps, lists in lists, JSON) become jsonb.
TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "HUGEINT": "numeric(38,0)",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "VARCHAR": "text",
}

RECORD = """
create schema goalpost;
comment on schema goalpost is 'What Goalpost has published into this database. Written by Goalpost alone.';
create table goalpost.publication (
    schema_name text primary key, run_id text, as_of timestamp, published_at timestamp
);
comment on table goalpost.publication is
    'For each schema with marts: the run that computed them, the moment until which they count, and when '
    'they were published (UTC).';
create table goalpost.parts (
    schema_name text, part text, content text not null, file bigint, primary key (schema_name, part)
);
comment on table goalpost.parts is
    'The parts of marts that are written: a hash of their content, and the file of their table. If you '
    'delete rows here, the next publication writes these parts again.';
"""

TABLES = """
select
    c.relname,
    pg_relation_filenode(c.oid)::bigint,
    obj_description(c.oid, 'pg_class'),
    a.attname,
    format_type(a.atttypid, a.atttypmod),
    a.attnotnull,
    col_description(c.oid, a.attnum)
from pg_class as c
inner join pg_namespace as n on n.oid = c.relnamespace
left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind = 'r' and n.nspname = {schema}
order by c.relname, a.attnum
"""

REMEDIES = {
    r"password|authentication|role .* does not exist|database .* does not exist|pg_hba|percent-encoded": (
        "correct GOALPOST_POSTGRES_URL"
    ),
    r"permission denied|must be owner": "give its user the rights of docs/operations.md",
    r"No space left|[Dd]isk full|could not extend|could not write": "make room there",
    r"other objects depend": (
        "drop what depends on the changed column, and create it again after the next run"
    ),
    r"lock timeout": "end what reads there for long",
    r"already exists": "move away what has the name of a mart",
    r"read-only": "name the primary server in GOALPOST_POSTGRES_URL",
}
OTHERWISE = "check that it runs and can be reached, and that GOALPOST_POSTGRES_URL names it"


@dataclass
class Table:
    """A table's shape, in PostgreSQL's words. `columns`: type, and whether it is never null."""

    columns: dict[str, tuple[str, bool]] = field(default_factory=dict)
    comments: dict[str | None, str | None] = field(default_factory=dict)  # by column; None: the table's own
    file: int | None = None


@dataclass(frozen=True)
class Difference:
    """How a mart there differs from the published one. `old`: None if there is no such table."""

    mart: str
    old: Table | None
    new: Table
    parts: list[str]  # to write
    stale: list[str]  # to delete first; the same parts, if they were there, and parts that are gone
    is_whole: bool  # every row is written
    time: str | None

    @property
    def is_altered(self) -> bool:
        return self.old is not None and self.old.columns != self.new.columns

    def __bool__(self) -> bool:
        old = self.old
        return bool(self.parts or self.stale) or old is None or old.comments != self.new.comments


@dataclass(frozen=True)
class Written:
    marts: int
    rows: int

    @property
    def sentence(self) -> str:
        return f"PostgreSQL was behind: {self.rows:,} rows of {self.marts} marts are written there."


def write(settings: Settings, contents: Mapping[str, str]) -> Written | None:
    """Make PostgreSQL equal to what is published, in one transaction; None if it was already. `contents`: the
    content of each published part, by its name: `fct_touches/2026-03`, or `dim_goals/dim_goals`.

    In a process of its own: DuckDB ends its process if it loses the server in the middle of a copy.

    Raises GoalpostError, which says what happened and what to do, if it could not: then PostgreSQL is as it
    was, and the next call catches up.
    """
    ended = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import main; main()"],
        input=pickle.dumps((settings, contents)),
        capture_output=True,
        env=os.environ | with_parent(),
    )
    if ended.returncode:
        last = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        why = "the connection was lost" if ended.returncode < 0 else one_line(last)
        raise _behind(settings, why)
    found = pickle.loads(ended.stdout)
    if isinstance(found, GoalpostError):
        raise found
    return found


def main() -> None:
    end_with_parent()
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # DuckDB's progress bar must not mix with it
    settings, contents = pickle.load(sys.stdin.buffer)
    try:
        found = _write(settings, contents)
    except GoalpostError as error:
        found = error
    pickle.dump(found, answer)
    answer.close()


def behind(settings: Settings, contents: Mapping[str, str]) -> str | None:
    """What PostgreSQL lacks, in words; None if it is equal to what is published. Does not wait long.

    Raises GoalpostError if it cannot be reached.
    """
    with _told(settings), _connected(settings, wait_seconds=2) as connection:
        if not _has_schema(connection, "goalpost"):
            return "nothing is written there yet"
        differences = _differences(connection, settings, contents)
        changed = [difference.mart for difference in differences] + _gone(connection, settings, contents)
        return f"{len(changed)} marts differ there" if changed else None


def place(settings: Settings) -> str:
    """The database and the schema, as people read them: without user and password."""
    parameters = _parameters(settings)
    host, database = (parameters.get(name, "its default") for name in ("host", "dbname"))
    return f"database {database} on {host}, schema {settings.postgres_schema}"


# ---- what is different -------------------------------------------------------------------------------------


def _differences(
    connection: duckdb.DuckDBPyConnection, settings: Settings, contents: Mapping[str, str]
) -> list[Difference]:
    written = _written_parts(connection, settings)
    there = _tables_there(connection, settings)
    differences = []
    for mart, (new, time) in _tables_here(connection).items():
        old = there.get(mart)
        wanted = {part: content for part, content in contents.items() if _mart(part) == mart}
        found = {
            part: content
            for part, (content, file) in written.items()
            if _mart(part) == mart and old and file == old.file
        }
        is_altered = old is not None and old.columns != new.columns
        parts = [part for part in wanted if is_altered or found.get(part) != wanted[part]]
        stale = [part for part in found if part in parts or part not in wanted]
        # A part without a month is the whole mart.
        is_whole = len(parts) == len(wanted) or any(_month(part) is None for part in (*parts, *stale))
        difference = Difference(mart, old, new, list(wanted) if is_whole else parts, stale, is_whole, time)
        if difference:
            differences.append(difference)
    return differences


def _gone(
    connection: duckdb.DuckDBPyConnection, settings: Settings, contents: Mapping[str, str]
) -> list[str]:
    """The marts that were written and are published no more."""
    return sorted({_mart(part) for part in _written_parts(connection, settings)} - set(map(_mart, contents)))


def _tables_here(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[Table, str | None]]:
    """The published marts, each with the column that decides its month."""
    found = connection.execute(
        "select table_name, t.comment, column_name, data_type, is_nullable, c.comment "
        "from duckdb_columns() as c "
        "inner join duckdb_tables() as t using (database_name, schema_name, table_name) "
        "where database_name = 'published' and schema_name = 'main' order by table_name, column_index"
    ).fetchall()
    tables: dict[str, Table] = defaultdict(Table)
    columns: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for mart, comment, column, type_, is_nullable, column_comment in found:
        columns[mart].append((column, type_, is_nullable))
        tables[mart].columns[column] = (_type(type_), not is_nullable)
        tables[mart].comments |= {None: comment, column: column_comment}
    return {mart: (table, time_column(mart, columns[mart])) for mart, table in tables.items()}


def _tables_there(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, Table]:
    tables: dict[str, Table] = defaultdict(Table)
    for mart, file, comment, column, type_, is_never_null, column_comment in _query(
        connection, TABLES.format(schema=_text(settings.postgres_schema))
    ):
        tables[mart].file = file
        tables[mart].comments |= {None: comment, column: column_comment}
        tables[mart].columns[column] = (type_, is_never_null)
    return tables


def _written_parts(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> dict[str, tuple[str, int | None]]:
    rows = _query(
        connection,
        "select part, content, file from goalpost.parts "
        f"where schema_name = {_text(settings.postgres_schema)}",
    )
    return {part: (content, file) for part, content, file in rows}


def _publication(connection: duckdb.DuckDBPyConnection, settings: Settings) -> tuple | None:
    rows = _query(
        connection,
        "select run_id, as_of, published_at from goalpost.publication "
        f"where schema_name = {_text(settings.postgres_schema)}",
    )
    return rows[0] if rows else None


def _mart(part: str) -> str:
    return part.partition("/")[0]


def _month(part: str) -> datetime | None:
    name = part.partition("/")[2]
    return None if name == _mart(part) else datetime.strptime(name, "%Y-%m")


def _type(type_: str) -> str:
    scalar = type_.removesuffix("[]")
    if decimal := re.fullmatch(r"DECIMAL(\(\d+,\d+\))", scalar):
        stored = f"numeric{decimal[1]}"
    else:
        stored = TYPES.get(scalar)
    return stored + type_[len(scalar) :] if stored else "jsonb"


# ---- writing -----------------------------------------------------------------------------------------------


def _write(settings: Settings, contents: Mapping[str, str]) -> Written | None:
    with _told(settings), _connected(settings, wait_seconds=10) as connection, transaction(connection):
        _execute(
            connection, "set local lock_timeout = '10s'"
        )  # altering waits for readers, and blocks others
        _create_schemas(connection, settings)
        differences = _differences(connection, settings, contents)
        gone = _gone(connection, settings, contents)
        publication = connection.execute(
            "select run_id, as_of, published_at from published.control.publication"
        ).fetchone()
        if not differences and not gone and _publication(connection, settings) == publication:
            return None
        # Altering a table blocks its readers until the end: last.
        for difference in sorted(differences, key=lambda difference: difference.is_altered):
            _change_table(connection, settings, difference)
        for mart in gone:
            _execute(connection, f"drop table if exists {_table(settings, mart)}")
        connection.execute("call pg_clear_cache()")
        rows = sum(_insert(connection, settings, difference) for difference in differences)
        _keep_record(connection, settings, contents, publication)
    return Written(len(differences) + len(gone), rows)


def _create_schemas(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """`create schema if not exists` would need the right to create, also if the schema is there."""
    if not _has_schema(connection, "goalpost"):
        _execute(connection, RECORD)
    if not _has_schema(connection, settings.postgres_schema):
        _execute(connection, f"create schema {quoted(settings.postgres_schema)}")


def _has_schema(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(_query(connection, f"select 1 from pg_namespace where nspname = {_text(name)}"))


def _change_table(connection: duckdb.DuckDBPyConnection, settings: Settings, difference: Difference) -> None:
    """Everything but inserting. Columns of other types are emptied, not converted: their rows are written
    again."""
    table, old, new = _table(settings, difference.mart), difference.old, difference.new
    if old is None:
        columns = ", ".join(_column(name, *column) for name, column in new.columns.items())
        _execute(connection, f"create table {table} ({columns})")
        old = Table()
    elif difference.is_whole:
        _execute(connection, f"delete from {table}")
    elif difference.stale:
        months = " or ".join(f"({in_month(difference.time, month)})" for month in _months(difference.stale))
        _execute(connection, f"delete from {table} where {months}")
    if difference.is_altered:
        _execute(connection, f"alter table {table} {', '.join(_alterations(old.columns, new.columns))}")
    for name, comment in new.comments.items():
        if comment != old.comments.get(name):
            what = f"column {table}.{quoted(name)}" if name else f"table {table}"
            _execute(connection, f"comment on {what} is {_text(comment) if comment else 'null'}")


def _alterations(old: Mapping[str, tuple[str, bool]], new: Mapping[str, tuple[str, bool]]) -> Iterator[str]:
    for name in old.keys() - new.keys():
        yield f"drop column {quoted(name)}"
    for name, (type_, is_never_null) in new.items():
        if name not in old:
            yield f"add column {_column(name, type_, is_never_null)}"
            continue
        if old[name][0] != type_:
            yield f"alter column {quoted(name)} type {type_} using null"
        if old[name][1] != is_never_null:
            yield f"alter column {quoted(name)} {'set' if is_never_null else 'drop'} not null"


def _column(name: str, type_: str, is_never_null: bool) -> str:
    return f"{quoted(name)} {type_}{' not null' if is_never_null else ''}"


def _insert(connection: duckdb.DuckDBPyConnection, settings: Settings, difference: Difference) -> int:
    if not difference.parts:
        return 0
    columns = difference.new.columns
    values = (
        f"to_json({quoted(name)})" if type_ == "jsonb" else quoted(name)
        for name, (type_, _) in columns.items()
    )
    months = (
        ""
        if difference.is_whole
        else " or ".join(f"({in_month(difference.time, month)})" for month in _months(difference.parts))
    )
    inserted = connection.execute(
        f"insert into postgres.{_table(settings, difference.mart)} ({', '.join(map(quoted, columns))}) "
        f"select {', '.join(values)} from published.{quoted(difference.mart)} "
        + (f"where {months}" if months else "")
    ).fetchall()
    return inserted[0][0]


def _months(parts: list[str]) -> list[datetime]:
    return [month for part in parts if (month := _month(part))]


def _keep_record(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    contents: Mapping[str, str],
    publication: tuple | None,
) -> None:
    schema = settings.postgres_schema
    _execute(connection, f"delete from goalpost.parts where schema_name = {_text(schema)}")
    _execute(connection, f"delete from goalpost.publication where schema_name = {_text(schema)}")
    connection.execute(
        "insert into postgres.goalpost.parts (schema_name, part, content) select $1, unnest($2), unnest($3)",
        [schema, list(contents), list(contents.values())],
    )
    connection.execute(
        "insert into postgres.goalpost.publication values (?, ?, ?, ?)", [schema, *(publication or ())]
    )
    # The files of the tables as this transaction leaves them.
    _execute(
        connection,
        "update goalpost.parts set file = pg_relation_filenode("
        "format('%I.%I', schema_name, split_part(part, '/', 1))::regclass)::bigint "
        f"where schema_name = {_text(schema)}",
    )


# ---- the connection ----------------------------------------------------------------------------------------


@contextmanager
def _connected(settings: Settings, *, wait_seconds: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the published file as `published`, and PostgreSQL as `postgres`."""
    parameters = _parameters(settings)
    with closing(duckdb.connect()) as connection:
        connection.execute(f"load {literal(_extension())}")
        # A password in the string would be in messages.
        password = parameters.pop("password", None)
        if password is not None:
            connection.execute(
                f"create temporary secret postgres (type postgres, password {_text(password)})"
            )
        parameters = {
            "application_name": "goalpost",
            "connect_timeout": str(wait_seconds),
            "tcp_user_timeout": "60000",
            **parameters,
        }
        attached = " ".join(f"{name}={_value(value)}" for name, value in parameters.items())
        secret = ", secret postgres" if password is not None else ""
        connection.execute(f"attach {_text(attached)} as postgres (type postgres{secret})")
        connection.execute("set pg_null_byte_replacement = '\ufffd'")  # PostgreSQL's text cannot hold it
        connection.execute(f"attach {literal(settings.published)} as published (read_only)")
        yield connection


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        text = re.sub(r'^.*?Unable to connect to Postgres at ".*?": ', "", str(error), flags=re.DOTALL)
        why = re.sub(r"^.*?\b(ERROR|FATAL|PANIC): +", "", text, flags=re.DOTALL)
        why = re.sub(r"\s*(LINE \d+|HINT|CONTEXT):.*", "", why, flags=re.DOTALL)
        raise _behind(settings, one_line(why)) from None


def _behind(settings: Settings, why: str) -> GoalpostError:
    remedy = next((remedy for signs, remedy in REMEDIES.items() if re.search(signs, why)), OTHERWISE)
    return GoalpostError(
        f"PostgreSQL ({place(settings)}) is behind, it could not be written: {why}. "
        f"What to do: {remedy}. The next run writes what is missing there."
    )


def _parameters(settings: Settings) -> dict[str, str]:
    """The connection URL, by libpq's names."""
    assert settings.postgres_url
    url = urlsplit(settings.postgres_url.get_secret_value())
    parts = {
        "host": url.hostname,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.path[1:],
    }
    return {name: unquote(str(part)) for name, part in parts.items() if part} | dict(parse_qsl(url.query))


def _extension() -> Path:
    """Raises GoalpostError if it is not installed."""
    spec = find_spec(EXTENSION)
    if spec is None or not spec.submodule_search_locations:
        raise GoalpostError(
            "Writing to PostgreSQL needs DuckDB's extension: `uv pip install 'goalpost[postgres]'`."
        )
    folder = Path(spec.submodule_search_locations[0])
    return folder / "extensions" / f"v{duckdb.__version__}" / "postgres_scanner.duckdb_extension"


def _query(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"from postgres_query('postgres', {_text(query)})").fetchall()


def _execute(connection: duckdb.DuckDBPyConnection, statements: str) -> None:
    connection.execute(f"call postgres_execute('postgres', {_text(statements)})")


def _table(settings: Settings, mart: str) -> str:
    return f"{quoted(settings.postgres_schema)}.{quoted(mart)}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _value(value: str) -> str:
    """A value of libpq's connection string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
