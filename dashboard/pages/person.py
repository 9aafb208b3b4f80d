"""One person and one goal: every message, achievement and credit, and the check that decided it."""

import parts
import streamlit as st

from orchestration.errors import GoalpostError
from orchestration.explain.command import told
from orchestration.explain.reading import explain
from orchestration.settings import Settings

st.title("Person")
workspace = parts.workspace()
goal = parts.goal(workspace)
profile = st.text_input("Profile id", key="profile", bind="query-params")
if not profile:
    parts.nothing("Write the id of a person, as your rows carry it.")
    st.stop()
try:
    explanation = explain(Settings(), workspace, goal, profile)
except GoalpostError as error:
    st.warning(str(error))
    st.stop()
st.caption(
    "Read from the warehouse, as `goalpost explain` does. Times are UTC; calendar days are those of "
    f"{explanation.time_zone}."
)
for moment, (headline, _), details in told(explanation):
    when, what = st.columns([1, 4])
    when.write(moment)
    with what:
        st.text(headline)
        for detail, _ in details:
            st.caption(detail)
