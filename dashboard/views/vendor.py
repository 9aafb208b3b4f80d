"""The vendor's own conversions of a goal's sources beside ours, with the reason of each difference."""

import choices
import parts
import streamlit as st
from parts import Column
from published import ask

REASONS = {
    "not_an_impression": (
        "No impression",
        "The message is no impression of the goal: it bounced, was trapped, or left before the goal began.",
    ),
    "not_an_achievement": (
        "No achievement",
        "The person did not reach the goal after the message was sent: the vendor counts another event.",
    ),
    "no_qualifying_touch": (
        "No touch",
        "The message was not opened, clicked or sent, as the goal asks, within its attribution window.",
    ),
    "another_delivery_credited": (
        "Another message",
        "A later message of the same source has the credit, or this one's is ruled out.",
    ),
}

here = choices.workspace()
goal = choices.goal(here.workspace_id)
st.title("The vendor's answer, and ours", anchor=False)
found = ask("vendor", workspace=here.workspace_id, goal=goal)
figures = ("our_conversions", "vendor_conversions", "agreeing", "only_ours", "only_theirs", *REASONS)
totals = {name: parts.whole(float(found.rows[name].sum())) for name in figures}
if totals["vendor_conversions"] == "0":
    parts.nothing(
        "The sources of this goal have no conversion of the vendor: land `converted` engagements, as the "
        "vendor's export has them, and run."
    )
    st.stop()

parts.metrics(
    {
        "Ours": (totals["our_conversions"], "Messages that we credit within their own source."),
        "Theirs": (totals["vendor_conversions"], "Messages with a `converted` engagement."),
        "Both": (totals["agreeing"], "Messages that both count."),
        "Only ours": (totals["only_ours"], "Ours - both."),
        "Only theirs": (totals["only_theirs"], "Theirs - both: the sum of the four reasons."),
    }
)
parts.bullets(f"{title}: {totals[name]} only theirs. {says}" for name, (title, says) in REASONS.items())
parts.heading(
    "By source",
    "Messages since the beginning, until the clock. A vendor does not say which goal was reached: compare "
    "with the goal that it measures.",
    found,
)
columns = {
    "source": Column("Source", "link", "Click a source to open its page."),
    "our_conversions": Column("Ours", "count"),
    "vendor_conversions": Column("Theirs", "count"),
    "agreeing": Column("Both", "count"),
    "only_ours": Column("Only ours", "count"),
    "only_theirs": Column("Only theirs", "count"),
}
reasons = {name: Column(title, "count", says) for name, (title, says) in REASONS.items()}
parts.table(found, columns | reasons, "vendor")
parts.follow("vendor-source", "source", found.rows.source_id, here.workspace_id)
