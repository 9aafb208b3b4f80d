"""What pages are made of: choices that live in the URL, figures, tables and charts that show their query.

Belongs here: how anything is shown. Does not: what a page asks and says (pages/).
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import altair
import pandas
import streamlit as st
from published import Answer, ask

FIGURES = {"achievers": "Achievers", "achievements": "Achievements", "impact": "Impact"}
PERIODS = {"day": "Day", "week": "Week", "month": "Month"}
COLOURS = ["#2f6f6b", "#d98b3a", "#5b6fb0", "#b0505b", "#7f9a48", "#8a63a8", "#4f97c0", "#a5834b", "#6d6d6d", "#c46fa0"]
COUNT, SHARE, AMOUNT = "%,d", "percent", "%,.2f"


# ---- choices ----


def workspace() -> str:
    """Chosen in the sidebar, where there are several."""
    found = ask("publication").rows
    names = {row.workspace_id: row.name or row.workspace_id for row in found.itertuples()}
    if len(names) == 1:
        return found.workspace_id[0]
    return st.sidebar.selectbox(
        "Workspace", list(names), format_func=names.__getitem__, key="workspace", bind="query-params"
    )


def goal(workspace_id: str, key: str = "goal") -> str:
    """Ends the page with an empty state where there is no goal."""
    rows = ask("goals").rows
    names = {row.goal_id: row.name for row in rows[rows.workspace_id == workspace_id].itertuples()}
    if not names:
        nothing("There is no goal yet. Write one as YAML, apply it with `goalpost goals apply`, and run.")
        st.stop()
    return st.selectbox("Goal", list(names), format_func=names.__getitem__, key=key, bind="query-params")


def dates(first: date | None, last: date | None, days: int = 30) -> tuple[date, date]:
    """A span of days, at first the last `days` that have data."""
    last = last or date.today()
    first = first or last
    start = max(first, last - timedelta(days=days - 1))
    chosen = st.date_input("Dates", (start, last), key="dates", bind="query-params", format="YYYY-MM-DD")
    if len(chosen) < 2:
        st.stop()  # the second date is being chosen
    return chosen


def period(key: str = "period", first: str = "day") -> str:
    return st.segmented_control(
        "Period", list(PERIODS), format_func=PERIODS.__getitem__, default=first, required=True, key=key,
        bind="query-params",
    )


def figure(key: str = "figure") -> str:
    return st.segmented_control(
        "Figure", list(FIGURES), format_func=FIGURES.__getitem__, default="achievers", required=True, key=key,
        bind="query-params",
    )


# ---- what is shown ----


def show_query(answer: Answer, name: str) -> None:
    """The query, to be copied into another tool."""
    with st.popover("SQL", key=f"sql-{name}"):
        st.code(answer.sql, language="sql")


def nothing(sentence: str) -> None:
    st.info(sentence)


def heading(title: str, says: str, answer: Answer, name: str) -> None:
    """A title, what is counted below it, and the query."""
    left, right = st.columns([12, 1], vertical_alignment="bottom")
    with left:
        st.subheader(title, anchor=name)
        st.caption(says)
    with right:
        show_query(answer, name)


def table(answer: Answer, columns: dict[str, Any], name: str, **options: Any) -> Any:
    """The columns that are named, in this order, with their titles and formats."""
    return st.dataframe(
        answer.rows[list(columns)], column_config=columns, hide_index=True, key=f"table-{name}", **options
    )


def count(title: str, says: str | None = None) -> Any:
    return st.column_config.NumberColumn(title, help=says, format="localized")


def share(title: str, says: str | None = None) -> Any:
    return st.column_config.NumberColumn(title, help=says, format="percent")


def amount(title: str, says: str | None = None) -> Any:
    return st.column_config.NumberColumn(title, help=says, format="localized")


def chart(
    rows: pandas.DataFrame, figures: Sequence[str], titles: dict[str, str], *, x: str = "period_start", series: str | None = None,
    as_line: bool = False, unit: str = "", empty: str = "Nothing happened on these dates.",
) -> None:
    """Bars or lines over time; colours are the figures, or the series of one figure."""
    if rows.empty or not rows[list(figures)].to_numpy().sum():
        nothing(empty)
        return
    rows = rows.assign(**{x: pandas.to_datetime(rows[x])})
    if series is None:
        rows = rows.melt([x], list(figures), "series", "value").replace({"series": titles})
        series, value = "series", "value"
    else:
        value = figures[0]
    names = [name for name in titles.values() if name in set(rows[series])] if len(figures) > 1 else sorted(set(rows[series]))
    y_title = (titles[figures[0]] if len(figures) == 1 else "Count") + (f" ({unit})" if unit else "")
    drawn = altair.Chart(rows).encode(
        x=altair.X(f"{x}:T", title=None),
        y=altair.Y(f"{value}:Q", title=y_title, stack=None if as_line else True),
        color=altair.Color(f"{series}:N", title=None, scale=altair.Scale(domain=names, range=COLOURS), legend=None if len(names) < 2 else altair.Legend(orient="bottom", columns=3, labelLimit=220)),
        tooltip=[altair.Tooltip(f"{x}:T", title="from", format="%Y-%m-%d"), altair.Tooltip(f"{series}:N", title=" "), altair.Tooltip(f"{value}:Q", title=y_title, format=",.6~g")],
    )
    drawn = drawn.mark_line(point=len(rows) < 100) if as_line else drawn.mark_bar()
    st.altair_chart(drawn.properties(height=300))


def percent(value: float | None) -> str:
    return "–" if value is None or pandas.isna(value) else f"{value:.1%}"


def money(value: float | None, currency: str | None) -> str:
    return "–" if value is None or pandas.isna(value) else f"{value:,.2f} {currency or ''}".strip()


def whole(value: float | None) -> str:
    return "0" if value is None or pandas.isna(value) else f"{value:,.0f}"


FUNNEL_COLUMNS = {
    "funnel_id": "Funnel",
    "step": count("Step"),
    "goal": "Goal",
    "profiles": count("People"),
    "share_of_first": share("Of step 1"),
    "share_of_previous": share("Of the step before"),
    "drop_off": count("Lost since the step before"),
    "median_days": amount("Median days", "From the step before."),
}

SOURCE_COLUMNS = {
    "source": "Source",
    "impressions": count("Impressions"),
    "enrollments": count("Enrollments"),
    "conversions": count("Conversions"),
    "conversion_rate": share("Conversion rate", "Of all enrollments."),
    "closed_conversion_rate": share("Closed rate", "Of the enrollments whose window has ended."),
    "deliveries": count("Deliveries"),
    "converted_deliveries": count("Converted deliveries"),
    "converted_delivery_share": share("Converted-delivery share"),
    "attributed_achievers": count("Attributed achievers"),
    "attributed_impact": amount("Attributed impact"),
    "impact_per_1000_messages": amount("Impact per 1,000 messages", "Attributed impact per 1,000 deliveries."),
}


def cohort_chart(rows: pandas.DataFrame) -> None:
    if rows.empty:
        nothing("No enrollment began on these dates.")
        return
    rows = rows.assign(
        period_start=pandas.to_datetime(rows.period_start), state=["closed" if closed else "open" for closed in rows.is_closed]
    )
    st.altair_chart(
        altair.Chart(rows)
        .mark_bar()
        .encode(
            x=altair.X("period_start:T", title=None),
            y=altair.Y("conversion_rate:Q", title="Conversion rate", axis=altair.Axis(format="%")),
            color=altair.Color(
                "state:N", title=None, scale=altair.Scale(domain=["closed", "open"], range=[COLOURS[0], "#b8b8b8"]),
                legend=altair.Legend(orient="bottom"),
            ),
            tooltip=[
                altair.Tooltip("period_start:T", title="began", format="%Y-%m-%d"), "enrollments:Q", "conversions:Q",
                altair.Tooltip("conversion_rate:Q", format=".1%"), "state:N",
            ],
        )
        .properties(height=240)
    )
