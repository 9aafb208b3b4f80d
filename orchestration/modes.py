"""Who may read what lies in the home: its owner alone, but for what is published.

Belongs here: the modes of files and folders. Does not: what is in them.

The home holds what people did, by name: the warehouse, the logs, Dagster's and dbt's state, temporary files.
Files are 0600 and folders 0700, whatever the umask. Published marts hold people too (dim_profiles has all
their properties), so they are private as well until GOALPOST_PUBLISHED_MODE lets a group or everybody read
them. Then the home can be passed through, not listed.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestration.errors import GoalpostError
from orchestration.settings import Settings

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
PRIVATE_UMASK = 0o077
# Where disks are mounted, each in a folder of its own.
MOUNTS = [Path(folder) for folder in ("/mnt", "/media", "/run/media", "/Volumes")]


_umask_of_the_user: int | None = None


def be_private() -> None:
    """What this process and those that it starts create is its owner's alone."""
    global _umask_of_the_user
    before = os.umask(PRIVATE_UMASK)
    _umask_of_the_user = before if _umask_of_the_user is None else _umask_of_the_user


@contextmanager
def landing_modes(settings: Settings) -> Iterator[None]:
    """A landing that was there belongs to whoever made it, and somebody else may load it: what we put there
    goes by the user's umask. One that we create is private."""
    is_there = "://" in settings.landing or Path(settings.landing).is_dir()
    before = os.umask(PRIVATE_UMASK)
    try:
        os.umask(_umask_of_the_user if is_there and _umask_of_the_user is not None else before)
        yield
    finally:
        os.umask(before)


def create_home(settings: Settings) -> None:
    """Make the folder of the home if there is none. Raises GoalpostError if there can be none, or if
    it cannot be written."""
    if settings.home.is_symlink() and not settings.home.exists():
        raise GoalpostError(
            f"The home {settings.home} is a link to {settings.home.readlink()}, which does not exist: mount "
            "the disk, or set GOALPOST_HOME to another folder."
        )
    for mounts in MOUNTS:
        # Made there, a home would be a new one, on the wrong disk.
        if mounts in settings.home.parents:
            disk = mounts / settings.home.relative_to(mounts).parts[0]
            if not disk.exists():
                raise GoalpostError(
                    f"There is no {disk}, where the home {settings.home} is to be: mount the disk (or make "
                    "that folder, if it is none), or set GOALPOST_HOME to another folder."
                )
    try:
        if not settings.home.is_dir():
            settings.home.mkdir(parents=True, exist_ok=True)
            settings.home.chmod(_home_mode(settings))
    except OSError as error:
        raise GoalpostError(
            f"The folder {settings.home} cannot be created ({error.strerror}): "
            "set GOALPOST_HOME to a folder that can be written."
        ) from None
    if not os.access(settings.home, os.W_OK | os.X_OK):
        raise GoalpostError(
            f"The folder {settings.home} cannot be written: give yourself the right to, "
            "or set GOALPOST_HOME to another folder."
        )


def tighten(settings: Settings) -> bool:
    """Give what is in the home its mode: an older version went by the umask, or the setting changed. True if
    others could read the published marts before and no longer can. Cheap where all is as it should be."""
    if not settings.home.is_dir():
        return False
    before = _mode(settings.published)
    for entry in settings.home.iterdir():
        if entry not in (settings.published, settings.published_parquet, settings.default_landing):
            _tighten(entry)
    share(settings)
    _set(settings.home, _home_mode(settings))
    return bool(before and before & 0o077 & ~settings.published_mode)


def share(settings: Settings) -> None:
    """What is published, by GOALPOST_PUBLISHED_MODE."""
    _set(settings.published, settings.published_mode)
    folder = settings.published_parquet
    for path in (folder, *_below(folder)):
        _set(path, folder_mode(settings.published_mode) if path.is_dir() else settings.published_mode)


def folder_mode(file_mode: int) -> int:
    """Whoever may read a file may list its folder."""
    return file_mode | (file_mode & 0o444) >> 2


def _home_mode(settings: Settings) -> int:
    """Others pass through to what is published; they need not see what else there is."""
    return PRIVATE_FOLDER | (settings.published_mode & 0o044) >> 2


def _tighten(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        if _mode(entry) != PRIVATE_FOLDER:
            for path in _below(entry):
                _set(path, PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)
            _set(entry, PRIVATE_FOLDER)
    else:
        _set(entry, PRIVATE_FILE)


def _below(folder: Path) -> Iterator[Path]:
    if folder.is_dir() and not folder.is_symlink():
        yield from folder.rglob("*")


def _mode(path: Path) -> int | None:
    """Of links, and of what is gone by now, none: it is not ours to say."""
    with suppress(OSError):
        status = path.lstat()
        if not stat.S_ISLNK(status.st_mode):
            return stat.S_IMODE(status.st_mode)
    return None


def _set(path: Path, mode: int) -> None:
    if _mode(path) not in (None, mode):
        with suppress(OSError):  # of somebody else, who may have reasons
            path.chmod(mode)
