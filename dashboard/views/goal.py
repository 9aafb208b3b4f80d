"""One goal: what happened on the dates chosen, which messages did it, and what the goal says."""

import json

import charts
import choices
import parts
import streamlit as st
from definitions import requirements
from parts import Column
from published import Sql, ask

PROGRESS = {"Achievers": "achievers", "Achievements": "achievements", "Impact": "impact"}
PROGRESS_WITHOUT_IMPACT = {title: figure for title, figure in PROGRESS.items() if title != "Impact"}
UNITS = {"Achievers": "people", "Achievements": "times"}
BY = {
    "All": f"'{charts.ALL}'",
    "Source": f"coalesce(sources.name, progress.source_id, '{charts.UNATTRIBUTED}')",
    "Channel": f"coalesce(progress.channel, '{charts.UNATTRIBUTED}')",
}
MODELS = {
    "first": Column("First touch", "amount", "All credit to the first touch."),
    "last": Column(
        "Last touch", "amount", "All credit to the last touch: the one that all other figures use."
    ),
    "linear": Column("Linear", "amount", "The same to each touch."),
    "position": Column("Position", "amount", "Most to the first and the last, the rest to those between."),
    "time_decay": Column("Time decay", "amount", "The later the touch, the more."),
}
LOCKED = {
    "locked": "eligibility, target, evaluation window and measurement window cannot change",
    "versioned": "it may change: what older versions decided stays",
    "retroactive": "it may change: its history is then counted again",
}
SECTIONS = (
    *(
        "On these dates",
        "Since the beginning",
        "Progress",
        "Enrollments and conversions",
        "Sources",
        "Channels",
    ),
    *("Segments", "Cohorts", "Time to convert", "Credit by five models", "Definition"),
)

here = choices.workspace()
with st.container(horizontal=True, vertical_alignment="bottom"):
    goal = choices.goal(here.workspace_id)
    asked = {"workspace": here.workspace_id, "goal": goal}
    dates = choices.dates(here, [goal])
asked |= dates.parameters()

versions = ask("versions", **asked)
current = versions.rows[versions.rows.is_current].iloc[0]
currency = current.impact_currency  # None: the goal has no impact

st.title(parts.escaped(current["name"] or goal), anchor=False)
with st.container(horizontal=True, gap="small"):
    st.badge(current.status, color="green" if current.status == "active" else "gray")
    st.badge(
        f"locked since {parts.moment(current.first_sent_at)} UTC"
        if current.is_locked
        else current.definition_policy,
        icon=":material/lock:" if current.is_locked else ":material/lock_open:",
        color="gray",
    )
    for tag in current.tags if current.tags is not None else ():
        st.badge(parts.escaped(tag), color="blue")
if current.description:
    st.markdown(parts.escaped(current.description))
st.caption(" · ".join(f"[{title}](#{parts.anchor(title)})" for title in SECTIONS))

# ---- figures ----

totals, before = ask("totals", **asked), dates.before()
earlier = ask("totals", **asked | before.parameters()) if before else None
parts.heading(
    "On these dates",
    f"{dates.first} to {dates.last}"
    + (f", and the change against the {dates.days} days before" if before else "")
    + ". Each figure on the day of its own moment: conversions need not be of the enrollments beside them.",
    *filter(None, (totals, earlier)),
)
columns = {
    "Achievers": ("achievers", "People who reached the goal for the first time."),
    "By messages": ("attributed_achievers", "Of these, the people whom a message gets the credit for."),
    "Achievements": ("achievements", "How often people reached the goal, repeats included."),
    f"Impact ({currency})": ("impact", "What these achievements are worth."),
    "Impressions": ("impressions", "Messages that were received and that the goal counts."),
    "Enrollments": ("enrollments", "Measurement windows that began."),
    "Conversions": ("conversions", "Enrollments that reached the goal in their window."),
}
if currency is None:
    del columns[f"Impact ({currency})"]
