"""Tests of the tests: a model that breaks a rule (mutations.py) gives other marts for the stories.

Other tests say what the marts should be: each scenario does, and test_scenarios_and_the_reference.py
compares every row. So here it is enough that a row differs. `make test` tries the quick mutations, and
all of them on request (CONTRIBUTING.md).
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest
from increments import contents, replaced
from mutations import EDGES, INCREMENTS, MUTATIONS, RECOUNTED, Mutation
from pipeline import Pipeline, manifest
from scenarios import AS_OF, built
from test_affected_from import CASES, affected, land
from test_edges_of_increments import begun as begun_at_the_edge
from test_edges_of_increments import gone_on
from test_recounted_days import begun, walked

from orchestration.settings import DBT_PROJECT

MARTS = {path.stem for path in (DBT_PROJECT / "models" / "marts").glob("*.sql")}
CHOSEN = [
    mutation for mutation in MUTATIONS if mutation.is_quick or os.environ.get("GOALPOST_MUTATIONS") == "all"
]


def test_what_a_mutation_changes_is_there_exactly_once():
    for mutation in MUTATIONS + INCREMENTS + EDGES + RECOUNTED:
        text = (DBT_PROJECT / mutation.file).read_text()
        assert text.count(mutation.old) == 1, (
            f"{mutation.old!r} occurs {text.count(mutation.old)} times in {mutation.file}"
        )


@pytest.mark.parametrize("mutation", CHOSEN, ids=str)
def test_a_model_that_breaks_a_rule_changes_a_mart(mutation, tmp_path, tmp_path_factory):
    original = built(tmp_path_factory.getbasetemp() / "scenarios")
    assert contents(mutant(mutation, original, tmp_path)) != contents(original), (
        f"nothing noticed that {mutation.breaks!r} is broken"
    )


@pytest.mark.parametrize("mutation", INCREMENTS if CHOSEN == MUTATIONS else [], ids=str)
def test_an_increment_that_breaks_a_rule_computes_something_else(mutation, tmp_path, tmp_path_factory):
    home = tmp_path_factory.getbasetemp() / "mutated increments"
    original = original_increment(home)
    with applied(mutation):
        mutated = increment(home, tmp_path)
    assert mutated != original, f"nothing noticed that {mutation.breaks!r} is broken"


@pytest.mark.parametrize("mutation", EDGES if CHOSEN == MUTATIONS else [], ids=str)
def test_an_increment_that_takes_an_edge_for_something_else_is_noticed(mutation, tmp_path, tmp_path_factory):
    home = tmp_path_factory.getbasetemp()
    original = original_edges(home)
    with applied(mutation):
        mutated = marts_and_states(gone_on(tmp_path, begun_at_the_edge(home / "edges")).pipeline)
    assert mutated != original, f"nothing noticed that {mutation.breaks!r} is broken"


@pytest.mark.parametrize("mutation", RECOUNTED if CHOSEN == MUTATIONS else [], ids=str)
def test_a_day_that_is_not_counted_anew_is_noticed(mutation, tmp_path, tmp_path_factory):
    home = tmp_path_factory.getbasetemp()
    original = original_walk(home)
    with applied(mutation):
        mutated = [contents(walk.pipeline) for walk in walked(tmp_path, begun(home / "begun"))]
    assert mutated != original, f"nothing noticed that {mutation.breaks!r} is broken"


@cache
def original_walk(home: Path) -> list[dict]:
    return [contents(walk.pipeline) for walk in walked(home / "walk", begun(home / "begun"))]


@cache
def original_edges(home: Path) -> tuple:
    return marts_and_states(gone_on(home / "original edges", begun_at_the_edge(home / "edges")).pipeline)


def marts_and_states(pipeline: Pipeline) -> tuple:
    """A state that is kept twice changes no mart yet, but a later run's."""
    return contents(pipeline), pipeline.query("select count(*) as rows from intermediate.int_profile_states")


@cache
def kept(home: Path) -> Pipeline:
    """The cases of test_affected_from.py, before the new rows."""
    pipeline = Pipeline(home)
    land(pipeline, "kept", CASES, kept=True)
    pipeline.run(AS_OF)
    return pipeline


@cache
def original_increment(home: Path) -> tuple:
    return increment(home, home / "original")


def increment(home: Path, copy: Path) -> tuple:
    """Who is affected by the new rows, and the marts after them."""
    pipeline = Pipeline(copy)
    kept(home).copy_databases(pipeline)
    shutil.copytree(kept(home).landing, pipeline.landing)
    land(pipeline, "new", CASES)
    pipeline.run(AS_OF)
    return affected(pipeline), contents(pipeline)


def mutant(mutation: Mutation, original: Pipeline, home: Path) -> Pipeline:
    """The original's marts as the mutated model and all its downstream models would have made them."""
    pipeline = Pipeline(home)
    original.copy_databases(pipeline)
    with applied(mutation) as changed:
        # If a mart itself is changed, its downstream models need not be built to see a difference.
        # Without --full-refresh an incremental model has nothing to do.
        models = (model if model in MARTS else f"{model}+" for model in changed)
        pipeline.dbt("run", "--full-refresh", "--select", *models)
    return pipeline


@contextmanager
def applied(mutation: Mutation) -> Iterator[list[str]]:
    """Changes the parsed project (parsing a changed copy takes longer); returns the models concerned."""
    project = manifest(DBT_PROJECT)
    texts = [(macro, "macro_sql") for macro in project.macros.values()]
    texts += [(node, "raw_code") for node in project.nodes.values()]
    ((changed, text),) = (
        (each, text)
        for each, text in texts
        if each.original_file_path == mutation.file and mutation.old in getattr(each, text)
    )
    with ExitStack() as stack:
        stack.enter_context(
            replaced(changed, text, getattr(changed, text).replace(mutation.old, mutation.new))
        )
        if text == "raw_code":  # its config was read when the project was parsed
            meta = dict(re.findall(r"'(recompute_\w+)': '([^']*)'", mutation.new))
            stack.enter_context(replaced(changed.config, "meta", changed.config.meta | meta))
        yield [changed.name] if text == "raw_code" else models_that_use(changed.name)


def models_that_use(macro_name: str) -> list[str]:
    """Also through other macros; a dispatched macro is called by its name without the engine."""
    project = manifest(DBT_PROJECT)
    macros = [macro for macro in project.macros.values() if macro.package_name == "goalpost"]
    models = [node for node in project.nodes.values() if node.resource_type == "model"]
    pending, calls = [macro_name], set()
    while pending:
        call = rf"\b{pending.pop().removeprefix('duckdb__')}\b"
        if call not in calls:
            calls.add(call)
            pending += [macro.name for macro in macros if re.search(call, macro.macro_sql)]
    return [model.name for model in models if any(re.search(call, model.raw_code) for call in calls)]
