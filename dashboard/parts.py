"""What pages are made of: headings that show their query, figures, tables.

Belongs here: how a figure looks. Does not: charts (charts.py), choices (choices.py), what a page asks
(views/).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pandas
import streamlit as st
from published import Answer, Value, ask
from streamlit.column_config import (
    BarChartColumn,
    ButtonColumn,
    CheckboxColumn,
    DatetimeColumn,
    JsonColumn,
    ListColumn,
    NumberColumn,
    TextColumn,
)

Kind = Literal["text", "count", "share", "amount", "p", "moment", "yes", "list", "json", "trend", "link"]

NONE = "\N{EN DASH}"

KINDS: dict[Kind, tuple[Any, dict[str, Any]]] = {
    "text": (TextColumn, {}),
    "count": (NumberColumn, {"format": "%,d"}),
    "share": (NumberColumn, {"format": "%.1f %%"}),  # table() makes it per cent
    "amount": (NumberColumn, {"format": "%,.2f"}),
    "p": (NumberColumn, {"format": "%.4f"}),
    "moment": (DatetimeColumn, {"format": "YYYY-MM-DD HH:mm"}),
    "yes": (CheckboxColumn, {}),
    "list": (ListColumn, {}),
    "json": (JsonColumn, {}),
    "trend": (BarChartColumn, {"y_min": 0, "width": 120}),
    "link": (ButtonColumn, {"type": "tertiary", "alignment": "left", "pinned": True}),
}


@dataclass(frozen=True)
class Column:
    title: str
    kind: Kind = "text"
    says: str | None = None  # what it counts, if the title does not tell


def heading(title: str, says: str, *answers: Answer) -> None:
    """A title, the sentence that tells what is counted, and the queries, to be copied into another tool."""
    with st.container(horizontal=True):
        with st.container(gap=None):
            st.subheader(title, anchor=anchor(title))
            st.caption(says)
        with st.popover("SQL", type="tertiary", width="content", help="The query, to copy into any tool."):
            for answer in answers:
                st.code(answer.sql, language="sql", wrap_lines=True)


def anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def nothing(sentence: str) -> None:
    """An empty state."""
    st.info(sentence, icon=":material/info:")


def table(answer: Answer, columns: dict[str, Column], key: str, empty: str = "None.", **options: Any) -> Any:
    """These columns, in this order. Rates are per cent, a missing value is a dash."""
    if answer.rows.empty:
        nothing(empty)
        return None
    rows = answer.rows[list(columns)].copy()
    config = {}
    for name, column in columns.items():
        make, fixed = KINDS[column.kind]
        if column.kind == "share":
            rows[name] = 100 * rows[name].astype(float)
        if column.kind == "text":
            rows[name] = [NONE if pandas.isna(value) else value for value in rows[name]]
        named = {"key": f"{key}-{name}"} if column.kind == "link" else {}
        config[name] = make(column.title, help=column.says, **fixed, **named)
    return st.dataframe(
        rows, hide_index=True, placeholder=NONE, column_config=config, key=key, alt=key, **options
    )


def clicked(key: str, ids: pandas.Series) -> str | None:
    """The one of `ids` in whose row a link was clicked."""
    click = st.session_state.get(key)
    return ids.iloc[click["row"]] if click else None


def follow(key: str, page: str, ids: pandas.Series, workspace_id: str) -> None:
    """Opens the goal or source in whose row a link was clicked."""
    if chosen := clicked(key, ids):
        st.switch_page(f"views/{page}.py", query_params={"workspace": workspace_id, page: chosen})


def metrics(figures: Mapping[str, tuple[str, str]], deltas: Mapping[str, str | None] | None = None) -> None:
    """Figures in a row: by title, the value and what it counts."""
    with st.container(horizontal=True, gap="medium"):
        for title, (value, says) in figures.items():
            st.metric(
                title, value, (deltas or {}).get(title), help=says or None, width="content", delta_color="off"
            )


def bullets(lines: Iterable[str]) -> None:
    """Lines that begin with their subject."""
    split = [line.partition(": ") for line in lines]
    st.markdown("\n".join(f"- **{subject.capitalize()}**: {escaped(rest)}" for subject, _, rest in split))


def escaped(text: str) -> str:
    """Text of the data, such that Markdown shows it as it is."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>()#+-.!|~:$" else sign for sign in text)


