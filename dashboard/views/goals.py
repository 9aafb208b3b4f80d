"""All goals: how each is doing, and some of them side by side."""

import parts
import streamlit as st
from choices import workspace
from parts import Column
from published import ask

COLUMNS = {
    "name": Column("Goal", "link", "Click a goal to open its page."),
    "status": Column("Status"),
    "achievers": Column("Achievers", "count", "People who reached the goal, with or without a message."),
    "trend": Column("Last 30 days", "trend", "Achievers a day."),
    **parts.RATES,
    "attributed_share": Column(
        "Attributed", "share", "Of the achievers, those whom a message gets the credit for."
    ),
    "impact": Column("Impact", "amount", "What all achievements are worth, in the goal's currency."),
    "impact_currency": Column("Currency"),
    "enrollments": Column("Enrollments", "count", "Measurement windows that began."),
    "conversions": Column("Conversions", "count", "Enrollments that reached the goal in their window."),
    "impressions": Column("Impressions", "count", "Messages that were received and that the goal counts."),
    "tags": Column("Tags", "list"),
}

here = workspace()
st.title("Goals")
labels = ask("labels", workspace=here.workspace_id).rows
left, right = st.columns(2)
with left:
    statuses = st.multiselect(
        "Status",
        list(labels.label[labels.kind == "status"]),
        key="status",
        bind="query-params",
        placeholder="Any",
    )
with right:
    tags = st.multiselect(
        "Tag", list(labels.label[labels.kind == "tag"]), key="tag", bind="query-params", placeholder="Any"
    )

goals = ask("goals", workspace=here.workspace_id, today=here.today, statuses=statuses, tags=tags)
parts.heading(
    "All goals" if not statuses and not tags else "Goals with this status and tag",
    "Since each goal began. A column's title sorts; a goal's name opens its page; a tick puts goals side "
    "by side.",
    goals,
)
table = parts.table(
    goals,
    COLUMNS,
    "goals",
    "No goal has this status and tag."
    if statuses or tags
    else "There is no goal yet. Write one as YAML, apply it with `goalpost goals apply`, and run.",
    on_select="rerun",
    selection_mode="multi-row",
)
parts.follow("goals-name", "goal", goals.rows.goal_id, here.workspace_id)

picked = goals.rows.iloc[table.selection.rows if table else []]
if not picked.empty:
    for column, goal in zip(st.columns(len(picked)), picked.itertuples(), strict=True):
        with column, st.container(border=True):
            st.markdown(f"**{parts.escaped(goal.name)}**")
            parts.metrics(
                {
                    "Achievers": (parts.whole(goal.achievers), ""),
                    "Conversion rate": (parts.percent(goal.conversion_rate), ""),
                    "Closed rate": (parts.percent(goal.closed_conversion_rate), ""),
                    "Attributed": (parts.percent(goal.attributed_share), ""),
                    "Impact": (parts.money(goal.impact, goal.impact_currency), ""),
                }
            )
    st.page_link(
        "views/compare.py",
        label="Compare them over time",
        icon=":material/compare_arrows:",
        query_params=[("workspace", here.workspace_id), *(("goals", goal_id) for goal_id in picked.goal_id)],
    )
