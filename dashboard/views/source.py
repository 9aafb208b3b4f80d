"""One source: which goals it serves, which of its messages did it, what was sent after people should have
left."""

import choices
import parts
import streamlit as st
from parts import Column
from published import ask

EXITS = {
    "goal": "The person reached the goal",
    "unmatched": "The person no longer matched the trigger",
    None: "None: the journey ran to its end, or still runs",
}
IMPACT = {
    "attributed_impact": Column("Impact", "amount", "Of the achievements that are credited to it."),
    "impact_per_1000_messages": Column(
        "Per 1,000", "amount", "Impact for each 1,000 messages: its impressions."
    ),
}

here = choices.workspace()
asked = {"workspace": here.workspace_id, "as_of": here.as_of}
all_sources = ask("all_sources", **asked).rows
if all_sources.empty:
    st.title("Source")
    parts.nothing("No campaign or broadcast has landed yet.")
    st.stop()
source = choices.one_of("Source", dict(zip(all_sources.source_id, all_sources.name, strict=True)), "source")
asked["source"] = source
about = all_sources.set_index("source_id").loc[source]
st.title(parts.escaped(about["name"]), anchor=False)
with st.container(horizontal=True, gap="small"):
    st.badge(about.source_type, color="blue")
    st.badge("deleted" if about.is_deleted else about.status or "no status", color="gray")
    st.badge(f"exit: {about.exit_condition or 'none'}", color="gray")

goals = ask("source_goals", **asked)
parts.heading("Goals", "What it did for each goal since the beginning, until the clock.", goals)
parts.table(
    goals,
    {"goal": Column("Goal", "link", "Click a goal to open its page.")}
    | parts.SOURCE
    | IMPACT
    | {"impact_currency": Column("Currency")},
    "goals",
    "No goal lists this source, and no goal counted a message of it.",
)
parts.follow("goals-goal", "goal", goals.rows.goal_id, here.workspace_id)

if not goals.rows.empty:
    goal = choices.one_of(
        "Messages that served the goal", dict(zip(goals.rows.goal_id, goals.rows.goal, strict=True)), "goal"
    )
    messages = ask("messages", **asked, goal=goal)
    parts.heading(
        "Messages",
        "The messages of this source that counted for the goal, by their message id: which of a journey's "
        "messages did it. Enrollments and conversions are those of windows that the message began.",
        messages,
    )
    parts.table(
        messages,
        {
            "message": Column("Message"),
            **{name: parts.SOURCE[name] for name in ("impressions", "enrollments", "conversions")},
            **{name: parts.SOURCE[name] for name in ("converted_deliveries", "converted_delivery_share")},
            "attributed_achievers": parts.SOURCE["attributed_achievers"],
            "attributed_impact": IMPACT["attributed_impact"],
        },
        "messages",
        "No message of this source counted for the goal.",
    )

exits = ask("exits", **asked)
parts.heading(
    "Exits",
    "Why journeys of this source should have ended early, and the messages that were sent after that.",
    exits,
)
exits.rows["exit_reason"] = exits.rows.exit_reason.map(lambda reason: EXITS.get(reason, EXITS[None]))
parts.table(
    exits,
    {
        "exit_reason": Column("Exit"),
        "journeys": Column("Journeys", "count"),
        "messages_after_exit": Column("Messages after the exit", "count"),
    },
    "exits",
    "It has no exit condition, or no journey yet.",
)
