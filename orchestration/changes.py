"""Which code changed since the last success, and what must be rebuilt for it.

Belongs here: the code that marts depend on, file by file; which models a change affects; whether these can
be rebuilt alone. Does not: building (defs/models.py), the history of runs (runs.py).

A model that reads only whole tables (marts, base tables, kept state) can be computed from scratch, with the
models downstream of it, while all other models take in the new rows. A model downstream of a table that holds
one increment cannot: then everything is recomputed (docs/increments.md).
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import GoalpostError
from orchestration.settings import DBT_PROJECT, EXPECTATIONS, PROJECT_ROOT, Settings

# What determines the marts, besides the rows that landed and the clock.
MODELS = (
    DBT_PROJECT,
    PROJECT_ROOT / "seeds" / "rules",
    PROJECT_ROOT / "orchestration" / "goals",
    PROJECT_ROOT / "orchestration" / "lift.py",
)
CODE = (*MODELS, EXPECTATIONS, PROJECT_ROOT / "requirements.lock")
NOT_CODE = {"target", "logs", "__pycache__", ".user.yml"}

BUILT = ("model", "seed")

# A change in these affects the checks, not the content of a mart.
CHECKS = ("expectations/", "dbt_project/tests/")
# The files that dbt's `state:modified` compares. Any other file may affect every model.
COMPARED_BY_DBT = ("dbt_project/models/", "dbt_project/macros/", "seeds/rules/")

Files = Mapping[str, str]  # the hash of each file, by its path in the project


@dataclass(frozen=True)
class Rebuild:
    """What a run computes from scratch: these models, or everything, with the reason."""

    models: frozenset[str] = frozenset()
    full_refresh: str | None = None
    checks_everything: bool = False


@dataclass(frozen=True)
class Built:
    """A row of control.built_models."""

    code: str
    in_run: bool


def code_of(node: Mapping[str, Any]) -> str:
    """The same hash as the macro of that name."""
    return hashlib.md5(" ".join(node["raw_code"].split()).encode()).hexdigest()


def hash_each(paths: Iterable[Path] = CODE) -> dict[str, str]:
    found = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = file.relative_to(PROJECT_ROOT)
            if file.is_file() and not NOT_CODE.intersection(name.parts):
                found[name.as_posix()] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def hash_of(files: Files) -> str:
    return hashlib.sha256(
        "".join(f"{name}\x1f{files[name]}\n" for name in sorted(files)).encode()
    ).hexdigest()


def changed_files(before: Files, now: Files) -> list[str]:
    """The files that are new, gone or different."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def some_of(names: Collection[str]) -> str:
    """Up to three of the names, and how many more there are."""
    shown = ", ".join(sorted(names)[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


# ---- the code of the last success --------------------------------------------------------------------------


def state_folder(settings: Settings) -> Path:
    """The project as of the last success: what dbt calls a state."""
    return settings.home / "dbt" / "state"


def keep_state(settings: Settings, files: Files, manifest: Path) -> None:
    """Record the code of a run that succeeded, in two files. If the run is killed between them, they do not
    match, and the next run computes everything. Lets OSError pass."""
    folder = state_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("manifest.json", manifest.read_bytes()),
        ("files.json", json.dumps({"manifest": _hash(manifest), "files": files}).encode()),
    ):
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_bytes(content)
        unfinished.replace(folder / name)


def read_state(settings: Settings) -> Files | None:
    """The files of the last success; None if the record is missing or incomplete."""
    folder = state_folder(settings)
    try:
        kept = json.loads((folder / "files.json").read_bytes())
        return kept["files"] if kept["manifest"] == _hash(folder / "manifest.json") else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- what has to be rebuilt --------------------------------------------------------------------------------


def find_rebuild(
    settings: Settings, manifest: Mapping[str, Any], before: Files, now: Files, built: Mapping[str, Built]
) -> Rebuild:
    """What must be rebuilt. `manifest`: dbt's, of the current project. `built`: what is in the warehouse, by
    the name of the model. A model that was built outside a run, or by other code, counts as changed.

    Raises GoalpostError if dbt cannot compare the project with that of the last success.
    """
    changed = changed_files(before, now)
    checks_everything = any(name.startswith(CHECKS) for name in changed)
    changed = [name for name in changed if not name.startswith(CHECKS)]
    if others := [name for name in changed if not name.startswith(COMPARED_BY_DBT)]:
        return Rebuild(full_refresh=f"{some_of(others)} changed")
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] in BUILT}
    modified = sorted(_modified(settings)) if changed else []
    reasons = {node: f"{_file_of(manifest, node, changed)} changed" for node in modified}
    for name in nodes.keys() & built.keys():
        if not built[name].in_run:
            reasons.setdefault(nodes[name]["unique_id"], f"{name} was built outside a run")
        elif built[name].code != code_of(nodes[name]):
            reasons.setdefault(nodes[name]["unique_id"], f"{name} was built by other code")
    for node, reason in sorted(reasons.items()):
        if not _can_be_built_alone(manifest, _with_what_stands_on_it(manifest, {node})):
            return Rebuild(full_refresh=reason)
    found = _with_what_stands_on_it(manifest, reasons)
    names = frozenset(manifest["nodes"][node]["name"] for node in found)
    return Rebuild(models=names, checks_everything=checks_everything)


def holds(node: Mapping[str, Any]) -> str | None:
    """What a model holds: increment, scope, or None: everything (macros/increment.sql)."""
    return node["config"].get("meta", {}).get("holds")


def _modified(settings: Settings) -> set[str]:
    """The ids of the models and seeds that dbt finds new or changed, by their own code or by a macro.
    (A difference only in white space is no change.)"""
    from orchestration.dbt_process import COMMAND, environment

    listed = subprocess.run(
        [
            *(sys.executable, *COMMAND, "--quiet", "ls", "--select", "state:modified"),
            *("--state", str(state_folder(settings)), "--resource-types", "model", "seed"),
            *("--output", "json", "--output-keys", "unique_id"),
        ],
        env=os.environ | environment(settings),
        cwd=DBT_PROJECT,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        raise GoalpostError(f"dbt cannot find which models changed: {' '.join(listed.stdout.split())}")
    lines = [line for line in listed.stdout.splitlines() if line.startswith("{")]
    return {json.loads(line)["unique_id"] for line in lines}


def _file_of(manifest: Mapping[str, Any], node: str, changed: Collection[str]) -> str:
    """The model's own file, if that changed; else the changed macros, seeds or YAML files."""
    path = manifest["nodes"][node]["original_file_path"]
    own = [name for name in changed if name.endswith(path)]
    return own[0] if own else some_of(changed)


def _with_what_stands_on_it(manifest: Mapping[str, Any], starts: Collection[str]) -> set[str]:
    found, waiting = set(), list(starts)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [child for child in manifest["child_map"][node] if child.startswith("model.")]
    return found


def _can_be_built_alone(manifest: Mapping[str, Any], nodes: Collection[str]) -> bool:
    """None of them holds an increment, or is computed from one."""
    for name in nodes:
        node = manifest["nodes"][name]
        inputs = [each for each in node["depends_on"].get("nodes", ()) if each.startswith("model.")]
        if holds(node) or any(holds(manifest["nodes"][each]) == "increment" for each in inputs):
            return False
    return True
