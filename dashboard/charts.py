"""Charts. Each has titles on both axes, with the unit; the heading above it says what is counted.

Belongs here: how a chart looks. Does not: what it shows (views/).
"""

from typing import Any

import altair
import pandas
import streamlit as st
from parts import nothing

COLOURS = ["#2f6f6b", "#d98b3a", "#5b6fb0", "#b0505b", "#7f9a48", "#8a63a8", "#4f97c0", "#a5834b"]
GREY = "#b4b4b4"
ALL, UNATTRIBUTED, OTHERS = "all", "unattributed", "others"
HEIGHT = 340

LENGTHS = {
    "day": pandas.DateOffset(days=1),
    "week": pandas.DateOffset(days=7),
    "month": pandas.DateOffset(months=1),
}
STARTS = {"day": "Day", "week": "Week from Monday", "month": "Month"}


def over_time(
    rows: pandas.DataFrame,
    *,
    y: str,
    period: str,
    time_zone: str,
    alt: str,
    as_line: bool = False,
    is_sum: bool = True,
    empty: str = "Nothing happened on these dates.",
) -> None:
    """A `figure` by `period_start` and `series`. `is_sum`: the series add up, so bars are stacked."""
    if rows.empty or not rows.figure.abs().sum():
        nothing(empty)
        return
    rows = _few_series(rows.assign(period_start=pandas.to_datetime(rows.period_start)))
    names = sorted(set(rows.series), key=lambda name: (name in (OTHERS, UNATTRIBUTED), name))
    colours = iter(COLOURS)
    shades = [GREY if name in (OTHERS, UNATTRIBUTED) and len(names) > 1 else next(colours) for name in names]
    drawn = altair.Chart(_with_bars(rows, period, names, is_sum)).encode(
        color=altair.Color(
            "series:N",
            title=None,
            scale=altair.Scale(domain=names, range=shades),
            legend=altair.Legend(orient="top", columns=4, labelLimit=240) if names != [ALL] else None,
        ),
        tooltip=[
            altair.Tooltip("period_start:T", title=STARTS[period], format="%Y-%m-%d"),
            altair.Tooltip("series:N", title="What"),
            altair.Tooltip("figure:Q", title=y, format=",.2~f"),
        ],
    )
    title = f"{STARTS[period]} ({time_zone})"
    if as_line:
        drawn = drawn.mark_line(point=rows.period_start.nunique() < 60).encode(
            x=altair.X("period_start:T", title=title, axis=_time_axis(rows.period_start)),
            y=altair.Y("figure:Q", title=y, axis=altair.Axis(tickMinStep=1, format=",~f")),
        )
    else:
        drawn = drawn.mark_rect().encode(
            x=altair.X("from:T", title=title, axis=_time_axis(rows.period_start)),
            x2="until:T",
            y=altair.Y("top:Q", title=y, axis=altair.Axis(tickMinStep=1, format=",~f")),
            y2="bottom:Q",
        )
    st.altair_chart(drawn.properties(height=HEIGHT), alt=alt)