# ---- figures in words: what is missing is a dash ----


def percent(value: float) -> str:
    return NONE if is_missing(value) else f"{100 * value:.1f} %"


def money(value: float, currency: str | None = None) -> str:
    return NONE if is_missing(value) else f"{value:,.2f} {currency or ''}".rstrip()


def whole(value: float) -> str:
    """Sums of nothing are 0."""
    return "0" if is_missing(value) else f"{value:,.0f}"


def change(now: float, before: float) -> str | None:
    """None: there is nothing to compare with."""
    return None if is_missing(now) or is_missing(before) or not before else f"{now / before - 1:+.0%}"


def intervals(
    rows: pandas.DataFrame, figure: str | None, name: str, written: Callable[[float], str]
) -> list[str]:
    """Of each row: the figure, and its interval in brackets; the interval alone, if `figure` is None."""
    lower, upper = rows[f"{name}_lower"], rows[f"{name}_upper"]
    between = [
        NONE if is_missing(low) else f"{written(low)} to {written(high)}"
        for low, high in zip(lower, upper, strict=True)
    ]
    if figure is None:
        return between
    return [
        NONE if is_missing(value) else f"{written(value)} ({ends})"
        for value, ends in zip(rows[figure], between, strict=True)
    ]


def lasted(seconds: float) -> str:
    """A duration, in the two units that matter."""
    if is_missing(seconds):
        return NONE
    for unit, length, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= length:
            rest = int(seconds % length // part)
            return f"{int(seconds // length)} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds:.0f} s"


def moment(value: datetime | None) -> str:
    return NONE if is_missing(value) else f"{value:%Y-%m-%d %H:%M}"


def is_missing(value: object) -> bool:
    """NaN or NaT: what pandas has for null."""
    return value is None or value != value


# ---- the same on several pages ----

RATES = {
    "conversion_rate": Column("Conversion rate", "share", "Conversions of all enrollments."),
    "closed_conversion_rate": Column(
        "Closed rate", "share", "Of the enrollments whose window has ended. Compare sources by this one."
    ),
}
FUNNEL = {
    "step": Column("Step", "count"),
    "goal": Column("Goal"),
    "profiles": Column("People", "count"),
    "share_of_first": Column("Of step 1", "share"),
    "share_of_previous": Column("Of the step before", "share"),
    "drop_off": Column("Lost since the step before", "count"),
    "median": Column("Median time", says="From the step before."),
}
SOURCE = {
    "impressions": Column("Impressions", "count", "Messages that were received and that the goal counts."),
    "enrollments": Column("Enrollments", "count", "Windows that began: a journey may have one."),
    "conversions": Column("Conversions", "count", "Enrollments that reached the goal in their window."),
    **RATES,
    "converted_deliveries": Column(
        "Converted deliveries", "count", "Messages that were their source's last touch before an achievement."
    ),
    "converted_delivery_share": Column("Converted share", "share", "Converted deliveries ÷ impressions."),
    "attributed_achievers": Column(
        "Achievers",
        "count",
        "People whose first achievement is credited to it: it had the last touch of all sources.",
    ),
}
SEGMENT = {
    "enrolled": Column("Enrollments", "count", "Of people who were in the segment when the window began."),
    "converted": Column("Conversions", "count"),
    "conversion_rate": Column("Conversion rate", "share"),
    "members": Column("Members", "count", "People who are in the segment at the clock."),
    "achievers": Column("Achievers", "count", "Members who ever reached the goal."),
    "achiever_rate": Column("Achiever rate", "share", "Achievers of all members."),
}


def impact(currency: str | None) -> dict[str, Column]:
    """The columns of money in a table of sources; none where the goal has no impact."""
    if currency is None:
        return {}
    return {
        "attributed_impact": Column(
            f"Impact ({currency})", "amount", "Of the achievements that are credited to it."
        ),
        "impact_per_1000_messages": Column(
            f"Per 1,000 ({currency})", "amount", "Impact for each 1,000 messages: its impressions."
        ),
    }


def funnel(**parameters: Value) -> Answer:
    """The steps of funnels, with the median time in words."""
    answer = ask("funnels", **{"funnel": None, "goal": None, **parameters})
    return Answer(answer.rows.assign(median=answer.rows.median_seconds.map(lasted)), answer.sql)
