"""All goals: how each is doing, and some of them side by side."""

import parts
import streamlit as st
from published import Answer, ask

COLUMNS = {
    "name": st.column_config.TextColumn("Goal"),
    "status": st.column_config.TextColumn("Status"),
    "achievers": parts.count("Achievers", "People who reached the goal at least once."),
    "trend": st.column_config.LineChartColumn("Last 30 days", help="Achievers a day."),
    "conversion_rate": parts.share("Conversion rate", "Of all enrollments, those that converted."),
    "closed_conversion_rate": parts.share("Closed rate", "Of the enrollments whose window has ended."),
    "attributed_share": parts.share("Attributed", "Of the achievers, those whom a message gets the credit for."),
    "enrollments": parts.count("Enrollments"),
    "conversions": parts.count("Conversions"),
    "impressions": parts.count("Impressions"),
    "impact": parts.amount("Impact", "Of all achievements, in the goal's currency."),
    "impact_currency": st.column_config.TextColumn("Currency"),
    "tags": st.column_config.ListColumn("Tags"),
}

st.title("Goals")
workspace = parts.workspace()
answer = ask("goals")
rows = answer.rows[answer.rows.workspace_id == workspace].reset_index(drop=True)
if rows.empty:
    parts.nothing("There is no goal yet. Write one as YAML, apply it with `goalpost goals apply`, and run.")
    st.stop()

all_tags = sorted({tag for tags in rows.tags if tags is not None for tag in tags})
left, right = st.columns(2)
with left:
    statuses = st.multiselect("Status", sorted(set(rows.status)), key="status", bind="query-params")
with right:
    tags = st.multiselect("Tag", all_tags, key="tag", bind="query-params")
if statuses:
    rows = rows[rows.status.isin(statuses)]
if tags:
    rows = rows[[bool(set(tags) & set(own if own is not None else ())) for own in rows.tags]]
rows = rows.reset_index(drop=True)

parts.heading(
    "All goals",
    "Counted until the clock of the reports. Sort by a column's title; tick goals to see them side by side.",
    answer,
    "goals",
)
chosen = parts.table(
    Answer(rows, answer.sql), COLUMNS, "goals", on_select="rerun", selection_mode="multi-row"
).selection.rows
picked = rows.iloc[chosen] if chosen else rows.head(0)

for column, goal in zip(st.columns(max(len(picked), 1)), picked.itertuples(), strict=False):
    with column, st.container(border=True):
        st.markdown(f"**{goal.name}**")
        st.metric("Achievers", f"{goal.achievers:,.0f}")
        st.metric("Conversion rate", parts.percent(goal.conversion_rate))
        st.metric("Attributed", parts.percent(goal.attributed_share))
        st.metric("Impact", parts.money(goal.impact, goal.impact_currency))
        st.page_link("pages/goal.py", label="Open", query_params={"goal": goal.goal_id, "workspace": workspace})
if len(picked) > 1:
    ids = [("goals", goal_id) for goal_id in picked.goal_id]
    st.page_link("pages/compare.py", label="Compare over time", query_params=[*ids, ("workspace", workspace)])