def _few_series(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Without the smallest, where there are more than colours: these are one series together."""
    sizes = rows[rows.series != UNATTRIBUTED].groupby("series").figure.sum().sort_values()
    small = set(sizes.index[: -len(COLOURS)]) if len(sizes) > len(COLOURS) else set()
    named = rows.assign(series=[OTHERS if name in small else name for name in rows.series])
    return named.groupby(["period_start", "series"], as_index=False).figure.sum()


def _with_bars(rows: pandas.DataFrame, period: str, names: list[str], is_sum: bool) -> pandas.DataFrame:
    """Where each bar begins and ends: above each other in the whole period, or side by side."""
    rows = rows.assign(rank=rows.series.map(names.index)).sort_values("rank", ascending=False)
    length = 0.85 * (rows.period_start + LENGTHS[period] - rows.period_start)
    width = length if is_sum else length / len(names)
    begin = rows.period_start if is_sum else rows.period_start + rows["rank"] * width
    top = rows.groupby("period_start").figure.cumsum() if is_sum else rows.figure
    return rows.assign(**{"from": begin, "until": begin + width, "top": top, "bottom": top - rows.figure})


def _time_axis(moments: pandas.Series) -> altair.Axis:
    """Labels at the beginnings of periods; of months, where there are many."""
    days = (moments.max() - moments.min()).days
    if days > 120:
        months: Any = {"interval": "month", "step": days // 400 + 1}
        return altair.Axis(format="%b %Y", tickCount=months)
    starts = sorted(set(moments))
    labelled = starts[:: len(starts) // 16 + 1]
    return altair.Axis(
        format="%-d %b",
        values=[altair.DateTime(year=day.year, month=day.month, date=day.day) for day in labelled],
    )


def cohorts(rows: pandas.DataFrame, *, period: str, time_zone: str) -> None:
    """The conversion rate of each cohort; those that are still open are grey."""
    if rows.empty:
        nothing("No enrollment began on these dates.")
        return
    rows = rows.assign(
        period_start=pandas.to_datetime(rows.period_start), series=rows.state, figure=rows.conversion_rate
    )
    drawn = altair.Chart(_with_bars(rows, period, ["closed", "open"], is_sum=True)).mark_rect()
    drawn = drawn.encode(
        x=altair.X(
            "from:T",
            title=f"{STARTS[period]} in which the window began ({time_zone})",
            axis=_time_axis(rows.period_start),
        ),
        x2="until:T",
        y=altair.Y("top:Q", title="Conversion rate (per cent)", axis=altair.Axis(format=".0%")),
        y2="bottom:Q",
        color=altair.Color(
            "series:N",
            title=None,
            scale=altair.Scale(domain=["closed", "open"], range=[COLOURS[0], GREY]),
            legend=altair.Legend(orient="top"),
        ),
        tooltip=[
            altair.Tooltip("period_start:T", title=STARTS[period], format="%Y-%m-%d"),
            altair.Tooltip("enrollments:Q", title="Enrollments", format=","),
            altair.Tooltip("conversions:Q", title="Conversions", format=","),
            altair.Tooltip("figure:Q", title="Conversion rate", format=".1%"),
            altair.Tooltip("series:N", title="Windows"),
        ],
    )
    st.altair_chart(drawn.properties(height=HEIGHT - 60), alt="Cohorts")


def steps(rows: pandas.DataFrame) -> None:
    """A bar per step of a funnel, with its share of step 1."""
    labels = rows.assign(
        label=[f"{step}. {goal}" for step, goal in zip(rows.step, rows.goal, strict=True)],
        share=[
            f"{profiles:,} ({share:.1%})"
            for profiles, share in zip(rows.profiles, rows.share_of_first, strict=True)
        ],
    )
    base = altair.Chart(labels).encode(
        y=altair.Y("label:N", sort=None, title=None, axis=altair.Axis(labelLimit=320)),
        x=altair.X(
            "profiles:Q", title="People who came so far", axis=altair.Axis(tickMinStep=1, format=",~f")
        ),
        tooltip=[
            altair.Tooltip("label:N", title="Step"),
            altair.Tooltip("profiles:Q", title="People", format=","),
            altair.Tooltip("share_of_first:Q", title="Of step 1", format=".1%"),
        ],
    )
    bars = base.mark_bar(color=COLOURS[0])
    words = base.mark_text(align="left", dx=6, color=GREY).encode(text="share:N")
    st.altair_chart((bars + words).properties(height=60 + 45 * len(rows)), alt="Funnel")


def members(rows: pandas.DataFrame, *, time_zone: str) -> None:
    """A step for each day on which the number of members changed."""
    if rows.empty or not rows.members.sum():
        nothing("Nobody was ever in this segment.")
        return
    drawn = altair.Chart(rows.assign(day=pandas.to_datetime(rows.day))).mark_area(
        interpolate="step-after", line={"color": COLOURS[0]}, color=COLOURS[0], opacity=0.25
    )
    drawn = drawn.encode(
        x=altair.X("day:T", title=f"Day ({time_zone})", axis=_time_axis(pandas.to_datetime(rows.day))),
        y=altair.Y("members:Q", title="Members (people)", axis=altair.Axis(tickMinStep=1, format=",~f")),
        tooltip=[
            altair.Tooltip("day:T", title="Day", format="%Y-%m-%d"),
            altair.Tooltip("members:Q", title="Members", format=","),
            altair.Tooltip("entered:Q", title="Came", format=","),
            altair.Tooltip("departed:Q", title="Left", format=","),
        ],
    )
    st.altair_chart(drawn.properties(height=HEIGHT), alt="Members")


def forest(rows: pandas.DataFrame) -> None:
    """The difference of each goal, the greatest first, with its two intervals."""
    if rows.empty:
        nothing("The split is broken, or an arm is empty: there is no difference to show.")
        return
    kinds = {"always valid": "always_valid", "for one look (Newcombe)": "newcombe"}
    ends = pandas.concat(
        rows.assign(kind=kind, low=100 * rows[f"{name}_lower"], high=100 * rows[f"{name}_upper"])
        for kind, name in kinds.items()
    ).assign(points=lambda rows: 100 * rows.difference)
    base = altair.Chart(ends.filter(items=["goal", "kind", "low", "points", "high"])).encode(
        y=altair.Y(
            "goal:N",
            title=None,
            sort=list(rows.sort_values("difference", ascending=False).goal),
            axis=altair.Axis(labelLimit=320, labelFontSize=13, ticks=False, domain=False, labelPadding=10),
        ),
        yOffset=altair.YOffset("kind:N", scale=altair.Scale(paddingInner=0.6, paddingOuter=0.6)),
        color=altair.Color(
            "kind:N",
            title=None,
            scale=altair.Scale(domain=list(kinds), range=[COLOURS[0], COLOURS[1]]),
            legend=altair.Legend(orient="top"),
        ),
        tooltip=[
            altair.Tooltip("goal:N", title="Goal"),
            altair.Tooltip("kind:N", title="Interval"),
            altair.Tooltip("low:Q", title="From", format="+.2f"),
            altair.Tooltip("points:Q", title="Best guess", format="+.2f"),
            altair.Tooltip("high:Q", title="To", format="+.2f"),
        ],
    )
    lines = base.mark_rule().encode(
        x="low:Q",
        x2="high:Q",
        strokeWidth=altair.StrokeWidth(
            "kind:N", scale=altair.Scale(domain=list(kinds), range=[4, 1.5]), legend=None
        ),
    )
    dots = base.mark_point(filled=True, opacity=1, size=70).encode(x="points:Q")
    zero = altair.Chart(pandas.DataFrame({"points": [0]})).mark_rule(strokeDash=[4, 4], color=GREY)
    points = altair.X(
        "points:Q",
        title="Difference of the rates (percentage points)",
        axis=altair.Axis(tickCount=10, labelExpr="datum.value > 0 ? '+' + datum.label : datum.label"),
    )
    chart = zero.encode(x=points) + lines + dots  # the first layer's axis is the chart's
    st.altair_chart(chart.properties(height=110 + 60 * len(rows)), alt="Difference by goal")


def curve(rows: pandas.DataFrame) -> None:
    """The share that converted within so many days, its interval, and the plain share."""
    if rows.empty:
        nothing("No enrollment began yet.")
        return
    names = {"converted_share": "open windows allowed for", "plain_share": "plain share"}
    base = altair.Chart(rows).encode(
        x=altair.X(
            "day:Q",
            title="Day since the enrollment (0: the first 24 hours)",
            axis=altair.Axis(tickMinStep=1, format="~f"),
        )
    )
    share = altair.Axis(format="~%")
    band = base.mark_area(opacity=0.2, color=COLOURS[0], interpolate="step-after").encode(
        y=altair.Y("converted_share_lower:Q", title="Converted (per cent of enrollments)", axis=share),
        y2="converted_share_upper:Q",
    )
    lines = (
        base.transform_fold(list(names), as_=["name", "share"])
        .transform_calculate(
            series=f"datum.name == 'plain_share' ? '{names['plain_share']}' : '{names['converted_share']}'"
        )
        .mark_line(interpolate="step-after")
        .encode(
            y="share:Q",
            color=altair.Color(
                "series:N",
                title=None,
                scale=altair.Scale(domain=list(names.values()), range=[COLOURS[0], COLOURS[1]]),
                legend=altair.Legend(orient="top"),
            ),
            strokeWidth=altair.StrokeWidth(
                "series:N", scale=altair.Scale(domain=list(names.values()), range=[2.5, 1]), legend=None
            ),
            tooltip=[
                altair.Tooltip("day:Q", title="By the end of day"),
                altair.Tooltip("series:N", title="What"),
                altair.Tooltip("share:Q", title="Converted", format=".1%"),
                altair.Tooltip("at_risk:Q", title="Still watched", format=","),
            ],
        )
    )
    st.altair_chart((band + lines).properties(height=HEIGHT - 60), alt="Time to convert")
