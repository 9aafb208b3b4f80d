"""What the docs promise a reader: links have targets, commands exist, the version is the newest."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes from headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_dead(page: Path, link: str) -> bool:
    place, _, anchor = link.partition("#")
    target = page.parent / place if place else page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


def test_every_link_between_pages_leads_to_a_file_and_a_heading():
    local = [(page, link) for page in PAGES for link in links(page) if not link.startswith("http")]
    assert len(local) > 50
    assert [f"{page.name}: {link}" for page, link in local if is_dead(page, link)] == []


def test_every_make_command_in_the_docs_is_a_target():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"\bmake ([a-z][\w-]*)`", page.read_text("utf-8"))}
    assert named and named <= targets


def test_the_version_is_the_newest_of_the_changelog():
    newest = re.search(r"^## (\d+\.\d+\.\d+), ", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert newest and newest[1] == project["version"]


def test_a_description_names_the_page_and_the_heading_of_its_rule():
    models = ROOT / "dbt_project" / "models"
    headings = re.findall(
        r"^## (\d+\. [\w ]+\w)", (ROOT / "docs" / "contract.md").read_text("utf-8"), re.MULTILINE
    )
    named = 0
    for page in [*models.rglob("*.yml"), *models.rglob("*.md")]:
        lines = [line for line in page.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
        text = "\n".join(lines).replace('\\"', '"')
        assert "SEMANTICS" not in text, page.name
        for places in re.findall(r'docs/contract\.md, ((?:(?:, | and | to )?"[^"]+")+)', text):
            for place in re.findall(r'"([^"]+)"', places):
                assert place in headings, f"{page.name}: {place}"
                named += 1
    assert named > 70


def test_each_page_of_the_dashboard_is_an_exposure():
    exposures = (ROOT / "dbt_project" / "models" / "_exposures.yml").read_text("utf-8")
    named = set(re.findall(r"^  - name: dashboard_(\w+)$", exposures, re.MULTILINE))
    assert named == {page.stem for page in (ROOT / "dashboard" / "views").glob("*.py")}
