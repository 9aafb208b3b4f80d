"""One source: which goal it serves, which of its messages did it, and what was sent after people should have left."""

import parts
import streamlit as st
from published import ask

workspace = parts.workspace()
all_sources = ask("all_sources", workspace=workspace).rows
if all_sources.empty:
    parts.nothing("No campaign or broadcast has landed yet.")
    st.stop()
names = dict(zip(all_sources.source_id, all_sources.name, strict=True))
source = st.selectbox("Source", list(names), format_func=names.__getitem__, key="source", bind="query-params")
about = all_sources.set_index("source_id").loc[source]
st.title(names[source])
st.caption(f"{about.source_type} · {about.status} · exit condition: {about.exit_condition}")

goals = ask("source_goals", workspace=workspace, source=source)
parts.heading("Goals", "What it did for each goal, as of the clock.", goals, "goals")
if goals.rows.empty:
    parts.nothing("No goal lists this source, and none has an impression of it.")
    st.stop()
parts.table(
    goals,
    {"goal": "Goal"}
    | {key: value for key, value in parts.SOURCE_COLUMNS.items() if key in goals.rows.columns}
    | {"impact_currency": "Currency"},
    "goals",
)

goal_names = dict(zip(goals.rows.goal_id, goals.rows.goal, strict=True))
goal = st.selectbox("Messages for", list(goal_names), format_func=goal_names.__getitem__, key="goal", bind="query-params")
messages = ask("messages", workspace=workspace, source=source, goal=goal)
parts.heading(
    "Messages",
    "Its deliveries that were impressions of this goal, by message, and those of them that earned an achievement.",
    messages,
    "messages",
)
if messages.rows.empty:
    parts.nothing("None of its messages is an impression of this goal.")
else:
    parts.table(
        messages,
        {
            "message": "Message",
            "impressions": parts.count("Impressions"),
            "converted_deliveries": parts.count("Converted deliveries"),
            "converted_delivery_share": parts.share("Converted-delivery share"),
        },
        "messages",
    )

exits = ask("exits", workspace=workspace, source=source)
parts.heading("Exits", "Why journeys should have ended early, and messages that were sent all the same.", exits, "exits")
if exits.rows.empty:
    parts.nothing("It has no exit condition, or no journey.")
else:
    parts.table(
        exits,
        {
            "exit": "Exit",
            "journeys": parts.count("Journeys"),
            "messages_after_exit": parts.count("Messages after exit"),
        },
        "exits",
    )
