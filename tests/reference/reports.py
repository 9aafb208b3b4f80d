"""Section 10: dimensions and reports. Reports 'count the facts whose moment is at or before' `as_of`.

Belongs here: counting, rates, periods. Does not: deciding what happened (facts.py).
"""

# SEMANTICS is quoted as it is written.
# ruff: noqa: RUF002

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median

from .facts import Facts, Profile, Workspace, state_of
from .filters import Segments
from .goals import Goal
from .values import local_day, seconds_between

ZERO = Decimal("0.000000")


@dataclass
class Known:
    """What the reports read: the live goals, everything they count, and the clock."""

    as_of: datetime
    workspaces: dict[str, Workspace]
    goals: dict[tuple[str, str], Goal]  # none that is deleted
    profiles: dict[tuple[str, str], Profile]
    segments: dict[str, list[dict]]  # workspace -> rows
    funnels: list[dict]
    facts: Facts

    def until_as_of(self, rows: list[dict], moment: str) -> list[dict]:
        return [row for row in rows if row[moment] is not None and row[moment] <= self.as_of]

    def day(self, row: dict, moment: str) -> date:
        return local_day(row[moment], self.workspaces[row["workspace_id"]].time_zone)


def of(goal: Goal, rows: Iterable[dict]) -> list[dict]:
    return [row for row in rows if (row["workspace_id"], row["goal_id"]) == (goal.workspace_id, goal.goal_id)]


def rate(part: int, whole: int) -> float | None:
    """'Rates are null where the denominator is 0'"""
    return part / whole if whole else None


def impact(achievements: Iterable[dict]) -> Decimal:
    """'`impact` sums all achievements …; sums of nothing are 0.'"""
    return sum((row["impact_value"] or ZERO for row in achievements), ZERO)


def first_ones(achievements: Iterable[dict]) -> list[dict]:
    """'Every "people" figure counts `is_first` rows'"""
    return [row for row in achievements if row["is_first"]]


def closed(enrollments: Iterable[dict], as_of: datetime) -> list[dict]:
    """'of those with `window_ends_at < as_of`'"""
    return [row for row in enrollments if row["window_ends_at"] is not None and row["window_ends_at"] < as_of]


# ---- dimensions --------------------------------------------------------------------------------------------


def dim_goals(known: Known) -> list[dict]:
    """'a row per goal version …; `retroactive`: a row per accepted row; only the newest is current, valid
    from the beginning'"""
    rows = []
    for goal in known.goals.values():
        for place, row in enumerate(goal.accepted):
            definition = row["definition"]
            is_current = place == len(goal.accepted) - 1
            is_always = is_current and goal.policy == "retroactive"
            impact = definition.impact
            rows.append(
                {
                    "workspace_id": goal.workspace_id,
                    "goal_id": goal.goal_id,
                    "goal_version": row["updated_at"],
                    "version_number": place + 1,
                    "name": definition.name,
                    "description": definition.description,
                    "tags": definition.tags,
                    "status": definition.status,
                    "definition_policy": definition.definition_policy,
                    "definition_hash": definition.hash,
                    "valid_from": None if is_always else row["updated_at"],
                    "valid_to": None if is_current else goal.accepted[place + 1]["updated_at"],
                    "is_current": is_current,
                    "first_sent_at": goal.first_sent_at,
                    "is_locked": goal.is_locked(known.as_of),
                    "measurement_window_days": definition.measurement_window_days,
                    "evaluation_window_days": definition.evaluation_window
                    and definition.evaluation_window["days"],
                    "attribution_window_days": definition.attribution_window_days,
                    "impression": definition.impression,
                    "sources": definition.sources,
                    "impact_value": impact and impact.value,
                    "impact_event_property": impact and impact.event_property,
                    "impact_currency_property": impact and impact.currency_property,
                    "impact_currency": goal.currency if impact else None,
                    "definition": row["landed"].values["definition"],
                }
            )
    return rows


def newest_rows(rows: Iterable[dict], key: str, order: str) -> list[dict]:
    newest: dict = {}
    for row in sorted(rows, key=lambda row: row[order]):
        newest[row["workspace_id"], row[key]] = row
    return list(newest.values())


