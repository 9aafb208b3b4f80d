"""The three joins that goals are made of, in our SQL, in Polars and in pandas, over the same Parquet files.

Belongs here: each tool at its best, in a process of its own, and the comparison of what came out. Does not:
the pipeline (measure.py).

Where two ways of writing a join are close, both are measured, and the cheaper one counts. Tried and left out,
with a million messages: Polars' in-memory engine, as dear or dearer than the streaming one; its join_asof for
`converted` and `touched`, two to three times as dear as an equi-join and a range.

state      what a message's person was like when it was sent: the last snapshot before
converted  the first achievement within 14 days of each message of the goal
touched    the last message of the goal within 7 days before each achievement
"""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmark.process import run
from benchmark.world import World, draw

JOINS = ("state", "converted", "touched")
PANDAS_AT_MOST = 1_000_000  # deliveries

# Typed, keys as integers, as in our staging. A message is of two goals; two in nine events reach one.
INPUTS = {
    "messages": "select number as message, profile, sent_at from drawn_messages(1, {days})",
    "snapshots": """
        select
            profile,
            observed_at,
            (score >= 70)::int + 2 * (plan = 'paid')::int + 4 * (spent > 400)::int as matches
        from drawn_snapshots(1, {days})
    """,
    "exposures": """
        select (dice(thread, 'source', 20) + 7 * other) % 20 as goal, profile, number as message, sent_at
        from drawn_messages(1, {days}), range(2) as goals(other)
    """,
    "achievements": """
        select dice(number, 'goal', 20) as goal, profile, number as achievement, received_at as achieved_at
        from drawn_events(1, {days})
        where items >= 7
    """,
}

OUR_SQL = {
    # Only the snapshots that change something, each valid until the next (int_profile_states).
    "state": """
        with observed as (
            select *, lag(matches) over (partition by profile order by observed_at) as previous_matches
            from snapshots
        ),
        states as (
            select
                profile,
                matches,
                observed_at as valid_from,
                lead(observed_at, 1, timestamp '9999-12-31') over profile_history as valid_to
            from observed
            where previous_matches is null or matches <> previous_matches
            window profile_history as (partition by profile order by observed_at)
        )
        select message, matches
        from messages
        inner join states using (profile)
        where valid_from <= sent_at and sent_at < valid_to
    """,
    # An equi-join, a range, the least (fct_enrollments).
    "converted": """
        select goal, message, min(achieved_at) as converted_at
        from exposures
        inner join achievements using (goal, profile)
        where achieved_at >= sent_at and achieved_at <= sent_at + interval 14 days
        group by goal, message
    """,
    # Time in buckets as wide as the window: what an achievement looks for is in its own or the one before.
    "touched": """
        with bucketed as (select *, epoch(sent_at)::bigint // 604800 as bucket from exposures),
        searched as (
            select *, epoch(achieved_at)::bigint // 604800 - back as bucket
            from achievements, (values (0), (1)) as buckets(back)
        )
        select achievement, arg_max(message, sent_at) as message
        from searched
        inner join bucketed using (goal, profile, bucket)
        where sent_at <= achieved_at and sent_at >= achieved_at - interval 7 days
        group by achievement
    """,
}


def with_goalpost(join: str, way: str, inputs: Path, result: Path) -> None:
    with duckdb.connect() as connection:
        for table in INPUTS:
            connection.execute(f"create view {table} as from '{inputs / table}.parquet'")
        connection.execute(f"copy ({OUR_SQL[join]}) to '{result}' (format parquet)").fetchall()


