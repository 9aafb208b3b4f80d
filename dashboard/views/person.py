"""One person and one goal: every message, achievement and credit, and the check that decided it."""

from collections.abc import Iterator
from html import escape

import choices
import duckdb
import parts
import streamlit as st
from parts import Column
from published import ask

from orchestration.errors import GoalpostError
from orchestration.explain.command import told
from orchestration.explain.history import Explanation
from orchestration.explain.reading import explain
from orchestration.explain.words import BAD, GOOD, UNATTRIBUTED, Line
from orchestration.settings import Settings
from orchestration.warehouse import writer

STYLE = """<style>
.told {border-collapse: collapse}
.told td {border: none; vertical-align: top; padding: 0.4rem 0.9rem}
.told td:first-child {white-space: nowrap; opacity: 0.65; border-right: 2px solid #2f6f6b}
.told .why {opacity: 0.8; font-size: 0.9em}
.told .good {color: #2f8f6b; font-weight: 600}
.told .bad {color: #b3702a}
</style>"""


def as_html(explanation: Explanation) -> Iterator[str]:
    yield f'{STYLE}<table class="told">'
    for moment, headline, details in told(explanation):
        why = "".join(f'<div class="why">{words(detail)}</div>' for detail in details)
        yield f"<tr><td>{moment}</td><td>{words(headline)}{why}</td></tr>"
    yield "</table>"


def words(line: Line) -> str:
    said, style = line
    return f'<span class="{"good" if GOOD in style else "bad" if BAD in style else ""}">{escape(said)}</span>'


@st.fragment(run_every=2)
def ask_again_when_written() -> None:
    if writer(Settings()) is None:
        st.rerun(scope="app")


here = choices.workspace()
st.title("Person")
with st.container(horizontal=True, vertical_alignment="bottom"):
    goal = choices.goal(here.workspace_id)
    profile = st.text_input(
        "Profile id", key="profile", bind="query-params", placeholder="as your rows have it"
    )
asked = {"workspace": here.workspace_id, "goal": goal, "as_of": here.as_of, "profile": profile.strip()}

if not asked["profile"]:
    people = ask("people", **asked)
    people.rows["why"] = people.rows.unattributed_reason.map(UNATTRIBUTED)
    parts.heading(
        "Who reached it last", "The last 20 times that somebody reached the goal. Click one.", people
    )
    parts.table(
        people,
        {
            "profile_id": Column("Profile id", "link"),
            "achieved_at": Column("Reached it (UTC)", "moment"),
            "source_id": Column("Credit to"),
            "why": Column("Why no message gets the credit"),
        },
        "people",
        "Nobody reached this goal yet.",
    )
    if chosen := parts.clicked("people-profile_id", people.rows.profile_id):
        st.switch_page("views/person.py", query_params={"goal": goal, "profile": chosen})
    st.stop()

known = ask("person", **asked)
parts.heading(
    "What happened, and why",
    "Every message, achievement and credit of this person and this goal. Times are UTC; calendar days are "
    f"those of {here.time_zone}. Read from the warehouse, as `goalpost explain` does; the SQL gives the "
    "rows of the marts.",
    known,
)
try:
    st.html("".join(as_html(explain(Settings(), here.workspace_id, goal, asked["profile"]))))
except (GoalpostError, duckdb.Error) as error:
    st.warning(parts.escaped(str(error)), icon=":material/hourglass_top:")
    if writer(Settings()):
        st.caption("This page asks again by itself.")
        ask_again_when_written()
    st.caption("What the published marts say:")
    parts.table(
        known,
        {
            "moment": Column("When (UTC)", "moment"),
            "what": Column("What"),
            "result": Column("Outcome"),
            "source_id": Column("Source"),
            "channel": Column("Channel"),
            "delivery_id": Column("Message"),
            "impact": Column("Impact", "amount"),
        },
        "person",
        "The published marts have nothing of this person and this goal.",
    )
