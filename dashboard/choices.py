"""What a viewer chooses. It is in the URL, so that a link shows the same view to somebody else.

Belongs here: the choices that several pages have. Does not: what is shown for them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas
import streamlit as st
from published import Sql, ask

ALL, CUSTOM = "All dates", "Custom"
SPANS = {"Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90, "Last 365 days": 365, ALL: 0, CUSTOM: 0}
PERIODS = {"Day": "day", "Week": "week", "Month": "month"}


@dataclass(frozen=True)
class Workspace:
    workspace_id: str
    name: str
    time_zone: str
    currency: str
    as_of: datetime

    @property
    def today(self) -> date:
        """The day of the clock."""
        return self.as_of.replace(tzinfo=UTC).astimezone(ZoneInfo(self.time_zone)).date()


@dataclass(frozen=True)
class Dates:
    first: date
    last: date
    data_from: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> "Dates | None":
        """As many days, just before these; None if the data begin later."""
        first = self.first - timedelta(days=self.days)
        return (
            Dates(first, self.first - timedelta(days=1), self.data_from) if first >= self.data_from else None
        )

    def parameters(self) -> dict[str, date]:
        return {"first_day": self.first, "last_day": self.last}


# ---- by id ----


def one_of(label: str, names: dict[str, str], key: str) -> str:
    """One of `names`: a name by id. The id stays chosen on the other pages.

    `bind="query-params"` would write the name into the URL: such a link ends when somebody renames it."""
    kept = st.session_state.setdefault("kept", {})
    chosen = next(each for each in (st.query_params.get(key), kept.get(key), *names) if each in names)
    widget = f"chosen-{key}"

    def remember() -> None:
        st.query_params[key] = st.session_state[widget]

    st.session_state[widget] = chosen
    st.selectbox(label, list(names), format_func=names.__getitem__, key=widget, on_change=remember)
    st.query_params[key] = kept[key] = chosen
    return chosen


def some_of(label: str, names: dict[str, str], key: str, first: list[str]) -> list[str]:
    """Several of `names`, as in one_of; at first those in `first`."""
    chosen = [each for each in st.query_params.get_all(key) if each in names] or first
    widget = f"chosen-{key}"

    def remember() -> None:
        st.query_params[key] = st.session_state[widget]

    st.session_state[widget] = chosen
    st.multiselect(label, list(names), format_func=names.__getitem__, key=widget, on_change=remember)
    st.query_params[key] = chosen
    return chosen


def workspaces() -> dict[str, Workspace]:
    rows = ask("workspaces").rows
    return {row["workspace_id"]: Workspace(**row) for row in rows.to_dict("records")}


def choose_workspace() -> None:
    """In the sidebar, on every page (app.py)."""
    names = {workspace_id: workspace.name for workspace_id, workspace in workspaces().items()}
    st.session_state["workspace"] = one_of("Workspace", names, "workspace")


def workspace() -> Workspace:
    return workspaces()[st.session_state["workspace"]]


def goal(workspace_id: str) -> str:
    """Ends the page with an empty state where there is no goal."""
    return one_of("Goal", goal_names(workspace_id), "goal")


def goal_names(workspace_id: str) -> dict[str, str]:
    """The names of the goals by id. Ends the page with an empty state where there is none."""
    rows = ask("goal_names", workspace=workspace_id).rows
    if rows.empty:
        st.info("There is no goal yet. Write one as YAML, apply it with `goalpost goals apply`, and run.")
        st.stop()
    return dict(zip(rows.goal_id, rows.name, strict=True))


# ---- in time ----


def dates(workspace: Workspace, goals: list[str], span: str = "Last 30 days") -> Dates:
    """At first, the span that ends on the last day on which something of these goals happened."""
    days = ask("days", workspace=workspace.workspace_id, goals=goals).rows.iloc[0]
    first, last = (
        workspace.today if pandas.isna(day) else day.date() for day in (days.first_day, days.last_day)
    )
    chosen = st.selectbox(
        "Dates",
        list(SPANS),
        list(SPANS).index(span),
        key="dates",
        bind="query-params",
        width=160,
        help="Days end with the last one that has data.",
    )
    if chosen == ALL:
        return Dates(first, last, first)
    if chosen != CUSTOM:
        return Dates(last - timedelta(days=SPANS[chosen] - 1), last, first)
    picked = st.date_input(
        "From and to",
        (last - timedelta(days=29), last),
        key="days",
        bind="query-params",
        format="YYYY-MM-DD",
        width=260,
    )
    if len(picked) < 2:
        st.stop()  # the second date is being chosen
    return Dates(*picked, first)


def period(first: str = "Day") -> str:
    return PERIODS[_segments("Period", list(PERIODS), "period", first)]


def figure(figures: dict[str, str]) -> tuple[str, Sql]:
    """One of `figures`, columns by title: its title and its column."""
    chosen = _segments("Figure", list(figures), "figure", next(iter(figures)))
    return chosen, Sql(figures[chosen])


def by(ways: dict[str, str]) -> Sql:
    """One of `ways` to divide a figure, expressions by title."""
    return Sql(ways[_segments("By", list(ways), "by", next(iter(ways)))])


def one_of_few(label: str, options: dict[str, str], key: str) -> str:
    """One of `options`, by title."""
    return options[_segments(label, list(options), key, next(iter(options)))]


def _segments(label: str, options: list[str], key: str, first: str) -> str:
    return st.segmented_control(label, options, default=first, required=True, key=key, bind="query-params")
