"""One segment: its members over time, and how it does for each goal."""

import json

import charts
import choices
import parts
import streamlit as st
from parts import Column
from published import ask

from orchestration.explain.words import condition

here = choices.workspace()
asked = {"workspace": here.workspace_id, "as_of": here.as_of, "time_zone": here.time_zone}
found = ask("all_segments", **asked).rows
if found.empty:
    st.title("Segments")
    parts.nothing("There is no segment yet: write `segments:` beside `goals:` in YAML, apply it, and run.")
    st.stop()
segment = choices.one_of("Segment", dict(zip(found.segment_id, found.name, strict=True)), "segment")
about = found.set_index("segment_id").loc[segment]
st.title(parts.escaped(about["name"]), anchor=False)
st.markdown(f"Everybody of whom this holds: {parts.escaped(condition(json.loads(about['filter'])))}.")

members = ask("segment_members", **asked, segment=segment)
parts.heading(
    "Members",
    "People in the segment at the end of each day, by its newest definition, until the clock.",
    members,
)
charts.members(members.rows, time_zone=here.time_zone)

goals = ask("segment_goals", **asked, segment=segment)
parts.heading(
    "Goals",
    "Since the beginning. Conversions by who was in it when the window began; members and achievers by "
    "who is in it at the clock.",
    goals,
)
parts.table(
    goals,
    {"goal": Column("Goal", "link", "Click a goal to open its page.")} | parts.SEGMENT,
    "goals",
    "There is no goal.",
)
parts.follow("goals-goal", "goal", goals.rows.goal_id, here.workspace_id)
