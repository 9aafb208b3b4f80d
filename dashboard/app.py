"""The dashboard: `goalpost dashboard`. It reads the published marts and nothing else, so it never waits for a run.

Belongs here: the pages there are, and what is above each. Does not: any figure (pages/, queries/).
"""

from datetime import datetime

import streamlit as st
from published import ask, publication

from orchestration.settings import Settings

PAGES = {
    "goals": "Goals",
    "goal": "Goal",
    "source": "Source",
    "compare": "Compare",
    "funnels": "Funnels",
    "segments": "Segments",
    "person": "Person",
    "data": "Data",
}


@st.fragment(run_every=5)
def renew(shown: tuple[int, ...] | None) -> None:
    """As soon as another file is published, the page shows it."""
    if publication() != shown:
        st.rerun(scope="app")


def counts_until() -> None:
    found = ask("publication").rows
    until: datetime = found.as_of.max()
    zones = ", ".join(sorted(set(found.time_zone)))
    published = datetime.fromtimestamp(Settings().published.stat().st_mtime)
    st.sidebar.caption(
        f"Counts until **{until:%Y-%m-%d %H:%M} UTC**. Days are those of {zones}. Published {published:%Y-%m-%d %H:%M}."
    )


st.set_page_config(page_title="Goalpost", layout="wide")
page = st.navigation(
    [st.Page(f"pages/{name}.py", title=title, url_path=name, default=name == "goals") for name, title in PAGES.items()]
)
shown = publication()
renew(shown)
if shown is None:
    st.title("Nothing is published yet")
    st.write(f"There is no {Settings().published}. `goalpost run` makes it; this page shows it by itself.")
else:
    counts_until()
    page.run()
