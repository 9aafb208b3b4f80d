"""The dashboard, on the demo and on a small workspace beside it that has what the demo lacks: journeys with
exits, several messages and channels, a funnel, a quarantined row, a file that was set aside.

In a real browser: that each page works and shows what the marts say. With Streamlit's AppTest: every query of
every page.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from homes import DEMO_AS_OF, demo_home, goalpost, install, read_models, start
from playwright.sync_api import Browser, Page, expect, sync_playwright
from streamlit.testing.v1 import AppTest

from orchestration import dashboard as command
from orchestration.errors import GoalpostError
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import single_writer

DASHBOARD = PROJECT_ROOT / "dashboard"
sys.path.append(str(DASHBOARD))  # as Streamlit does

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
DEMO, ACME = "complete-journey", "acme"
OTHER = "zeta"  # a workspace in Acme's home
TRUTH = "known-truth"  # a workspace in the demo's home, with experiments
VIEWS = (
    "goals",
    "goal",
    "source",
    "compare",
    "funnels",
    "segments",
    "experiments",
    "vendor",
    "person",
    "data",
)
EMPTY = {
    ("funnels", DEMO),
    ("funnels", TRUTH),
    ("segments", TRUTH),
    ("experiments", DEMO),
    ("experiments", ACME),
    ("vendor", DEMO),
    ("vendor", TRUTH),
}


# ---- the warehouse ----


def acme() -> dict[str, list[dict[str, Any]]]:
    """Thirty people in a journey of two e-mails, which should end when somebody pays, and a push to them."""
    began = datetime(2017, 11, 1, 8)
    people = [f"p{number}" for number in range(30)]

    def after(number: int, days: float) -> str:
        return (began + timedelta(days=number + days)).isoformat()

    def goal(name: str, event: str, **more: Any) -> dict[str, Any]:
        definition = {"name": name, "target": {"event": {"name": event}}, "measurement_window_days": 14}
        return definition | {"sources": ["welcome", "news"], "definition_policy": "versioned"} | more

    definitions = {
        "visited": goal("Visited", "visit", tags=["growth"]),
        "paid": goal(
            "Paid *at once* <b>",
            "pay",
            tags=["revenue"],
            impact={"currency": "EUR", "event_property": "total"},
        ),
        "quiet": goal("Nobody did this", "never", status="archived"),
    }
    rows: dict[str, list[dict[str, Any]]] = {
        "workspaces": [
            {"name": "Acme", "time_zone": "Europe/Berlin", "currency": "EUR", "updated_at": "2017-10-01"}
        ],
        "goals": [
            {"goal_id": goal_id, "updated_at": "2017-10-01", "definition": definition}
            for goal_id, definition in definitions.items()
        ]
        + [
            {
                "goal_id": "visited",
                "updated_at": "2017-11-20",
                "definition": definitions["visited"] | {"name": "Came"},
            },
            {
                "workspace_id": OTHER,
                "goal_id": "visited",
                "updated_at": "2017-10-01",
                "definition": goal("Visited Zeta", "visit"),
            },
        ],
        "sources": [
            {
                "source_id": "welcome",
                "name": "Welcome",
                "source_type": "campaign",
                "exit_condition": "goal",
                "exit_goal_id": "paid",
                "status": "active",
                "updated_at": "2017-10-01",
            },
            {
                "source_id": "news",
                "name": "News",
                "source_type": "broadcast",
                "status": "active",
                "updated_at": "2017-10-01",
            },
        ],
        "funnels": [
            {
                "funnel_id": "to-paid",
                "updated_at": "2017-10-01",
                "goal_ids": ["visited", "paid"],
                "window_days": 30,
            }
        ],
        "segments": [
            {
                "segment_id": "vip",
                "name": "Very important",
                "updated_at": "2017-10-01",
                "filter": {"property": "plan", "op": "eq", "value": "vip"},
            },
        ],
        "profile_snapshots": [
            {"profile_id": person, "observed_at": after(number, day), "properties": {"plan": plan}}
            for number, person in enumerate(people)
            for day, plan in ((0, "free"), (4, "vip" if number % 3 else "free"), (20, "free"))
        ],
        "journeys": [
            {
                "journey_id": f"j{number}",
                "source_id": "welcome",
                "profile_id": person,
                "entered_at": after(number, 0),
            }
            for number, person in enumerate(people)
        ],
        "deliveries": [
            {
                "delivery_id": f"{person}-{message}",
                "profile_id": person,
                "source_type": "campaign",
                "source_id": "welcome",
                "journey_id": f"j{number}",
                "message_id": message,
                "channel": "email",
                "sent_at": after(number, day),
            }
            for number, person in enumerate(people)
            for message, day in (("hello", 0), ("reminder", 3))
        ]
        + [
            {
                "delivery_id": f"{person}-push",
                "profile_id": person,
                "source_type": "broadcast",
                "source_id": "news",
                "message_id": "push",
                "channel": "push",
                "sent_at": "2017-12-10T09:00:00",
            }
            for person in people
        ],
        "events": [
            {
                "event_id": f"{person}-{name}",
                "profile_id": person,
                "name": name,
                "occurred_at": after(number, day),
                "properties": {"total": 10 + number},
            }
            for number, person in enumerate(people)
            for name, day in (("visit", 1 + number % 3), ("pay", 2 + number % 5))
            if name == "visit" or number % 2
        ]
        + [{"event_id": "late", "profile_id": "p0", "name": "visit", "occurred_at": "soon"}],
        "engagements": [
            {
                "engagement_id": f"converted {person}",
                "delivery_id": f"{person}-reminder",
                "metric": "converted",
                "occurred_at": after(number, 6),
            }
            for number, person in enumerate(people[:20])
        ],
    }
    return {table: [{"workspace_id": ACME} | row for row in found] for table, found in rows.items()}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Settings]:
    """By workspace."""
    base = tmp_path_factory.getbasetemp()
    acme_home = read_models(Settings(home=tmp_path_factory.mktemp("acme")), base)
    for table, rows in acme().items():
        file = Path(acme_home.landing) / table / "acme.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (Path(acme_home.landing) / "events" / "broken.parquet").write_text("no parquet")
    ran = goalpost(acme_home, "run", "--as-of", DEMO_AS_OF)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    demo = demo_home(base)
    return {DEMO: demo, TRUTH: demo, ACME: acme_home}


def marts(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.published, read_only=True) as connection:
        return connection.execute(query).fetchall()


# ---- every query of every page ----


@pytest.fixture
def view(homes: dict[str, Settings], monkeypatch: pytest.MonkeyPatch):
    def run(name: str, workspace: str = DEMO, **query: str | list[str]) -> AppTest:
        monkeypatch.setenv("GOALPOST_HOME", str(homes[workspace].home))
        page = AppTest.from_file(str(DASHBOARD / "views" / f"{name}.py"), default_timeout=30)
        page.session_state["workspace"] = workspace
        for key, value in query.items():
            page.query_params[key] = value
        page.run()
        assert not page.exception, page.exception
        return page

    return run


def query_of(page: AppTest, beginning: str) -> str:
    [query] = [code.value for code in page.code if code.value.startswith(f"-- {beginning}")]
    return query


@pytest.mark.parametrize("workspace", [DEMO, TRUTH, ACME])
@pytest.mark.parametrize("name", VIEWS)
def test_every_query_that_a_page_shows_runs_as_shown(view, homes, name: str, workspace: str):
    queries = [code.value for code in view(name, workspace).code]
    assert queries or (name, workspace) in EMPTY
    for query in queries:
        assert "$" not in query
        marts(homes[workspace], query)


@pytest.mark.parametrize("period", ["Day", "Week", "Month"])
@pytest.mark.parametrize("by", ["All", "Source", "Channel"])
@pytest.mark.parametrize("unattributed", ["true", "false"])
def test_progress_adds_up_to_the_summary(view, homes, period: str, by: str, unattributed: str):
    chosen = {"dates": "All dates", "period": period, "by": by, "unattributed": unattributed}
    page = view("goal", DEMO, goal="reached-gold", **chosen)
    counted = sum(figure for *_, figure in marts(homes[DEMO], query_of(page, "Progress")))
    column = "achievers" if unattributed == "true" else "attributed_achievers"
    assert [(counted,)] == marts(
        homes[DEMO], f"select {column} from rpt_goal_summary where goal_id = 'reached-gold'"
    )


@pytest.mark.parametrize("workspace", [DEMO, ACME])
def test_the_messages_of_a_source_add_up_to_the_source(view, homes, workspace: str):
    names = (
        *("impressions", "enrollments", "conversions", "converted_deliveries", "attributed_achievers"),
        "attributed_impact",
    )
    sources = marts(
        homes[workspace],
        f"select source_id, goal_id, {', '.join(names)} from rpt_source_performance where workspace_id = "
        f"'{workspace}' and source_id in ('campaign-8', 'campaign-22', 'welcome', 'news')",
    )
    assert len({source for source, *_ in sources}) == 2
    for source, goal, *figures in sources:
        query = query_of(view("source", workspace, source=source, goal=goal), "Which message")
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
        assert marts(homes[workspace], f"select {sums} from ({query})") == [tuple(figures)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("conflicting = 500", ["500 people are in both arms, 6,000 in one"]),
        ("conflicting = 5", []),
        (
            "difference = null, control_profiles = 0, control_rate = null, expected_control_share = null, "
            "source_id = null, experiment_name = null, verdict = 'too_few'",
            [],
        ),
    ],
)
def test_an_experiment_with_people_in_both_arms_is_said_in_red(
    homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, said: list[str]
):
    """The last case has an empty arm, and nothing that is optional."""
    settings = Settings(home=tmp_path)
    publish(homes[TRUTH].published, settings, f"update rpt_goal_lift set {change}")
    monkeypatch.setenv("GOALPOST_HOME", str(tmp_path))
    page = AppTest.from_file(str(DASHBOARD / "views" / "experiments.py"), default_timeout=30)
    page.session_state["workspace"] = TRUTH
    page.query_params["experiment"] = "reminder"
    page.run()
    assert not page.exception, page.exception
    assert len(page.error) == len(said)
    assert all(sentence in error.value for sentence, error in zip(said, page.error, strict=True))


def test_the_five_models_share_the_same_achievements(view, homes):
    page = view("goal", DEMO, goal="basket-over-100-dollars", dates="All dates", figure="Impact")
    query = query_of(page, "The achievements of these dates")
    sums = "sum(first), sum(last), sum(linear), sum(position), sum(time_decay)"
    [shared] = marts(homes[DEMO], f"select {sums} from ({query})")
    [(attributed,)] = marts(
        homes[DEMO],
        "select sum(attributed_impact) from rpt_source_performance where goal_id = 'basket-over-100-dollars'",
    )
    assert [float(each) for each in shared] == pytest.approx([float(attributed)] * 5)


def test_a_condition_that_was_not_chosen_is_no_line_of_the_query():
    from published import Sql, written_out

    query = "select $figure from t\nwhere a = $a\n    and b in $b\n    and day > $day"
    day = datetime(2017, 1, 2).date()
    assert written_out(query, {"figure": Sql("count(*)"), "a": "it's", "b": [], "day": day}) == (
        "select count(*) from t\nwhere a = 'it''s'\n    and day > date '2017-01-02'"
    )
    assert written_out("b in $b", {"b": ["x", "y"]}) == "b in ('x', 'y')"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(float("nan"), "\N{EN DASH}"), (0, "0 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_000, "1 d 1 h")],
)
def test_durations_are_in_human_units(seconds: float, words: str):
    from parts import lasted

    assert lasted(seconds) == words


# ---- publications ----


def test_reading_while_publications_replace_the_file_never_fails(
    homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from published import ask

    settings = Settings(home=tmp_path)
    monkeypatch.setenv("GOALPOST_HOME", str(tmp_path))
    publish(homes[ACME].published, settings, "update dim_workspaces set name = 0")
    seen, errors, is_over = set(), [], threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                names = set(ask("workspaces").rows.name)
                assert len(names) == 1, names
                seen.update(names)
            except Exception as error:
                errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(12):
        publish(homes[ACME].published, settings, f"update dim_workspaces set name = {number}")
        time.sleep(0.1)
    time.sleep(0.3)
    is_over.set()
    for reader in readers:
        reader.join()
    assert not errors
    assert len(seen) > 3
    assert set(ask("workspaces").rows.name) == {"11"}


def publish(published: Path, settings: Settings, change: str) -> None:
    """As the pipeline does it: a file takes the place of the published one. It differs by this change."""
    unfinished = settings.published.with_suffix(".unfinished")
    shutil.copyfile(published, unfinished)
    with duckdb.connect(unfinished) as connection:
        connection.execute(change)
    os.replace(unfinished, settings.published)


# ---- in the browser ----


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        install("chromium")
    if not CHROMIUM.exists():
        pytest.skip(f"There is no {CHROMIUM}, and this user cannot install it: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)


@pytest.fixture(scope="module")
def urls(homes: dict[str, Settings]) -> Iterator[dict[str, str]]:
    """Where each home's dashboard is, by workspace."""
    servers = {workspace: serve(homes[workspace]) for workspace in (DEMO, ACME)}
    yield {workspace: url for workspace, (_, url) in servers.items()}
    for server, _ in servers.values():
        server.terminate()
        server.wait()


