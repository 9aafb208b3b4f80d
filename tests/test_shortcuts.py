"""Each shortcut still finds what it reaches for, and saves the work that it is there for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dagster import DagsterRunStatus
from dagster._core.test_utils import create_run_for_test
from homes import first_home, goalpost
from sqlalchemy.engine import Engine

from orchestration.dagster_instance import open_instance
from orchestration.settings import PROJECT_ROOT, Settings

OFF = {"GOALPOST_SHORTCUTS": "off"}


def run_python(code: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


IMPORT_CHECKS = """
import sys
from orchestration.checks.suites import import_great_expectations
import_great_expectations()
print([name for name in ("scipy.stats._stats_py", "altair.vegalite") if name in sys.modules])
"""
IMPORT_DEFINITIONS = """
import sys
import orchestration.definitions
print("dbt.version" in sys.modules)
"""
GARBAGE = """
import gc
from orchestration.shortcuts import collect_rarely
collect_rarely()
print(gc.get_threshold()[0])
"""
LEAVE = """
import atexit
from orchestration.shortcuts import leave
atexit.register(print, "taken apart")
print("flushed")
leave(0)
"""


@pytest.mark.parametrize(
    ("code", "on", "off"),
    [
        (IMPORT_CHECKS, "[]", "['scipy.stats._stats_py', 'altair.vegalite']"),
        (IMPORT_DEFINITIONS, "False", "True"),
        (GARBAGE, "100000", "700"),
        (LEAVE, "flushed", "flushed\ntaken apart"),
    ],
    ids=["import_when_used", "not_importing", "collect_rarely", "leave"],
)
def test_a_process_does_only_without_shortcuts_what_they_save(code, on, off, tmp_path, monkeypatch):
    """Where it does not do it even without, the shortcut is no longer needed."""
    home = str(first_home(tmp_path).home)
    assert run_python(code, monkeypatch, GOALPOST_HOME=home) == on
    assert run_python(code, monkeypatch, GOALPOST_HOME=home, **OFF) == off


@pytest.mark.parametrize("is_on", [True, False])
def test_dagster_writes_its_events_through_one_engine(is_on, tmp_path, monkeypatch):
    if not is_on:
        monkeypatch.setenv("GOALPOST_SHORTCUTS", "off")
    engines, create = [], Engine.__init__
    monkeypatch.setattr(Engine, "__init__", lambda *a, **k: engines.append(a) or create(*a, **k))
    with open_instance(Settings(home=tmp_path)) as instance:
        run = create_run_for_test(instance, job_name="goalpost", status=DagsterRunStatus.STARTED)
        instance.report_engine_event("an event", run)
        before = len(engines)
        instance.report_engine_event("an event", run)
        assert (len(engines) == before) is is_on
        assert len(instance.all_logs(run.run_id)) == 2


TEMPLATE = """
from pathlib import Path
from dbt_common.clients.jinja import MacroFuzzEnvironment, get_environment, get_template
from orchestration.shortcuts import keep_templates
compiled = []
compile = MacroFuzzEnvironment._generate
MacroFuzzEnvironment._generate = lambda *a, **k: compiled.append(a) or compile(*a, **k)
keep_templates(Path("{folder}"))
assert get_template("select {{{{ 1 + 1 }}}}", {{}}, None).render({{}}) == "select 2"
print(len(compiled))
"""


def test_a_template_is_compiled_once_for_all_processes(tmp_path: Path, monkeypatch):
    code = TEMPLATE.format(folder=tmp_path / "templates")
    assert [run_python(code, monkeypatch) for _ in range(2)] == ["1", "0"]
    assert [run_python(code, monkeypatch, **OFF) for _ in range(2)] == ["1", "1"]


def test_a_broken_file_of_a_template_is_compiled_again(tmp_path: Path, monkeypatch):
    code = TEMPLATE.format(folder=tmp_path)
    assert run_python(code, monkeypatch) == "1"
    for kept in tmp_path.iterdir():
        kept.write_bytes(kept.read_bytes()[:40])
    assert run_python(code, monkeypatch) == "1"


def test_without_shortcuts_the_pipeline_runs(tmp_path: Path, monkeypatch):
    """It computes an increment."""
    settings = first_home(tmp_path)
    shutil.rmtree(settings.home / "dbt" / "templates")
    monkeypatch.setenv("GOALPOST_SHORTCUTS", "off")
    shutil.copy(next(Path(settings.landing).glob("events/*")), Path(settings.landing) / "events" / "more.csv")
    assert "Published" in goalpost(settings, "run", "--as-of", "2026-02-02").stdout
    assert not (settings.home / "dbt" / "templates").exists()