def polars_queries(inputs: Path) -> dict[str, dict[str, Any]]:
    """A lazy query for each join and way."""
    import polars as pl
    from polars import col

    messages, snapshots, exposures, achievements = (
        pl.scan_parquet(inputs / f"{table}.parquet") for table in INPUTS
    )
    states = (
        snapshots.sort("profile", "observed_at")
        .filter(_differs(col("matches"), 1) | _differs(col("profile"), 1))
        .with_columns(
            valid_to=pl.when(_differs(col("profile"), -1))
            .then(datetime(9999, 12, 31))
            .otherwise(col("observed_at").shift(-1))
        )
    )
    in_14_days = (col("achieved_at") >= col("sent_at")) & (
        col("achieved_at") <= col("sent_at") + pl.duration(days=14)
    )
    in_7_days = (col("sent_at") <= col("achieved_at")) & (
        col("sent_at") >= col("achieved_at") - pl.duration(days=7)
    )
    last_message = col("message").get(col("sent_at").arg_max())

    def bucketed(moments: pl.LazyFrame, column: str) -> pl.LazyFrame:
        return moments.with_columns(bucket=col(column).dt.epoch("s") // 604800)

    searched = bucketed(achievements, "achieved_at")
    searched = pl.concat([searched, searched.with_columns(col("bucket") - 1)])

    return {
        "state": {
            "asof": messages.sort("sent_at")
            .join_asof(
                snapshots.sort("observed_at"),
                left_on="sent_at",
                right_on="observed_at",
                by="profile",
                check_sortedness=False,
            )
            .filter(col("matches").is_not_null())
            .select("message", "matches"),
            "join": messages.join(states, on="profile")
            .filter((col("observed_at") <= col("sent_at")) & (col("sent_at") < col("valid_to")))
            .select("message", "matches"),
        },
        "converted": {
            "join": exposures.join(achievements, on=["goal", "profile"])
            .filter(in_14_days)
            .group_by("goal", "message")
            .agg(converted_at=col("achieved_at").min()),
        },
        "touched": {
            "join": achievements.join(exposures, on=["goal", "profile"])
            .filter(in_7_days)
            .group_by("achievement")
            .agg(last_message),
            "buckets": searched.join(bucketed(exposures, "sent_at"), on=["goal", "profile", "bucket"])
            .filter(in_7_days)
            .group_by("achievement")
            .agg(last_message),
        },
    }


def _differs(column: Any, rows: int) -> Any:
    """From the value so many rows above."""
    return column.ne_missing(column.shift(rows))


def with_polars(join: str, way: str, inputs: Path, result: Path) -> None:
    polars_queries(inputs)[join][way].sink_parquet(result, engine="streaming", compression="snappy")


def with_pandas(join: str, way: str, inputs: Path, result: Path) -> None:
    import pandas as pd

    def read(table: str, moment: str) -> pd.DataFrame:
        return pd.read_parquet(inputs / f"{table}.parquet").sort_values(moment)

    if join == "state":
        messages, snapshots = read("messages", "sent_at"), read("snapshots", "observed_at")
        found = pd.merge_asof(messages, snapshots, left_on="sent_at", right_on="observed_at", by="profile")
        found = found.loc[found["matches"].notna(), ["message", "matches"]].astype({"matches": "int32"})
    elif join == "converted":
        exposures, achievements = read("exposures", "sent_at"), read("achievements", "achieved_at")
        found = pd.merge_asof(
            exposures,
            achievements.assign(converted_at=achievements["achieved_at"]),
            left_on="sent_at",
            right_on="achieved_at",
            by=["goal", "profile"],
            direction="forward",
            tolerance=timedelta(days=14),
        )
        found = found.loc[found["converted_at"].notna(), ["goal", "message", "converted_at"]]
    else:
        exposures, achievements = read("exposures", "sent_at"), read("achievements", "achieved_at")
        found = pd.merge_asof(
            achievements,
            exposures,
            left_on="achieved_at",
            right_on="sent_at",
            by=["goal", "profile"],
            tolerance=timedelta(days=7),
        )
        found = found.loc[found["message"].notna(), ["achievement", "message"]].astype({"message": "int64"})
    found.to_parquet(result, index=False)


TOOLS: dict[str, Callable[[str, str, Path, Path], None]] = {
    "goalpost": with_goalpost,
    "polars": with_polars,
    "pandas": with_pandas,
}


def write_inputs(world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        draw(connection, world, world.messages_a_day)
        for table, query in INPUTS.items():
            connection.execute(
                f"copy ({query.format(days=world.days)}) to '{folder / table}.parquet'"
            ).fetchall()


def compare(world: World, folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """CPU seconds and peak memory by join, tool and way. Every result must be ours."""
    write_inputs(world, folder)
    ways = {
        "goalpost": {join: ["sql"] for join in JOINS},
        "polars": {join: list(queries) for join, queries in polars_queries(folder).items()},
    }
    if world.deliveries <= PANDAS_AT_MOST:
        ways["pandas"] = {join: ["merge_asof"] for join in JOINS}
    compared = {}
    for join in JOINS:
        compared[join] = {tool: {} for tool in ways}
        for tool, ways_of_tool in ways.items():
            for way in ways_of_tool[join]:
                try:
                    compared[join][tool][way] = _in_own_process(join, tool, way, folder)
                except RuntimeError as error:  # it took all memory, for example
                    print(f"{join} with {tool} ({way}) is left out: {error}", file=sys.stderr)
    return compared


def _in_own_process(join: str, tool: str, way: str, folder: Path) -> dict[str, float]:
    result, expected = folder / "result.parquet", folder / f"{join}-expected.parquet"
    command = [sys.executable, "-m", "benchmark.peers", join, tool, way, str(folder), str(result)]
    finished = run(command)
    if tool == "goalpost":
        result.replace(expected)
    elif differing := _differing_rows(result, expected):
        raise AssertionError(f"{join} with {tool} ({way}): {differing} rows differ")
    return {"cpu": float(finished.output), "peak_bytes": finished.peak_bytes}


def _differing_rows(result: Path, expected: Path) -> int:
    one, other = (
        f"select columns(*)::varchar from '{result}'",
        f"select columns(*)::varchar from '{expected}'",
    )
    query = f"select count(*) from (({one} except all {other}) union all ({other} except all {one}))"
    return duckdb.connect().execute(query).fetchall()[0][0]


if __name__ == "__main__":
    join, tool, way, inputs, result = sys.argv[1:]
    __import__({"goalpost": "duckdb"}.get(tool, tool))  # loading the tool is not counted
    began = time.process_time()
    TOOLS[tool](join, way, Path(inputs), Path(result))
    print(time.process_time() - began)
