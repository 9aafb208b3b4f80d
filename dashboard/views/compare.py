"""Several goals side by side, and over time."""

import charts
import choices
import pandas
import parts
import streamlit as st
from published import Sql, ask

FIGURES = {
    "Achievers": "achievers",
    "Achievements": "achievements",
    "Impact": "impact",
    "Enrollments": "enrollments",
    "Conversions": "conversions",
}
IN_ENROLLMENTS = ("Enrollments", "Conversions")
UNITS = {"Achievers": "people", "Impact": "currency of each goal"}

here = choices.workspace()
st.title("Compare")
names = choices.goal_names(here.workspace_id)
with st.container(horizontal=True, vertical_alignment="bottom"):
    goals = choices.some_of("Goals", names, "goals", first=list(names)[:3])
    dates = choices.dates(here, goals, "Last 90 days")

side = ask("compare_totals", workspace=here.workspace_id, goals=goals)
parts.heading("Side by side", "Since each goal began, until the clock.", side)
st.dataframe(
    pandas.DataFrame(
        {
            goal["name"]: {
                "Achievers": parts.whole(goal["achievers"]),
                "Of all people": parts.percent(goal["achiever_rate"]),
                "Attributed": parts.percent(goal["attributed_share"]),
                "Impressions": parts.whole(goal["impressions"]),
                "Enrollments": parts.whole(goal["enrollments"]),
                "Conversions": parts.whole(goal["conversions"]),
                "Conversion rate": parts.percent(goal["conversion_rate"]),
                "Closed rate": parts.percent(goal["closed_conversion_rate"]),
                "Median time to convert": parts.lasted(goal["median_seconds_to_convert"]),
                "Impact": parts.money(goal["impact"], goal["impact_currency"]),
            }
            for goal in side.rows.to_dict("records")
        }
    ),
    key="side",
    alt="Side by side",
)

head = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    title, figure = choices.figure(FIGURES)
    period = choices.period("Week")
    as_line = st.toggle("Line", True, key="line", bind="query-params")
answer = ask(
    "compare",
    workspace=here.workspace_id,
    goals=goals,
    period=period,
    figure=figure,
    mart=Sql("rpt_enrollment_progress" if title in IN_ENROLLMENTS else "rpt_goal_progress"),
    **dates.parameters(),
)
with head:
    parts.heading(
        "Over time",
        f"{title} in each {period}, {dates.first} to {dates.last}. An achiever counts on the day of the "
        "first achievement. One person, or one event, may reach several goals: do not add them up.",
        answer,
    )
charts.over_time(
    answer.rows,
    y=f"{title} ({UNITS.get(title, 'count')})",
    period=period,
    time_zone=here.time_zone,
    as_line=as_line,
    is_sum=False,
    alt="Over time",
)
