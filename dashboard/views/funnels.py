"""Each funnel: how many people came how far."""

import charts
import choices
import parts
import streamlit as st
from published import ask

here = choices.workspace()
st.title("Funnels")
found = ask("all_funnels", workspace=here.workspace_id).rows
if found.empty:
    parts.nothing("There is no funnel yet: write `funnels:` beside `goals:` in YAML, apply it, and run.")
    st.stop()
funnel = choices.one_of("Funnel", {funnel: funnel for funnel in found.funnel_id}, "funnel")
steps = parts.funnel(workspace=here.workspace_id, funnel=funnel)
parts.heading(
    "Steps",
    "Step 1 is a person's first achievement of its goal; each next step is the earliest achievement of "
    "its goal at or after the step before, within the funnel's window from step 1. Until the clock.",
    steps,
)
charts.steps(steps.rows)
parts.table(steps, parts.FUNNEL, "steps")