def serve(settings: Settings) -> tuple[subprocess.Popen[str], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = start(settings, "dashboard", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health").close()
            return server, url
        except OSError:
            assert server.poll() is None, server.communicate()
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


class Tab:
    """A tab of the browser that notes what went wrong."""

    def __init__(self, browser: Browser, urls: dict[str, str]):
        self.urls, self.faults = urls, []
        self.page: Page = browser.new_page(viewport={"width": 1400, "height": 3000})
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._note_host)

    def _note(self, message) -> None:
        # Before it connects, Streamlit looks for its base below the page's own path.
        is_search = "/_stcore/" in message.location["url"]
        if message.type == "error" and not is_search:
            self.faults.append(message.text)

    def _note_host(self, request) -> None:
        if request.url.startswith("http") and not request.url.startswith(tuple(self.urls.values())):
            self.faults.append(f"asks {request.url}")

    def open(self, path: str, workspace: str = DEMO) -> None:
        self.page.goto(f"{self.urls[workspace]}/{path}")
        self.wait()

    def wait(self) -> None:
        """Until the page is as it stays."""
        expect(self.page.get_by_test_id("stApp")).to_have_attribute(
            "data-test-script-state", "notRunning", timeout=30_000
        )
        expect(self.page.get_by_test_id("stMain").locator("h1, h3").first).to_be_visible(timeout=30_000)
        self.page.wait_for_timeout(300)

    def metric(self, title: str, number: int = 0) -> str:
        metric = self.page.get_by_test_id("stMetric").filter(has_text=title).nth(number)
        return metric.get_by_test_id("stMetricValue").inner_text()

    def cells(self, table: str) -> list[list[str]]:
        rows = self.page.get_by_role("region", name=table, exact=True).locator("tr[role=row]")
        expect(rows.nth(1)).to_be_attached()  # it is drawn on a canvas; this table is for screen readers
        return rows.evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")

    def sound(self) -> None:
        assert not self.faults
        assert self.page.get_by_test_id("stException").count() == 0


@pytest.fixture
def tab(browser: Browser, urls: dict[str, str]) -> Iterator[Tab]:
    tab = Tab(browser, urls)
    yield tab
    tab.page.close()


@pytest.mark.parametrize("workspace", [DEMO, ACME])
def test_each_page_opens_without_an_error_and_asks_no_other_host(tab: Tab, workspace: str):
    for name in VIEWS:
        tab.open("" if name == "goals" else name, workspace)
        tab.sound()
    assert tab.page.get_by_text("Counts until 2018-01-01 05:00 UTC").is_visible()


def test_goals_shows_the_figures_of_the_marts(tab: Tab, homes):
    tab.open("")
    head, *rows = tab.cells("goals")
    shown = [dict(zip(head, row, strict=True)) for row in rows]
    names = ("Goal", "Achievers", "Enrollments", "Impact")
    wanted = marts(
        homes[DEMO],
        "select name, achievers, enrollments, case when impact_currency is not null then impact end "
        "from rpt_goal_summary inner join dim_goals using (workspace_id, goal_id) "
        f"where is_current and workspace_id = '{DEMO}' order by name",
    )
    assert [tuple(row[name] for name in names) for row in shown] == [
        (
            name,
            str(achievers),
            str(enrollments),
            "" if impact is None else f"{impact:.2f}".rstrip("0").rstrip("."),
        )
        for name, achievers, enrollments, impact in wanted
    ]
    tab.sound()


def test_each_workspace_has_its_own_goals(tab: Tab):
    tab.open(f"?workspace={OTHER}", ACME)
    assert [row[0] for row in tab.cells("goals")] == ["Goal", "Visited Zeta"]
    expect(tab.page.get_by_test_id("stSidebar")).to_contain_text("those of UTC")
    tab.open("?status=archived", ACME)
    assert [row[0] for row in tab.cells("goals")] == ["Goal", "Nobody did this"]
    tab.open("?tag=revenue", ACME)
    assert [row[0] for row in tab.cells("goals")] == ["Goal", "Paid *at once* <b>"]
    tab.sound()


def test_goal_shows_the_figures_of_the_dates_in_its_link(tab: Tab, homes):
    tab.open("goal?goal=basket-over-100-dollars&dates=Custom&days=2017-05-01&days=2017-05-31")
    during = (
        "goal_id = 'basket-over-100-dollars' and period = 'day' "
        "and period_start between '2017-05-01' and '2017-05-31'"
    )
    [(achievers, impact)] = marts(
        homes[DEMO], f"select sum(achievers), sum(impact) from rpt_goal_progress where {during}"
    )
    [(enrollments, conversions)] = marts(
        homes[DEMO], f"select sum(enrollments), sum(conversions) from rpt_enrollment_progress where {during}"
    )
    assert tab.metric("Achievers") == f"{achievers:,}"
    assert tab.metric("Impact (USD)") == f"{impact:,.2f}"
    assert tab.metric("Enrollments") == f"{enrollments:,}"
    assert tab.metric("Conversions") == f"{conversions:,}"
    [(rate, seconds)] = marts(
        homes[DEMO],
        "select conversion_rate, median_seconds_to_convert from rpt_goal_summary "
        "where goal_id = 'basket-over-100-dollars'",
    )
    assert tab.metric("Conversion rate") == f"{rate:.1%}".replace("%", " %")
    assert tab.metric("Median time") == f"{seconds // 86400:.0f} d {seconds % 86400 // 3600:.0f} h"
    tab.sound()


@pytest.mark.parametrize(("horizon", "title"), [("to_date", "To date"), ("window", "Within the window")])
def test_experiments_shows_the_figures_of_the_mart(tab: Tab, homes, horizon: str, title: str):
    tab.open(f"experiments?workspace={TRUTH}&experiment=reminder&horizon={title.replace(' ', '+')}")
    rows = marts(
        homes[TRUTH],
        "select name, difference, always_valid_lower, always_valid_upper, incremental_achievers, ratio, "
        "treatment_profiles, treatment_achievers, treatment_rate, control_profiles, control_achievers, "
        "control_rate from rpt_goal_lift inner join dim_goals using (workspace_id, goal_id) "
        f"where experiment_id = 'reminder' and horizon = '{horizon}' and is_current order by is_primary desc",
    )
    head, *shown = tab.cells("figures")
    figures = [dict(zip(head, row, strict=True)) for row in shown]
    assert [(row["Goal"], row["Difference, points"]) for row in figures] == [
        (name, f"{100 * found:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})")
        for name, found, low, high, *_ in rows
    ]
    assert [row["More people"].split()[0] for row in figures] == [f"{row[4]:+.0f}" for row in rows]
    assert [row["Ratio"].split()[0] for row in figures] == [f"{row[5]:.2f}" for row in rows]
    head, *shown = tab.cells("arms")
    arms = [dict(zip(head, row, strict=True)) for row in shown]
    assert [(row["People"], row["Achievers"], round(float(row["Rate"]), 6)) for row in arms] == [
        (str(people), str(achievers), round(100 * rate, 6))
        for row in rows
        for people, achievers, rate in (row[6:9], row[9:12])
    ]
    expect(tab.page.get_by_text("The messages made more people reach the goal")).to_be_visible()
    expect(tab.page.get_by_text("Not decided:")).to_be_visible()
    assert f"lift.horizon = '{horizon}'" in shown_query(tab, "Verdict")
    tab.sound()


def test_a_broken_split_is_said_in_red_and_no_difference_is_shown(tab: Tab):
    tab.open(f"experiments?workspace={TRUTH}&experiment=newsletter")
    alert = tab.page.get_by_test_id("stAlertContentError")
    expect(alert).to_contain_text("the split is broken. 56.8 % of the people are in the control arm")
    assert tab.page.get_by_role("region", name="figures", exact=True).count() == 0
    assert "1034" in str(tab.cells("arms"))
    tab.sound()


def test_without_experiments_the_page_says_how_to_define_one(tab: Tab):
    tab.open("experiments")
    expect(tab.page.get_by_text("No experiment is measured in this workspace")).to_be_visible()
    expect(tab.page.get_by_text("There are experiments in: Two made-up experiments")).to_be_visible()
    tab.sound()


@pytest.mark.parametrize("source", ["", "campaign-22"])
def test_time_to_convert_is_the_curve_of_the_mart(tab: Tab, homes, source: str):
    tab.open(f"goal?goal=redeemed-its-coupon&curve={source}")
    shares = marts(
        homes[DEMO],
        "select converted_share from rpt_conversion_curve where goal_id = 'redeemed-its-coupon' "
        f"and coalesce(source_id, '') = '{source}' and at_risk > 0 order by day",
    )
    assert len(shares) == (27 if source else 61)  # campaign 22 was mailed 26 days before the clock
    assert tab.metric("Within 7 days") == f"{100 * shares[6][0]:.1f} %"
    assert tab.metric("At the end") == f"{100 * shares[-1][0]:.1f} %"
    tab.sound()


def test_a_link_shows_the_view_that_was_chosen(tab: Tab, browser: Browser, urls: dict[str, str]):
    tab.open("goal?goal=reached-gold")
    for choice in ("Month", "Channel", "Achievements"):
        tab.page.get_by_test_id("stMain").get_by_role("radio", name=choice, exact=True).click()
        tab.wait()
    tab.page.get_by_text("Cumulative", exact=True).click()
    tab.wait()
    query = shown_query(tab, "Progress")
    assert "running_achievements" in query and "'month'" in query and "channel" in query

    other = Tab(browser, urls)
    other.open(tab.page.url.removeprefix(f"{urls[DEMO]}/"))
    assert shown_query(other, "Progress") == query
    other.sound()
    other.page.close()


def shown_query(tab: Tab, title: str) -> str:
    heading = tab.page.get_by_role("heading", name=title, exact=True)
    row = heading.locator("xpath=ancestor::*[.//*[@data-testid='stPopover']][1]")
    row.get_by_test_id("stPopover").get_by_role("button").click()
    code = tab.page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").first.inner_text()
    tab.page.keyboard.press("Escape")
    return code


def test_a_goal_is_opened_by_its_name_and_stays_chosen_on_other_pages(tab: Tab):
    tab.open("", ACME)
    table = tab.page.get_by_role("region", name="goals", exact=True).bounding_box()
    assert table
    tab.page.mouse.click(table["x"] + 80, table["y"] + 80)  # the second goal
    expect(tab.page.get_by_role("heading", name="Nobody did this")).to_be_visible()
    assert "goal=quiet" in tab.page.url
    tab.page.get_by_test_id("stSidebarNavLink").filter(has_text="Person").click()
    expect(tab.page.get_by_text("Nobody reached this goal yet.")).to_be_visible()
    assert "goal=quiet" in tab.page.url
    tab.sound()


def test_a_name_is_shown_as_it_is(tab: Tab):
    tab.open("goal?goal=paid", ACME)
    expect(tab.page.get_by_role("heading", name="Paid *at once* <b>", exact=True)).to_be_visible()
    tab.sound()


def test_a_new_publication_appears_without_reload(tab: Tab, homes):
    home = homes[ACME]
    tab.open("data", ACME)
    in_quarantine = tab.page.get_by_test_id("stMetric").filter(has_text="Rows in quarantine")
    expect(in_quarantine).to_contain_text("1")
    kept = home.published.with_suffix(".kept")
    shutil.copyfile(home.published, kept)
    try:
        publish(home.published, home, "update ops.quarantine set rows = 4711")
        expect(in_quarantine).to_contain_text("4,711", timeout=15_000)
    finally:
        os.replace(kept, home.published)
    tab.sound()


def test_person_waits_while_a_run_writes(tab: Tab, homes):
    with single_writer(homes[ACME]):
        tab.open("person?goal=paid&profile=p1", ACME)
        expect(tab.page.get_by_text("A run is writing just now")).to_be_visible()
        assert "achievement" in str(tab.cells("person"))
    expect(tab.page.get_by_text("Achievement 1, worth 11")).to_be_visible(timeout=15_000)
    tab.sound()


def test_data_shows_what_went_wrong(tab: Tab):
    tab.open("data?files=set+aside", ACME)
    assert tab.metric("Rows in quarantine") == "1"
    assert tab.metric("Files set aside") == "1"
    assert "bad_timestamp" in str(tab.cells("quarantine"))
    assert "soon" in str(tab.cells("samples"))
    assert "events/broken.parquet" in str(tab.cells("files"))
    tab.sound()


# ---- the command ----


def test_it_listens_on_this_machine_only(urls: dict[str, str]):
    port = f"{int(urls[ACME].rpartition(':')[2]):04X}"
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    listening = [
        address for _, address, _, state, *_ in lines if address.endswith(f":{port}") and state == "0A"
    ]
    assert listening == [f"0100007F:{port}"]


def test_nothing_published_is_one_sentence(tmp_path: Path):
    ended = goalpost(Settings(home=tmp_path), "dashboard")
    assert ended.returncode == 1
    assert ended.stderr.startswith("goalpost: Nothing is published yet")


def test_without_streamlit_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    with pytest.raises(GoalpostError, match="needs Streamlit"):
        command.dashboard(Settings(home=tmp_path), host="127.0.0.1", port=8501)


def test_only_the_dashboard_imports_streamlit():
    code = "import sys, orchestration.cli, orchestration.dashboard; assert 'streamlit' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
