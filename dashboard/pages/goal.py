"""One goal: what happened on the dates chosen, which messages did it, and what the goal says."""

import json

import parts
import streamlit as st
from published import ask

workspace = parts.workspace()
goal = parts.goal(workspace)
versions = ask("versions", workspace=workspace, goal=goal)
current = versions.rows[versions.rows.is_current].iloc[0]
asked = {"workspace": workspace, "goal": goal}

st.title(current["name"] or goal)
if current.description:
    st.write(current.description)
tags = " ".join(f"`{tag}`" for tag in (current.tags if current.tags is not None else ()))
locked = f"locked since {current.first_sent_at:%Y-%m-%d}" if current.is_locked else "not locked"
st.caption(f"{current.status} · {current.definition_policy}, {locked} · {tags}")

bounds = ask("days", **asked).rows.iloc[0]
first_day, last_day = parts.dates(bounds.first_day, bounds.last_day)
asked |= {"first_day": first_day, "last_day": last_day}

totals = ask("totals", **asked)
total = totals.rows.iloc[0]
parts.heading(
    "On these dates",
    "Each figure on the day of its own moment: conversions need not be of the enrollments beside them.",
    totals,
    "totals",
)
figures = {
    "Achievers": parts.whole(total.achievers),
    "Attributed": parts.percent(total.attributed_achievers / total.achievers if total.achievers else None),
    "Achievements": parts.whole(total.achievements),
    "Impact": parts.money(total.impact, current.impact_currency),
    "Impressions": parts.whole(total.impressions),
    "Enrollments": parts.whole(total.enrollments),
    "Conversions": parts.whole(total.conversions),
}
for column, (title, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
    column.metric(title, value)

with st.container(horizontal=True, vertical_alignment="bottom"):
    figure, period = parts.figure(), parts.period()
    by = st.segmented_control(
        "By", ["all", "source", "channel"], default="all", required=True, key="by", bind="query-params"
    )
    as_line = st.toggle("Line", key="line", bind="query-params")
    cumulative = st.toggle("Cumulative", key="cumulative", bind="query-params")
    unattributed = st.toggle("With unattributed", True, key="unattributed", bind="query-params")
progress = ask(
    "progress", **asked, period=period, by=by, cumulative=cumulative, unattributed=unattributed
)
parts.heading(
    "Progress",
    ("Since the beginning, " if cumulative else "")
    + "by the source or channel of the touch that gets the credit. An achiever counts on the day of the first achievement.",
    progress,
    "progress",
)
parts.chart(
    progress.rows, [figure], parts.FIGURES, series="series", as_line=as_line,
    unit=current.impact_currency or "" if figure == "impact" else "",
)

enrollments = ask("enrollment_progress", **asked, period=period)
parts.heading(
    "Enrollments and conversions",
    "An enrollment counts on the day its window began, a conversion on the day it happened.",
    enrollments,
    "enrollments",
)
parts.chart(
    enrollments.rows, ["enrollments", "conversions"], {"enrollments": "Enrollments", "conversions": "Conversions"},
    as_line=True,
)

funnels = ask("funnels", workspace=workspace, goal=goal)
if not funnels.rows.empty:
    parts.heading("Funnels", "Of the people at step 1, how many came how far in time.", funnels, "funnels")
    parts.table(funnels, parts.FUNNEL_COLUMNS, "funnels")

sources = ask("sources", **asked)
parts.heading(
    "Sources",
    "As of the clock, not only on these dates. Conversions count enrollments; converted deliveries count messages that earned an "
    "achievement. One achievement can convert several enrollments: do not read conversions as sales.",
    sources,
    "sources",
)
parts.table(sources, parts.SOURCE_COLUMNS, "sources")

left, right = st.columns(2)
with left:
    channels = ask("channels", **asked)
    parts.heading("Channels", "On these dates.", channels, "channels")
    parts.table(
        channels,
        {
            "channel": "Channel",
            "impressions": parts.count("Impressions"),
            "enrollments": parts.count("Enrollments"),
            "conversions": parts.count("Conversions"),
            "attributed_achievers": parts.count("Attributed achievers"),
            "attributed_impact": parts.amount("Attributed impact"),
        },
        "channels",
    )
with right:
    segments = ask("segments", **asked)
    parts.heading("Segments", "As of the clock. People are in several segments.", segments, "segments")
    parts.table(
        segments,
        {
            "segment": "Segment",
            "enrolled": parts.count("Enrolled", "Enrollments of people who were in it then."),
            "converted": parts.count("Converted"),
            "conversion_rate": parts.share("Conversion rate"),
            "members": parts.count("Members", "People in it now."),
            "achievers": parts.count("Achievers"),
            "achiever_rate": parts.share("Achiever rate"),
        },
        "segments",
    )

cohorts = ask("cohorts", **asked, period=period)
parts.heading(
    "Cohorts",
    "Enrollments by when they began. Grey: some window has not ended, so the rate can still rise.",
    cohorts,
    "cohorts",
)
parts.cohort_chart(cohorts.rows)

credit = ask("credit_models", **asked)
parts.heading(
    "Credit by five models",
    "The achievements of these dates that have a touch, shared among their sources. Every column has the same sum.",
    credit,
    "credit",
)
if credit.rows.empty:
    parts.nothing("No achievement on these dates has a touch.")
else:
    models = {"first": "First", "last": "Last", "linear": "Linear", "position": "Position", "time_decay": "Time decay"}
    parts.table(credit, {"source": "Source"} | {key: parts.amount(title) for key, title in models.items()}, "credit")

parts.heading("Definition", "Its versions, newest first, and what the newest says.", versions, "definition")
parts.table(
    versions,
    {
        "version_number": parts.count("Version"),
        "valid_from": "Valid from (UTC)",
        "valid_to": "Valid to (UTC)",
        "status": "Status",
        "measurement_window_days": parts.count("Measurement window (days)"),
        "attribution_window_days": parts.count("Attribution window (days)"),
        "evaluation_window_days": parts.count("Evaluation window (days)"),
        "impression": "Impression",
    },
    "versions",
)
st.json(json.loads(current.definition))