def dim_sources(rows: list[dict]) -> list[dict]:
    """'the newest state; deleted ones stay, marked'"""
    columns = (
        *("workspace_id", "source_id", "source_type", "name", "status", "exit_condition", "exit_goal_id"),
        "updated_at",
    )
    return [
        {column: row[column] for column in columns}
        | {
            "is_deleted": row["status"] == "deleted",
            "trigger_filter": row["landed"].values.get("trigger_filter"),
        }
        for row in newest_rows(rows, "source_id", "updated_at")
    ]


def dim_profiles(rows: list[dict]) -> list[dict]:
    """'the newest state; deleted ones stay, marked'"""
    first_observed_at: dict = {}
    for row in rows:
        key = (row["workspace_id"], row["profile_id"])
        first_observed_at[key] = min(first_observed_at.get(key, row["observed_at"]), row["observed_at"])
    return [
        {column: row[column] for column in ("workspace_id", "profile_id", "is_deleted", "observed_at")}
        | {
            "first_observed_at": first_observed_at[row["workspace_id"], row["profile_id"]],
            "properties": row["text"],
        }
        for row in newest_rows(rows, "profile_id", "observed_at")
    ]


def dim_segments(rows: list[dict]) -> list[dict]:
    """'the newest state'"""
    return [
        {column: row[column] for column in ("workspace_id", "segment_id", "name", "updated_at")}
        | {"filter": row["landed"].values["filter"]}
        for row in newest_rows(rows, "segment_id", "updated_at")
    ]


def dim_workspaces(known: Known, rows: list[dict]) -> list[dict]:
    """'a row per workspace that any row names: name, time_zone, currency, data_start_at, as_of'"""
    names = {row["workspace_id"]: row["name"] for row in rows}
    return [
        {
            "workspace_id": workspace.workspace_id,
            "name": names.get(workspace.workspace_id),
            "time_zone": workspace.time_zone,
            "currency": workspace.currency,
            "data_start_at": workspace.data_start_at,
            "as_of": known.as_of,
        }
        for workspace in known.workspaces.values()
    ]


def fct_segment_memberships(known: Known) -> list[dict]:
    """'segment (its newest definition) × profile × stay: entered_at, left_at (null: still in). A stay begins
    at the snapshot that matches while the one before does not'"""
    stays = []
    for profile in known.profiles.values():
        workspace_id = profile.workspace.workspace_id
        newest = Segments.in_force(known.segments.get(workspace_id, []), None)
        for segment_id in newest.filters:
            stay = None
            for snapshot in profile.snapshots:
                is_member = newest.has_member(segment_id, state_of(snapshot))
                if is_member and stay is None:
                    stay = {
                        "workspace_id": workspace_id,
                        "segment_id": segment_id,
                        "profile_id": profile.profile_id,
                        "entered_at": snapshot["observed_at"],
                        "left_at": None,
                    }
                    stays.append(stay)
                elif stay is not None and not is_member:
                    stay["left_at"] = snapshot["observed_at"]
                    stay = None
    return stays


# ---- reports -----------------------------------------------------------------------------------------------

PERIODS = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def rpt_goal_progress(known: Known) -> list[dict]:
    """'goal × period (`day`, `week` from Monday, `month`) × period_start × source_id (null = unattributed) ×
    channel … Each series has every period from its first achievement to `as_of`'"""
    series = defaultdict(list)
    for row in known.until_as_of(known.facts.attributions, "achieved_at"):
        series[row["workspace_id"], row["goal_id"], row["source_id"], row["channel"]].append(row)
    return [
        {
            "workspace_id": workspace_id,
            "goal_id": goal_id,
            "period": period,
            "source_id": source_id,
            "channel": channel,
            "currency": known.goals[workspace_id, goal_id].currency,
            **figures,
        }
        for (workspace_id, goal_id, source_id, channel), rows in series.items()
        for period in PERIODS
        for figures in periods_of(known, workspace_id, rows, period)
    ]


