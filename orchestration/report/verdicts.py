"""What a row of rpt_goal_lift says, in a sentence for people who do not know statistics.

Belongs here: the words of each verdict. Does not: deciding it (orchestration/lift.py), layout (layout.py).
"""

from collections.abc import Mapping
from typing import Any

Lift = Mapping[str, Any]


def sentence(row: Lift) -> str:
    """The verdict, with the figures that it stands on."""
    words = {
        "sample_ratio_mismatch": _broken,
        "too_few": _too_few,
        "positive": _shown,
        "negative": _shown,
        "undecided": _undecided,
    }
    return words[row["verdict"]](row)


def _broken(row: Lift) -> str:
    control, treatment = (
        row[f"{arm}_profiles"] + row[f"{arm}_achieved_before"] for arm in ("control", "treatment")
    )
    return (
        "Do not believe these figures: the split is broken. "
        f"{_percent(control / (control + treatment), 1)} of the people are in the control arm, and "
        f"{_percent(row['expected_control_share'], 1)} were planned; chance alone goes as far in less than 1 "
        "of 1,000 experiments. Find out how people were lost or assigned twice before you read on."
    )


def _too_few(row: Lift) -> str:
    return (
        "Too few people to say anything: each arm needs at least 100, and among them at least 5 who reached "
        "the goal and 5 who did not."
    )


def _shown(row: Lift) -> str:
    word = "more" if row["verdict"] == "positive" else "fewer"
    return (
        f"The messages made {word} people reach the goal: {_percent(row['treatment_rate'])} with them, "
        f"{_percent(row['control_rate'])} without. The true difference lies between {_valid(row)}: in "
        f"{100 * (1 - row['alpha']):g} of 100 experiments such an interval holds the truth, however often "
        "you look."
    )


def _undecided(row: Lift) -> str:
    return (
        f"Not decided: {_percent(row['treatment_rate'])} reached the goal with the messages, "
        f"{_percent(row['control_rate'])} without, and the true difference may still be anything between "
        f"{_valid(row)}. That does not prove that there is none: wait for more people, or accept that a "
        "difference of this size cannot be told from chance."
    )


def _valid(row: Lift) -> str:
    """In percentage points; a decrease has a minus sign."""
    return f"{100 * row['always_valid_lower']:+.2f} and {100 * row['always_valid_upper']:+.2f} points"


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"
