"""Each funnel: how many people came how far."""

import altair
import parts
import streamlit as st
from published import Answer, ask

st.title("Funnels")
workspace = parts.workspace()
answer = ask("funnels", workspace=workspace, goal=None)
if answer.rows.empty:
    parts.nothing("There is no funnel yet: write `funnels:` beside `goals:` in YAML, and apply it.")
    st.stop()
funnel = st.selectbox("Funnel", sorted(set(answer.rows.funnel_id)), key="funnel", bind="query-params")
rows = answer.rows[answer.rows.funnel_id == funnel]
parts.heading(
    funnel,
    "Step 1 is the first achievement of its goal; each next step is the earliest achievement of its goal at or after the step before.",
    answer,
    "funnel",
)
labels = rows.assign(label=[f"{step}. {goal}" for step, goal in zip(rows.step, rows.goal, strict=True)])
st.altair_chart(
    altair.Chart(labels)
    .mark_bar(color=parts.COLOURS[0])
    .encode(
        y=altair.Y("label:N", sort=None, title=None, axis=altair.Axis(labelLimit=300)),
        x=altair.X("profiles:Q", title="People"),
        tooltip=["label:N", "profiles:Q", altair.Tooltip("share_of_first:Q", format=".1%")],
    )
    .properties(height=60 * len(rows))
)
parts.table(Answer(rows, answer.sql), parts.FUNNEL_COLUMNS, "funnel")
