"""The dashboard, `goalpost dashboard`: it reads the published marts, so it never waits for a run.

Belongs here: which pages there are, and what all of them show. Does not: any figure (views/, queries/).
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import streamlit as st
from choices import choose_workspace, workspace
from published import ask, publication

from orchestration.settings import Settings

# Their scripts are in views/. A folder "pages" beside app.py would be pages of its own to Streamlit.
PAGES = {
    "goals": ("Goals", ":material/flag:"),
    "goal": ("Goal", ":material/query_stats:"),
    "source": ("Source", ":material/mail:"),
    "compare": ("Compare", ":material/compare_arrows:"),
    "funnels": ("Funnels", ":material/filter_alt:"),
    "segments": ("Segments", ":material/group:"),
    "experiments": ("Experiments", ":material/science:"),
    "vendor": ("Vendor", ":material/balance:"),
    "person": ("Person", ":material/person:"),
    "data": ("Data", ":material/database:"),
}
# A named icon (":material/flag:") would come from another host.
ICON = Path(__file__).with_name("icon.svg")
SECONDS = 5


@st.fragment(run_every=SECONDS)
def renew(shown: tuple[int, ...] | None) -> None:
    """As soon as another file is published, the page shows it."""
    if publication() != shown:
        st.rerun(scope="app")


def is_readable() -> bool:
    """Says so if it is not."""
    place = Settings().published
    if not place.exists():
        st.info(
            f"Nothing is published: there is no {place}. `goalpost run` publishes it, and this page then "
            "shows it."
        )
        return False
    try:
        if ask("workspaces").rows.empty:
            st.info(
                "The marts are empty: no file has landed yet. This page shows them as soon as they are not."
            )
            return False
    except duckdb.Error as error:
        st.warning(
            f"{place} cannot be read ({str(error).splitlines()[0]}). If an older Goalpost wrote it, "
            "`goalpost run` writes it again."
        )
        return False
    return True


def counts_until() -> None:
    chosen = workspace()
    published = datetime.fromtimestamp(Settings().published.stat().st_mtime, UTC)
    st.sidebar.caption(
        f"Counts until **{chosen.as_of:%Y-%m-%d %H:%M} UTC**.  \nDays, weeks and months are those of "
        f"**{chosen.time_zone}**.  \nPublished {published:%Y-%m-%d %H:%M} UTC."
    )


st.set_page_config(page_title="Goalpost", page_icon=str(ICON), layout="wide", initial_sidebar_state=230)
st.html("<style>[data-testid=stMainBlockContainer] {padding-left: 2.5rem; padding-right: 2.5rem}</style>")
page = st.navigation(
    [
        st.Page(f"views/{name}.py", title=title, icon=icon, url_path=name, default=name == "goals")
        for name, (title, icon) in PAGES.items()
    ],
    expanded=True,
)
shown = publication()
renew(shown)
if is_readable():
    with st.sidebar:
        choose_workspace()
    counts_until()
    page.run()
    if publication() != shown:  # published while the page asked: do not show figures of both
        st.rerun()