def periods_of(known: Known, workspace_id: str, rows: list[dict], period: str):
    start_of = PERIODS[period]
    in_period = defaultdict(list)
    for row in rows:
        in_period[start_of(known.day(row, "achieved_at"))].append(row)
    last = start_of(local_day(known.as_of, known.workspaces[workspace_id].time_zone))
    running: list[dict] = []
    start = min(in_period)
    while start <= last:
        achievements = in_period[start]
        running += achievements
        yield {
            "period_start": start,
            "achievers": len(first_ones(achievements)),
            "achievements": len(achievements),
            "impact": impact(achievements),
            "impact_first": impact(first_ones(achievements)),
            "running_achievers": len(first_ones(running)),
            "running_achievements": len(running),
            "running_impact": impact(running),
        }
        start = next_start(start, period)


def rpt_enrollment_progress(known: Known) -> list[dict]:
    """'goal × period × period_start × source_id × channel: impressions, enrollments, conversions, impact,
    each on the day of its own moment (a conversion's impact is its achievement's); every series from its
    first impression to `as_of`'"""
    counted = {
        "impressions": known.until_as_of(known.facts.impressions, "received_at"),
        "enrollments": known.until_as_of(known.facts.enrollments, "enrolled_at"),
        "conversions": known.until_as_of(known.facts.conversions, "converted_at"),
    }
    moments = {"impressions": "received_at", "enrollments": "enrolled_at", "conversions": "converted_at"}
    series = defaultdict(lambda: defaultdict(list))  # of a series by figure: day and row
    for figure, rows in counted.items():
        for row in rows:
            key = tuple(row[column] for column in ("workspace_id", "goal_id", "source_id", "channel"))
            series[key][figure].append((known.day(row, moments[figure]), row))
    report = []
    for (workspace_id, goal_id, source_id, channel), figures in series.items():
        last = local_day(known.as_of, known.workspaces[workspace_id].time_zone)
        for period, start_of in PERIODS.items():
            start = start_of(min(day for day, _ in figures["impressions"]))
            while start <= start_of(last):
                found = {
                    figure: [row for day, row in figures[figure] if start_of(day) == start]
                    for figure in counted
                }
                report.append(
                    {
                        "workspace_id": workspace_id,
                        "goal_id": goal_id,
                        "period": period,
                        "period_start": start,
                        "source_id": source_id,
                        "channel": channel,
                        **{figure: len(rows) for figure, rows in found.items()},
                        "impact": impact(found["conversions"]),
                        "currency": known.goals[workspace_id, goal_id].currency,
                    }
                )
                start = next_start(start, period)
    return report


def next_start(start: date, period: str) -> date:
    return PERIODS[period](start + timedelta(days={"day": 1, "week": 7, "month": 31}[period]))


def rpt_goal_summary(known: Known) -> list[dict]:
    """'goal: status, is_locked, impressions, enrollments, conversions, conversion_rate (of all enrollments),
    …'"""
    rows = []
    for goal in known.goals.values():
        impressions = of(goal, known.until_as_of(known.facts.impressions, "received_at"))
        enrollments = of(goal, known.until_as_of(known.facts.enrollments, "enrolled_at"))
        conversions = known.until_as_of(enrollments, "converted_at")
        achievements = of(goal, known.until_as_of(known.facts.attributions, "achieved_at"))
        first = first_ones(achievements)
        attributed = [row for row in first if row["is_attributed"]]
        audience = {row["profile_id"] for row in impressions}
        closed_enrollments = closed(enrollments, known.as_of)
        rows.append(
            {
                "workspace_id": goal.workspace_id,
                "goal_id": goal.goal_id,
                "status": goal.newest.status,
                "is_locked": goal.is_locked(known.as_of),
                "impressions": len(impressions),
                "enrollments": len(enrollments),
                "conversions": len(conversions),
                "conversion_rate": rate(len(conversions), len(enrollments)),
                "closed_conversion_rate": rate(
                    len(known.until_as_of(closed_enrollments, "converted_at")), len(closed_enrollments)
                ),
                "achievers": len(first),
                "attributed_achievers": len(attributed),
                "unattributed_achievers": len(first) - len(attributed),
                "impact": impact(achievements),
                "impact_first": impact(first),
                "currency": goal.currency,
                "median_seconds_to_convert": middle(row["seconds_to_convert"] for row in conversions),
                "achiever_rate": rate(len(first), len(all_profiles(known, goal.workspace_id))),
                "audience": len(audience),
                "audience_achiever_rate": rate(
                    sum(row["profile_id"] in audience for row in first), len(audience)
                ),
            }
        )
    return rows


