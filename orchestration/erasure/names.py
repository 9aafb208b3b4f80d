"""The new names: random, and such that figures stay what they were.

Belongs here: choosing them. Does not: what becomes of values (alias.py).
"""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from hashlib import md5

import duckdb

from orchestration.erasure.alias import PREFIX, Alias
from orchestration.erasure.people import Person

COMPARISONS = 200_000  # at most, to find a person's name: half a second


def name_anew(connection: duckdb.DuckDBPyConnection, people: Sequence[Person]) -> tuple[list[Alias], int]:
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
