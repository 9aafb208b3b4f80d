"""One segment: its members over time, and how it does for each goal."""

import json

import parts
import streamlit as st
from published import ask

st.title("Segments")
workspace = parts.workspace()
all_segments = ask("all_segments", workspace=workspace).rows
if all_segments.empty:
    parts.nothing("There is no segment yet: write `segments:` beside `goals:` in YAML, and apply it.")
    st.stop()
names = dict(zip(all_segments.segment_id, all_segments.name, strict=True))
segment = st.selectbox("Segment", list(names), format_func=names.__getitem__, key="segment", bind="query-params")

members = ask("segment_members", workspace=workspace, segment=segment)
parts.heading("Members", "By its newest definition, at the end of each day on which somebody came or left.", members, "members")
parts.chart(members.rows, ["members"], {"members": "Members"}, x="day", as_line=True, empty="Nobody was ever in it.")

goals = ask("segment_goals", workspace=workspace, segment=segment)
parts.heading(
    "Goals",
    "Enrolled: who was in it when the window began. Members: who is in it as of the clock.",
    goals,
    "goals",
)
parts.table(
    goals,
    {
        "goal": "Goal",
        "enrolled": parts.count("Enrolled"),
        "converted": parts.count("Converted"),
        "conversion_rate": parts.share("Conversion rate"),
        "achievers": parts.count("Achievers among members"),
        "achiever_rate": parts.share("Achiever rate"),
    },
    "goals",
)
st.subheader("Definition")
st.json(json.loads(all_segments.set_index("segment_id")["filter"][segment]))
