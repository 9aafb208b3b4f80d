"""Goals, segments and funnels that marketers keep as YAML files: what they say, what is wrong at which line.

Belongs here: finding and reading the files, and what must fit together across them. Does not: YAML's own
rules (yaml_text.py), the shape of a definition (goal.schema.json, by way of shape.py), landing (apply.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import GoalpostError
from orchestration.goals.filters import reaches_itself
from orchestration.goals.shape import Judgement, Place, dotted, judge
from orchestration.goals.yaml_text import YamlError, parse_yaml

KINDS = ("goals", "segments", "funnels")


@dataclass(frozen=True, order=True)
class Finding:
    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class GoalFile:
    path: Path
    written: dict[str, Any]
    judgement: Judgement
    lines: dict[Place, int]

    @property
    def workspace(self) -> str:
        return self.judgement.completed["workspace"]

    def ids(self, kind: str) -> Iterator[str]:
        yield from self.written.get(kind) or {}

    def finding(self, place: Place, text: str) -> Finding:
        """At the line of the place; what is missing has none, so there it is what should hold it."""
        while place and place not in self.lines:
            place = place[:-1]
        return Finding(self.path, self.lines.get(place, 1), text)


@dataclass(frozen=True)
class GoalFiles:
    """`files` mean something only without errors."""

    files: tuple[GoalFile, ...]
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def read_files(paths: Iterable[Path]) -> GoalFiles:
    files: list[GoalFile] = []
    errors: list[Finding] = []
    for path in find_files(paths):
        try:
            files.append(_read(path))
        except YamlError as error:
            errors.append(Finding(path, error.line, str(error)))
    errors += [
        file.finding(problem.place, str(problem)) for file in files for problem in file.judgement.problems
    ]
    warnings = [file.finding(key.place, str(key)) for file in files for key in file.judgement.unknown_keys]
    if not errors:
        errors += _given_twice(files)
        warnings += [*_unknown_segments(files), *_unknown_goals(files)]
    return GoalFiles(tuple(files), tuple(sorted(errors)), tuple(sorted(warnings)))


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and every .yml and .yaml in the folders named; each once."""
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise GoalpostError(
                f"{path}: there is no such file or folder; give a YAML file or a folder of them"
            )
        inside = sorted(
            file for file in path.rglob("*") if file.suffix in (".yml", ".yaml") and file.is_file()
        )
        if path.is_dir() and not inside:
            raise GoalpostError(f"{path}: there is no .yml or .yaml file in this folder")
        for file in inside if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _read(path: Path) -> GoalFile:
    try:
        written, lines = parse_yaml(path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise YamlError(line, "this is not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise YamlError(1, f"cannot be read: {error.strerror}") from None
    if isinstance(written, dict):
        for kind in KINDS:  # an id with nothing under it is an empty goal, not an absent one
            if isinstance(written.get(kind), dict):
                written[kind] = {id_: {} if inner is None else inner for id_, inner in written[kind].items()}
    return GoalFile(path, written, judge(written, "file"), lines)


def _given_twice(files: list[GoalFile]) -> Iterator[Finding]:
    first: dict[tuple[str, str, str], Finding] = {}
    for file in files:
        for kind in KINDS:
            for id_ in file.ids(kind):
                finding = file.finding((kind, id_), "")
                earlier = first.setdefault((file.workspace, kind, id_), finding)
                if earlier is not finding:
                    text = f"is given twice (first in {earlier.path}:{earlier.line}); keep one"
                    yield file.finding((kind, id_), f"{dotted((kind, id_))}: {text}")


def _unknown_segments(files: list[GoalFile]) -> Iterator[Finding]:
    """Warnings, since a segment may have landed by other ways."""
    segments: dict[str, dict[str, Any]] = {}
    for file in files:
        written = file.written.get("segments") or {}
        segments.setdefault(file.workspace, {}).update(
            {id_: inner["filter"] for id_, inner in written.items()}
        )
    for file in files:
        known = segments[file.workspace]
        for place, segment in file.judgement.segments.items():
            where = dotted(place)
            if segment not in known:
                text = (
                    f"no segment '{segment}' in these files; unless it has landed otherwise, nobody is in it"
                )
                yield file.finding(place, f"{where}: {text}")
            elif reaches_itself(segment, known):
                text = f"segment '{segment}' refers to itself, directly or through others, so nobody is in it"
                yield file.finding(place, f"{where}: {text}")


def _unknown_goals(files: list[GoalFile]) -> Iterator[Finding]:
    """Warnings, since a goal may have landed by other ways."""
    goals = {(file.workspace, goal) for file in files for goal in file.ids("goals")}
    for file in files:
        for funnel in file.ids("funnels"):
            for index, goal in enumerate(file.written["funnels"][funnel]["goals"]):
                if (file.workspace, goal) not in goals:
                    place = ("funnels", funnel, "goals", index)
                    text = (
                        f"no goal '{goal}' in these files; unless it has landed otherwise, nobody reaches it"
                    )
                    yield file.finding(place, f"{dotted(place)}: {text}")