total = totals.rows.iloc[0]
parts.metrics(
    {
        title: (parts.money(total[name]) if name == "impact" else parts.whole(total[name]), says)
        for title, (name, says) in columns.items()
    },
    {title: parts.change(total[name], earlier.rows.iloc[0][name]) for title, (name, _) in columns.items()}
    if earlier
    else None,
)

summary = ask("summary", **asked)
ever = summary.rows.iloc[0]
parts.heading("Since the beginning", "All that the goal counted until the clock.", summary)
parts.metrics(
    {
        "Achievers": (parts.whole(ever.achievers), "People who reached the goal."),
        "Of all people": (parts.percent(ever.achiever_rate), "Achievers of all people of the workspace."),
        "Attributed": (parts.percent(ever.attributed_share), "Of the achievers, by a message."),
        "Conversion rate": (parts.percent(ever.conversion_rate), "Of all enrollments."),
        "Closed rate": (parts.percent(ever.closed_conversion_rate), "Of enrollments whose window has ended."),
        "Median time": (parts.lasted(ever.median_seconds_to_convert), "From enrollment to conversion."),
    }
    | (
        {f"Impact ({currency})": (parts.money(ever.impact), "What all achievements are worth.")}
        if currency
        else {}
    )
)

# ---- over time ----

head = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    title, figure = choices.figure(PROGRESS if currency else PROGRESS_WITHOUT_IMPACT)
    period = choices.period()
    by = choices.by(BY)
    as_line = st.toggle("Line", key="line", bind="query-params")
    is_cumulative = st.toggle("Cumulative", key="cumulative", bind="query-params")
    with_unattributed = st.toggle("With unattributed", True, key="unattributed", bind="query-params")
progress = ask(
    "progress",
    **asked,
    period=period,
    by=by,
    figure=Sql(f"running_{figure}") if is_cumulative else figure,
    attributed=None if with_unattributed else Sql("is not null"),
)
with head:
    parts.heading(
        "Progress",
        f"{title} {'since the beginning' if is_cumulative else f'in each {period}'}, by the message that "
        "gets the credit. "
        + ("An achiever counts on the day of the first achievement. " if title == "Achievers" else "")
        + "A week or month is shown whole, also if the dates begin or end in it.",
        progress,
    )
charts.over_time(
    progress.rows,
    y=f"{title} ({UNITS.get(title, currency)})",
    period=period,
    time_zone=here.time_zone,
    as_line=as_line,
    alt="Progress",
)

enrollments = ask("enrollment_progress", **asked, period=period)
parts.heading(
    "Enrollments and conversions",
    "An enrollment counts on the day its window began, a conversion on the day it happened.",
    enrollments,
)
charts.over_time(
    enrollments.rows.melt("period_start", ["enrollments", "conversions"], "series", "figure"),
    y="Count",
    period=period,
    time_zone=here.time_zone,
    as_line=as_line,
    is_sum=False,
    alt="Enrollments and conversions",
)

# ---- which messages ----

sources = ask("sources", **asked)
parts.heading(
    "Sources",
    "Since the beginning, not only on these dates. Three questions, three answers: which windows that the "
    "source began reached the goal (conversions: one achievement may convert several, so they are no "
    "sales); which of its messages were its last touch before an achievement (converted deliveries); whom "
    "all sources together leave to it (achievers and impact).",
    sources,
)
parts.table(
    sources,
    {"source": Column("Source", "link", "Click a source to open its page.")}
    | parts.SOURCE
    | parts.impact(currency),
    "sources",
    "The goal lists no source, and no message counted for it.",
)

parts.follow("sources-source", "source", sources.rows.source_id, here.workspace_id)
sums = sources.rows.sum(numeric_only=True)
if sums.impressions:
    st.caption(
        f"Of {sums.impressions:,.0f} impressions, {sums.enrollments:,.0f} began a window. The others: "
        f"{sums.not_eligible:,.0f} to people who were not eligible, {sums.already_achieved:,.0f} to people "
        f"who had reached the goal already, {sums.already_enrolled:,.0f} of a journey or message that had "
        "enrolled already."
    )

