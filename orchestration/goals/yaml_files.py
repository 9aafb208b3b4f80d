"""Goals, segments, funnels and experiments in YAML files: what they say, and what is wrong at which line.

Belongs here: finding and reading the files, and rules across several files. Does not: YAML's own rules
(yaml_text.py), the shape of a definition (goal.schema.json, through shape.py), landing (apply.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.errors import GoalpostError
from orchestration.goals.filters import Filter, Segments
from orchestration.goals.limits import Place
from orchestration.goals.predicates import TooLarge, predicate
from orchestration.goals.shape import Judgement, dotted, judge
from orchestration.goals.yaml_text import YamlError, parse_yaml

KINDS = ("goals", "segments", "funnels", "experiments")
NAMES_GOALS = {"funnels": "nobody reaches it", "experiments": "it is not measured"}


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
        """A finding at the line of the place. A missing place has no line, so then the line of its parent."""
        while place and place not in self.lines:
            place = place[:-1]
        return Finding(self.path, self.lines.get(place, 1), text)


@dataclass(frozen=True)
class GoalFiles:
    """`files` are valid only if there are no errors."""

    files: tuple[GoalFile, ...]
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


@dataclass(frozen=True)
class Known:
    """What exists besides the files, by workspace. `is_all`: nothing else exists."""

    segments: dict[str, dict[str, Filter]] = field(default_factory=dict)
    goals: dict[str, set[str]] = field(default_factory=dict)
    is_all: bool = False

    def otherwise(self) -> str:
        return ", and none has landed:" if self.is_all else "; unless it has landed otherwise,"


def read_files(paths: Iterable[Path], known: Known | None = None) -> GoalFiles:
    """What the files say, judged on their own and together with what is known to exist besides them.

    Raises GoalpostError if a path has no file; a fault in a file is an error among the findings.
    """
    known = known or Known()
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
        segments = _segments_of(files, known)
        errors += _too_large_together(files, segments)
        warnings += [*_unknown_segments(files, segments, known), *_unknown_goals(files, known)]
    return GoalFiles(tuple(files), tuple(sorted(errors)), tuple(sorted(warnings)))


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and every .yml and .yaml in the folders named; each once.

    Raises GoalpostError if a path does not exist, or a folder has no such file.
    """
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
        for kind in KINDS:  # an id without content is an empty goal, not an absent one
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


def _segments_of(files: list[GoalFile], known: Known) -> dict[str, Segments]:
    """The segments in the files and besides them, by workspace; those in the files replace the others."""
    segments: dict[str, dict[str, Filter]] = {}
    for file in files:
        of_workspace = segments.setdefault(file.workspace, dict(known.segments.get(file.workspace, {})))
        of_file = file.judgement.completed.get("segments", {})
        of_workspace.update({id_: inner["filter"] for id_, inner in of_file.items()})
    return {workspace: Segments(filters) for workspace, filters in segments.items()}


def _too_large_together(files: list[GoalFile], segments: dict[str, Segments]) -> Iterator[Finding]:
    for file in files:
        for place, each in file.judgement.filters.items():
            try:
                predicate(segments[file.workspace].resolve(each.written, of_event=each.is_of_event))
            except TooLarge as problem:
                yield file.finding(place, f"{dotted(place)}: {problem}")


def _unknown_segments(
    files: list[GoalFile], segments: dict[str, Segments], known: Known
) -> Iterator[Finding]:
    """Unknown segments: warnings, because nobody is in such a segment, and there is no other effect."""
    for file in files:
        of_workspace = segments[file.workspace]
        for place, segment in file.judgement.segments.items():
            where = dotted(place)
            if segment not in of_workspace:
                text = f"no segment '{segment}' in these files{known.otherwise()} nobody is in it"
                yield file.finding(place, f"{where}: {text}")
            elif of_workspace.reaches_itself(segment):
                text = f"segment '{segment}' refers to itself, directly or through others, so nobody is in it"
                yield file.finding(place, f"{where}: {text}")


def _unknown_goals(files: list[GoalFile], known: Known) -> Iterator[Finding]:
    """Unknown goals in funnels and experiments: warnings, because they have no other effect."""
    goals = {(file.workspace, goal) for file in files for goal in file.ids("goals")}
    goals |= {(workspace, goal) for workspace, ids in known.goals.items() for goal in ids}
    for file in files:
        for kind, effect in NAMES_GOALS.items():
            for id_ in file.ids(kind):
                for index, goal in enumerate(file.judgement.completed[kind][id_].get("goals", ())):
                    if (file.workspace, goal) not in goals:
                        place = (kind, id_, "goals", index)
                        text = f"no goal '{goal}' in these files{known.otherwise()} {effect}"
                        yield file.finding(place, f"{dotted(place)}: {text}")