def all_profiles(known: Known, workspace_id: str) -> list[Profile]:
    """'All profiles: those with a snapshot at or before `as_of`, deleted ones included.'"""
    return [
        profile
        for profile in known.profiles.values()
        if profile.workspace.workspace_id == workspace_id
        and any(row["observed_at"] <= known.as_of for row in profile.snapshots)
    ]


def middle(values: Iterable[Decimal]) -> Decimal | None:
    values = list(values)
    return median(values) if values else None


def rpt_source_performance(known: Known) -> list[dict]:
    """'goal × source (the newest version's sources and any with an impression) … Journeys and deliveries:
    those of its impressions; converted ones: those of `fct_delivery_conversions`'"""
    rows = []
    for goal in known.goals.values():
        all_impressions = of(goal, known.until_as_of(known.facts.impressions, "received_at"))
        source_ids = {*goal.newest.sources, *(row["source_id"] for row in all_impressions)}
        for source_id in sorted(source_ids):

            def from_source(facts: list[dict], moment: str, goal=goal, source_id=source_id) -> list[dict]:
                return [
                    row for row in of(goal, known.until_as_of(facts, moment)) if row["source_id"] == source_id
                ]

            impressions = from_source(known.facts.impressions, "received_at")
            enrollments = from_source(known.facts.enrollments, "enrolled_at")
            conversions = known.until_as_of(enrollments, "converted_at")
            closed_enrollments = closed(enrollments, known.as_of)
            credited = from_source(known.facts.delivery_conversions, "first_converted_at")
            achievements = from_source(known.facts.attributions, "achieved_at")
            outcomes = [row["outcome"] for row in impressions]
            journeys, converted_journeys = (
                distinct(impressions, "journey_id"),
                distinct(credited, "journey_id"),
            )
            deliveries = distinct(impressions, "delivery_id")
            converted_deliveries = distinct(credited, "delivery_id")
            rows.append(
                {
                    "workspace_id": goal.workspace_id,
                    "goal_id": goal.goal_id,
                    "source_id": source_id,
                    "impressions": len(impressions),
                    "not_eligible": outcomes.count("not_eligible"),
                    "already_achieved": outcomes.count("already_achieved"),
                    "already_enrolled": outcomes.count("already_enrolled"),
                    "enrollments": len(enrollments),
                    "conversions": len(conversions),
                    "conversion_rate": rate(len(conversions), len(enrollments)),
                    "closed_conversion_rate": rate(
                        len(known.until_as_of(closed_enrollments, "converted_at")), len(closed_enrollments)
                    ),
                    "journeys": journeys,
                    "converted_journeys": converted_journeys,
                    "converted_journey_share": rate(converted_journeys, journeys),
                    "deliveries": deliveries,
                    "converted_deliveries": converted_deliveries,
                    "converted_delivery_share": rate(converted_deliveries, deliveries),
                    "attributed_achievers": len(first_ones(achievements)),
                    "attributed_achievements": len(achievements),
                    "attributed_impact": impact(achievements),
                    "currency": goal.currency,
                }
            )
    return rows


def distinct(rows: list[dict], column: str) -> int:
    return len({row[column] for row in rows if row[column] is not None})


def rpt_goal_cohorts(known: Known) -> list[dict]:
    """'goal × source × enrollment_day: …, is_closed (every window of the cohort ended before `as_of`)'"""
    cohorts = defaultdict(list)
    for row in known.until_as_of(known.facts.enrollments, "enrolled_at"):
        cohorts[row["workspace_id"], row["goal_id"], row["source_id"], known.day(row, "enrolled_at")].append(
            row
        )
    return [
        {
            "workspace_id": workspace_id,
            "goal_id": goal_id,
            "source_id": source_id,
            "enrollment_day": day,
            "enrollments": len(rows),
            "conversions": len(known.until_as_of(rows, "converted_at")),
            "conversion_rate": rate(len(known.until_as_of(rows, "converted_at")), len(rows)),
            "is_closed": len(closed(rows, known.as_of)) == len(rows),
        }
        for (workspace_id, goal_id, source_id, day), rows in cohorts.items()
    ]


