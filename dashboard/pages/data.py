"""The data behind the figures: how fresh they are, what the checks found, what is quarantined."""

import parts
import streamlit as st
from published import ask

st.title("Data")
for name, title, says in (
    ("runs", "Last runs", "Newest first."),
    ("checks", "Checks", "Of the last published run. Those that did not pass come first."),
    ("quarantine", "Quarantine", "Rows that could not be staged, by table and reason."),
    ("quarantine_samples", "Sample rows", "Up to five of each reason, as they landed."),
    ("files", "Files", "The last that landed, and all that were set aside."),
):
    answer = ask(f"ops_{name}")
    parts.heading(title, says, answer, name)
    if answer.rows.empty:
        parts.nothing("None.")
    else:
        st.dataframe(answer.rows, hide_index=True, key=f"table-{name}")