channels = ask("channels", **asked)
parts.heading("Channels", "On these dates: the channel of the message.", channels)
parts.table(
    channels,
    {"channel": Column("Channel")}
    | {
        name: parts.SOURCE[name]
        for name in ("impressions", "enrollments", "conversions", "attributed_achievers")
    }
    | {name: column for name, column in parts.impact(currency).items() if name in channels.rows},
    "channels",
    "No message counted for this goal on these dates.",
)

segments = ask("segments", **asked)
parts.heading(
    "Segments",
    "Since the beginning. Conversions by who was in a segment when the window began; members and "
    "achievers by who is in it at the clock. People are in several segments: do not add them up.",
    segments,
)
parts.table(segments, {"segment": Column("Segment")} | parts.SEGMENT, "segments", "There is no segment.")

cohorts = ask("cohorts", **asked, period=period)
parts.heading(
    "Cohorts",
    f"The enrollments that began in a {period}, and how many of them converted until the clock. Grey: some "
    "window has not ended, so the rate can still rise.",
    cohorts,
)
charts.cohorts(cohorts.rows, period=period, time_zone=here.time_zone)

moments = {"as_of": here.as_of, "time_zone": here.time_zone}
head = st.container()
enrolling = ask("curve_sources", **asked).rows
source = choices.one_of(
    "Of the windows that began",
    {"": "All sources"} | dict(zip(enrolling.source_id, enrolling.name, strict=True)),
    "curve",
)
curve = ask("curve", **asked, source=source or Sql("null"))
with head:
    parts.heading(
        "Time to convert",
        "Since the beginning: the share of enrollments that converted by the end of each day, with its "
        "interval. An open window counts as long as it was watched, until the clock; the plain share takes "
        "it as not converted, so it is too low. The lines end where nobody was watched any longer.",
        curve,
    )
if not curve.rows.empty:
    shares = curve.rows.converted_share
    parts.metrics(
        {
            f"Within {days} day{'' if days == 1 else 's'}": (parts.percent(shares[days - 1]), "")
            for days in (1, 7, 14, 30)
            if days < len(shares)
        }
        | {
            "At the end": (
                parts.percent(shares.iloc[-1]),
                "By the last day on which somebody was watched.",
            )
        }
    )
charts.curve(curve.rows)

worth = Sql("achievements.impact_value") if title == "Impact" else Sql("1")
credit = ask("credit_models", **asked, **moments, worth=worth)
parts.heading(
    "Credit by five models",
    f"{f'Impact in {currency}' if title == 'Impact' else 'Achievements'} of these dates, shared among the "
    "sources that touched the person before. Every column has the same sum.",
    credit,
)
parts.table(
    credit, {"source": Column("Source")} | MODELS, "credit", "No achievement on these dates has a touch."
)

funnels = parts.funnel(workspace=here.workspace_id, goal=goal)
for funnel, steps in funnels.rows.groupby("funnel_id"):
    parts.heading(f"Funnel {funnel}", "Of the people at step 1, how many came how far in time.", funnels)
    charts.steps(steps)

# ---- what the goal says ----

parts.heading(
    "Definition",
    f"Policy {current.definition_policy}: {LOCKED[current.definition_policy]}"
    + (
        f", since the first message was sent on {parts.moment(current.first_sent_at)} UTC."
        if current.is_locked
        else "."
    ),
    versions,
)
parts.table(
    versions,
    {
        "version_number": Column("Version", "count"),
        "valid_from": Column("In force from (UTC)", "moment"),
        "valid_to": Column("until (UTC)", "moment"),
        "status": Column("Status"),
        "measurement_window_days": Column("Measurement window (days)", "count", "Days to reach the goal."),
        "attribution_window_days": Column(
            "Attribution window (days)", "count", "Days in which a touch gets credit."
        ),
        "evaluation_window_days": Column("Evaluation window (days)", "count"),
        "impression": Column("Counts messages when"),
        "definition": Column("Definition", "json"),
    },
    "versions",
)
parts.bullets(requirements(json.loads(current.definition), here.time_zone, currency or here.currency))