def rpt_segment_performance(known: Known) -> list[dict]:
    """'goal × segment (its newest definition): enrolled, converted, conversion_rate by the state as of
    `enrolled_at`; members, achievers, achiever_rate by the state as of `as_of`'"""
    rows = []
    for goal in known.goals.values():
        newest = Segments.in_force(known.segments.get(goal.workspace_id, []), None)
        enrollments = of(goal, known.until_as_of(known.facts.enrollments, "enrolled_at"))
        achievements = of(goal, known.until_as_of(known.facts.attributions, "achieved_at"))
        achievers = {row["profile_id"] for row in achievements}
        for segment_id in newest.filters:

            def is_member(profile: Profile, at: datetime, newest=newest, segment_id=segment_id) -> bool:
                return newest.has_member(segment_id, profile.state_at(at))

            enrolled = [
                row
                for row in enrollments
                if is_member(known.profiles[goal.workspace_id, row["profile_id"]], row["enrolled_at"])
            ]
            converted = known.until_as_of(enrolled, "converted_at")
            members = {
                profile.profile_id
                for profile in all_profiles(known, goal.workspace_id)
                if is_member(profile, known.as_of)
            }
            rows.append(
                {
                    "workspace_id": goal.workspace_id,
                    "goal_id": goal.goal_id,
                    "segment_id": segment_id,
                    "enrolled": len(enrolled),
                    "converted": len(converted),
                    "conversion_rate": rate(len(converted), len(enrolled)),
                    "members": len(members),
                    "achievers": len(members & achievers),
                    "achiever_rate": rate(len(members & achievers), len(members)),
                }
            )
    return rows


def rpt_goal_funnel(known: Known) -> list[dict]:
    """'funnel × step (1 …): goal_id, profiles, share_of_first, share_of_previous, drop_off, median_seconds
    (from the step before) … On step 1 share_of_previous, drop_off and median_seconds are null'"""
    achieved = defaultdict(lambda: defaultdict(list))
    for row in known.until_as_of(known.facts.achievements, "achieved_at"):
        achieved[row["workspace_id"], row["goal_id"]][row["profile_id"]].append(row["achieved_at"])
    rows = []
    for funnel in newest_rows(known.funnels, "funnel_id", "updated_at"):
        goal_ids = funnel["goal_ids"]
        steps = funnel_steps(
            [achieved[funnel["workspace_id"], goal_id] for goal_id in goal_ids], funnel["window_days"]
        )
        for place, (goal_id, reached) in enumerate(zip(goal_ids, steps, strict=True)):
            previous = steps[place - 1] if place else None
            seconds = (
                [] if previous is None else [seconds_between(previous[id], reached[id]) for id in reached]
            )
            rows.append(
                {
                    "workspace_id": funnel["workspace_id"],
                    "funnel_id": funnel["funnel_id"],
                    "step": place + 1,
                    "goal_id": goal_id,
                    "profiles": len(reached),
                    "share_of_first": rate(len(reached), len(steps[0])),
                    "share_of_previous": None if previous is None else rate(len(reached), len(previous)),
                    "drop_off": None if previous is None else len(previous) - len(reached),
                    "median_seconds": middle(seconds),
                }
            )
    return rows


def funnel_steps(
    achieved: list[dict[str, list[datetime]]], window_days: int | None
) -> list[dict[str, datetime]]:
    """'Step 1 at its goal's first achievement; each next at that goal's earliest achievement at or after the
    step before and within window_days × 24 h of step 1.' Per step: when each profile reached it."""
    steps: list[dict[str, datetime]] = []
    for place, times in enumerate(achieved):
        if place == 0:
            steps.append({profile_id: min(moments) for profile_id, moments in times.items()})
            continue
        reached = {}
        for profile_id, before in steps[-1].items():
            later = [moment for moment in times.get(profile_id, []) if moment >= before]
            is_late = (
                window_days is not None
                and later
                and is_after_window(steps[0][profile_id], min(later), window_days)
            )
            if later and not is_late:
                reached[profile_id] = min(later)
        steps.append(reached)
    return steps


def is_after_window(first: datetime, moment: datetime, window_days: int) -> bool:
    return (moment - first) > timedelta(days=window_days)
