"""The order of an erasure, and that no file of the home keeps the old bytes.

Belongs here: the one transaction, the new files, what is left to others. Does not: the run that computes
everything anew and publishes it (runs.py).

One transaction changes the raw rows. Everything else in the warehouse is computed from them, so it is thrown
away, and the next run is a full refresh. A deleted row stays in a DuckDB file until something overwrites it:
so the raw rows are copied into a new file. The mark `forget.unfinished` in the home says that this is not
done yet; `carry_on` does it, and every run calls it first.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from orchestration.erasure.names import name_anew
from orchestration.erasure.notes import definitions_with, erase_histories, erase_notes
from orchestration.erasure.people import Person
from orchestration.erasure.reads import read_by_definitions
from orchestration.erasure.rows import Changes, say_who
from orchestration.landing import list_landing
from orchestration.months import quoted
from orchestration.settings import Settings
from orchestration.warehouse import connect, create_file, literal, transaction

# Then there is work, whoever looks for it, and the next run recomputes everything.
COMPUTE_ANEW = "update control.watermark set file_id = 0"


@dataclass(frozen=True)
class Erasure:
    people: int
    unknown: list[Person]  # no row names them
    reordered: int  # achievements of one moment of which another one counts as the first now
    definitions: list[str]  # that name a person: table and id


def forget(settings: Settings, people: Sequence[Person]) -> Erasure | None:
    """Erase these people from the raw rows; None if no row names any of them. `carry_on` and a run must
    follow. The caller is the only writer, and the last run has built all that landed.

    Raises GoalpostError if the warehouse cannot be opened; lets duckdb.Error, sqlite3.Error and OSError pass.
    """
    with closing(connect(settings)) as connection:
        say_who(connection, people)
        aliases, reordered = name_anew(connection, people)
        changes = Changes(connection, aliases, read_by_definitions(connection))
        known = changes.find()
        if not known:
            return None
        named = [alias for alias in aliases if alias.person in known]
        needles = {needle: alias for alias in named for needle in alias.needles}
        definitions = definitions_with(connection, needles)
        erase_histories(settings, needles)
        unfinished(settings).touch()
        with transaction(connection):
            changes.write()
            erase_notes(connection, needles)
            connection.execute(COMPUTE_ANEW)
            connection.execute("delete from control.redo")  # whom a failed run was to recompute
            connection.execute(
                "insert into control.erasures values (?, now()::timestamp, ?)",
                [len(named), sorted(changes.files)],
            )
    unknown = [person for person in people if person not in known]
    return Erasure(len(named), unknown, reordered, definitions)


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
        connection.execute(COMPUTE_ANEW)
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


def is_interrupted(settings: Settings) -> bool:
    """Has no run succeeded since people were erased?"""
    with closing(connect(settings)) as connection:
        return connection.execute(
            "select coalesce(max(erased_at) > (select max(started_at) from control.runs "
            "where outcome = 'succeeded'), false) from control.erasures"
        ).fetchall()[0][0]


def left_in_landing(settings: Settings) -> list[str]:
    """The paths of the landed files, still there and unchanged, that have rows of people who were erased, or
    may have some, because they could not be read.

    Raises GoalpostError if the landing cannot be listed, or the warehouse cannot be opened."""
    there = {(file.path, file.fingerprint) for file in list_landing(settings).files}
    with closing(connect(settings, read_only=True)) as connection:
        landed = connection.execute(
            "select distinct path, fingerprint, outcome from raw.files "
            "where file_id in (select unnest(file_ids) from control.erasures) "
            "or (outcome = 'set_aside' and exists (from control.erasures)) order by outcome, path"
        ).fetchall()
    remarks = {"set_aside": " (set aside: nobody read it)", "loaded": ""}
    return [
        f"{path}{remarks[outcome]}" for path, fingerprint, outcome in landed if (path, fingerprint) in there
    ]


def left_in_home(settings: Settings) -> list[Path]:
    """Files that Goalpost keeps for their owner, and that may name people who were erased."""
    return [path for path in [*settings.home.glob("*.broken"), settings.home / "dev.duckdb"] if path.exists()]
