"""What conftest.py guarantees for all tests."""

import os
import subprocess
import sys
from pathlib import Path

from conftest import FAST, PIECES

TESTS = Path(__file__).parent


def test_no_setting_of_the_callers_shell_reaches_a_test():
    left_over = {
        "GOALPOST_HOME": "/somewhere",
        "GOALPOST_KEEP_OPEN": "1",
        "DAGSTER_HOME": "/x",
        "DBT_TARGET": "x",
    }
    modes = {"GOALPOST_BATCHES": "3"}
    seen = subprocess.run(
        [sys.executable, "-c", "import conftest, os; print(*sorted(os.environ))"],
        env=os.environ | left_over | modes,
        cwd=TESTS,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert not left_over.keys() & seen
    assert modes.keys() <= set(seen)


def test_every_file_that_is_named_for_the_workers_or_the_fast_tests_is_there():
    files = [path.stem for path in TESTS.glob("test_*.py")]
    named = [name for names in (*PIECES.values(), FAST) for name in names]
    assert [name for name in named if not any(file.startswith(name) for file in files)] == []
