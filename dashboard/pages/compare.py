"""Several goals over time, in one chart."""

from datetime import timedelta

import parts
import streamlit as st
from published import ask

st.title("Compare")
workspace = parts.workspace()
rows = ask("goals").rows
names = {row.goal_id: row.name for row in rows[rows.workspace_id == workspace].itertuples()}
goals = st.multiselect("Goals", list(names), format_func=names.__getitem__, key="goals", bind="query-params")
if not goals:
    parts.nothing("Choose two or more goals.")
    st.stop()
last = ask("publication").rows.set_index("workspace_id").as_of[workspace].date()
first_day, last_day = parts.dates(last - timedelta(days=3650), last, days=180)
with st.container(horizontal=True):
    figure, period = parts.figure(), parts.period(first="week")
answer = ask(
    "compare", workspace=workspace, goals=goals, first_day=first_day, last_day=last_day, period=period
)
parts.heading(
    "Goals over time",
    "An achiever counts on the day of the first achievement. People reach several goals: do not add them up.",
    answer,
    "compare",
)
parts.chart(answer.rows, [figure], parts.FIGURES, series="goal", as_line=True)
